"""From the hand's samples to the brush's path: round curves through sparse samples, in pieces with small boxes."""

from __future__ import annotations

import math
from collections.abc import Iterator

from paintdiff.paint.brush import Brush, Sample
from paintdiff.paint.coverage import Tip

FLATNESS = 0.1
"""How far, in pixels, a piece of a thin stroke may lie from the true curve; wide strokes hide more."""
OPACITY_STEP = 1 / 100
"""How much the opacity may change along one piece."""


def curve(a: Tip, control: Tip, b: Tip) -> Iterator[Tip]:
    """Points after `a` up to `b` along the quadratic Bézier curve, close enough together to draw straight pieces.

    A quadratic strays from its chord by at most |a - 2c + b| / 4, a quarter of that each time it is halved.
    """
    bend = math.hypot(a.x - 2 * control.x + b.x, a.y - 2 * control.y + b.y) / 4
    flatness = min(max(FLATNESS, a.radius / 100), 0.5)
    pieces = max(1, math.ceil(math.sqrt(bend / flatness)))
    for i in range(1, pieces + 1):
        t = i / pieces
        u, v, w = (1 - t) * (1 - t), 2 * t * (1 - t), t * t
        yield Tip(
            u * a.x + v * control.x + w * b.x, u * a.y + v * control.y + w * b.y,
            u * a.radius + v * control.radius + w * b.radius, u * a.opacity + v * control.opacity + w * b.opacity,
        )


def split(a: Tip, b: Tip) -> Iterator[tuple[Tip, Tip]]:
    """The segment from `a` to `b` in pieces.

    A slanted capsule's box is mostly empty unless the capsule is short; along an axis the box is full anyway. And where
    opacity or radius change, the round ends of the pieces would show as steps unless each changes little.
    """
    dx, dy = abs(b.x - a.x), abs(b.y - a.y)
    widest = max(a.radius, b.radius)
    pieces = max(
        1,
        math.ceil(min(dx, dy) / max(48.0, 3 * widest)),
        math.ceil(max(dx, dy) / 512),
        math.ceil(abs(b.opacity - a.opacity) / OPACITY_STEP),
        math.ceil(abs(b.radius - a.radius) / max(1.0, widest / 16)),
    )
    last = a
    for i in range(1, pieces + 1):
        tip = between(a, b, i / pieces)
        yield last, tip
        last = tip


def between(a: Tip, b: Tip, t: float) -> Tip:
    """The tip at `t` 0..1 on the way from `a` to `b`."""
    return Tip(
        a.x + t * (b.x - a.x), a.y + t * (b.y - a.y),
        a.radius + t * (b.radius - a.radius), a.opacity + t * (b.opacity - a.opacity),
    )


class Path:
    """Turns samples into tips. The curve runs through the midpoints of neighbouring samples with the samples as control
    points, so that it is smooth and trails the hand by half a sample until `finish`."""

    def __init__(self, brush: Brush) -> None:
        self._brush = brush
        self._end: Tip | None = None
        self._control: Tip | None = None

    def extend(self, sample: Sample) -> list[tuple[Tip, Tip]]:
        """The pieces that `sample` adds."""
        tip = self._tip(sample)
        if self._end is None or self._control is None:
            self._end = self._control = tip
            return [(tip, tip)]
        if tip == self._control:
            return []
        if (tip.x, tip.y) == (self._control.x, self._control.y):
            # A pen that presses harder on the spot widens the dot there.
            self._control = tip
            return [(tip, tip)] if (self._end.x, self._end.y) == (tip.x, tip.y) else []
        middle = between(self._control, tip, 0.5)
        pieces = self._pieces(self._end, self._control, middle)
        self._end, self._control = middle, tip
        return pieces

    def finish(self) -> list[tuple[Tip, Tip]]:
        """The last half sample, up to where the hand let go."""
        if self._end is None or self._control is None or self._end == self._control:
            return []
        pieces = list(split(self._end, self._control))
        self._end = self._control
        return pieces

    def _pieces(self, a: Tip, control: Tip, b: Tip) -> list[tuple[Tip, Tip]]:
        pieces: list[tuple[Tip, Tip]] = []
        for tip in curve(a, control, b):
            pieces.extend(split(a, tip))
            a = tip
        return pieces

    def _tip(self, sample: Sample) -> Tip:
        pressure = min(max(sample.pressure, 0.0), 1.0)
        return Tip(sample.x, sample.y, self._brush.radius_at(pressure), self._brush.opacity_at(pressure))
