"""Integer rectangles, the one way PaintDiff says where something is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rect:
    """A half-open integer rectangle in world pixels; `w` or `h` of 0 or less means empty.

    World coordinates never move: the canvas is one such rectangle, so growing it to the left gives it a negative `x`
    and leaves every pixel where it was.
    """

    x: int
    y: int
    w: int
    h: int

    @classmethod
    def from_edges(cls, left: int, top: int, right: int, bottom: int) -> Rect:
        return cls(left, top, max(0, right - left), max(0, bottom - top))

    @property
    def right(self) -> int:
        return self.x + self.w

    @property
    def bottom(self) -> int:
        return self.y + self.h

    @property
    def empty(self) -> bool:
        return self.w <= 0 or self.h <= 0

    @property
    def area(self) -> int:
        return 0 if self.empty else self.w * self.h

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w), as NumPy wants it."""
        return self.h, self.w

    @property
    def center(self) -> tuple[float, float]:
        return self.x + self.w / 2, self.y + self.h / 2

    def intersected(self, other: Rect) -> Rect:
        # Spelled out: a stroke asks this dozens of times for every pointer event.
        x, y = max(self.x, other.x), max(self.y, other.y)
        right, bottom = min(self.x + self.w, other.x + other.w), min(self.y + self.h, other.y + other.h)
        return Rect(x, y, max(0, right - x), max(0, bottom - y))

    def united(self, other: Rect) -> Rect:
        """The bounding rectangle of both; an empty rectangle adds nothing."""
        if self.empty:
            return other
        if other.empty:
            return self
        return Rect.from_edges(
            min(self.x, other.x), min(self.y, other.y), max(self.right, other.right), max(self.bottom, other.bottom)
        )

    def contains(self, other: Rect) -> bool:
        """Whether no pixel of `other` lies outside; an empty rectangle has none."""
        return other.empty or (
            self.x <= other.x and self.y <= other.y and other.right <= self.right and other.bottom <= self.bottom
        )

    def contains_point(self, x: float, y: float) -> bool:
        return self.x <= x < self.right and self.y <= y < self.bottom

    def inflated(self, margin: int) -> Rect:
        """Grown by `margin` pixels on every side (shrunk when negative, never below empty)."""
        return Rect.from_edges(self.x - margin, self.y - margin, self.right + margin, self.bottom + margin)

    def moved(self, dx: int, dy: int) -> Rect:
        return Rect(self.x + dx, self.y + dy, self.w, self.h)

    def slices_in(self, outer: Rect) -> tuple[slice, slice]:
        """(rows, columns) of this rectangle inside an array that covers `outer`; it must be empty or lie within."""
        if self.empty:
            return slice(0, 0), slice(0, 0)
        left, top = self.x - outer.x, self.y - outer.y
        if left < 0 or top < 0 or left + self.w > outer.w or top + self.h > outer.h:
            raise ValueError(f"{self} does not lie within {outer}")
        return slice(top, top + self.h), slice(left, left + self.w)


EMPTY = Rect(0, 0, 0, 0)
