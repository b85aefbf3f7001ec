"""Which rectangles the model sees, and which of their pixels it may change: pure functions of rectangles and masks."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from paintdiff.image.geometry import Rect

CONTEXT = 3 / 8  # of the mask's longer side, shown to the model on every side of it
MIN_CONTEXT = 16  # pixels
MOST_WINDOWS = 16  # that outpaint one frame: each costs a whole run
MOST_REGIONS = 64  # that are told apart in one map


def automatic_frame(map_rect: Rect, canvas: Rect, size: int) -> Rect:
    """The frame around `map_rect`, the part of the canvas that is to change: square, with context, inside the canvas.

    At least `size` (the model's own side, pixels) each way. Where the canvas is too narrow for that it is as narrow.
    Nothing to change means the whole canvas.
    """
    target = map_rect.intersected(canvas)
    if target.empty:
        return canvas
    longest = max(target.w, target.h)
    side = max(size, longest + 2 * max(MIN_CONTEXT, round(longest * CONTEXT)))
    x, w = _placed(target.x, target.w, side, canvas.x, canvas.w)
    y, h = _placed(target.y, target.h, side, canvas.y, canvas.h)
    return Rect(x, y, w, h)


def _placed(start: int, length: int, side: int, edge: int, room: int) -> tuple[int, int]:
    """Along one axis: where `side` pixels around start..start+length begin within edge..edge+room, and how many fit."""
    side = min(side, room)
    centred = start + (length - side) // 2
    return min(max(centred, edge), edge + room - side), side


def outpaint_map(change_map: np.ndarray, frame: Rect, canvas: Rect, overlap: int) -> np.ndarray:
    """`change_map` ((h, w) uint8, covering `frame`) with 255 beyond the canvas and over `overlap` pixels next to it.

    The overlap lies along those edges of the canvas alone that the frame reaches past.
    """
    out = np.full_like(change_map, 255)
    kept = _away_from_crossed_edges(frame, canvas, overlap).slices_in(frame)
    out[kept] = change_map[kept]
    return out


def _away_from_crossed_edges(frame: Rect, canvas: Rect, overlap: int) -> Rect:
    shared = frame.intersected(canvas)
    return Rect.from_edges(
        shared.x + overlap * (frame.x < canvas.x),
        shared.y + overlap * (frame.y < canvas.y),
        shared.right - overlap * (frame.right > canvas.right),
        shared.bottom - overlap * (frame.bottom > canvas.bottom),
    )


def outpaint_windows(frame: Rect, canvas: Rect, size: int) -> tuple[Rect, ...]:
    """Squares that show all of `frame` beyond the canvas, from it outwards, each half over what is known by then.

    A square is as wide as the shorter side of what `frame` shows of the canvas, at least `size` (the model's own side,
    pixels), larger where more than `MOST_WINDOWS` would be needed, and never wider than the frame. So a frame that is
    not larger than that is one window, and so is one that does not reach past the canvas.
    """
    known = frame.intersected(canvas)
    if known.empty or known == frame:
        return (frame,)
    side = max(size, min(canvas.w, canvas.h))
    while len(windows := _squares(frame, known, side)) > MOST_WINDOWS:
        side = side * 5 // 4 + 1
    return windows


def _squares(frame: Rect, known: Rect, side: int) -> tuple[Rect, ...]:
    """Squares of `side` over `frame` but those within `known`; the fewer steps away from it, the earlier."""
    width, height = min(side, frame.w), min(side, frame.h)
    columns = _places(frame.x, frame.w, known.x, known.w, width)
    rows = _places(frame.y, frame.h, known.y, known.h, height)
    order = sorted((i + j, i > 0 and j > 0, y, x) for x, i in columns for y, j in rows)
    squares = [Rect(x, y, width, height) for _, _, y, x in order]
    return tuple(square for square in squares if not known.contains(square))


def _places(start: int, length: int, known: int, known_length: int, side: int) -> list[tuple[int, int]]:
    """Along one axis: where windows of `side` begin within start..start+length, and how many steps outwards each is.

    Those of step 0 lie over what is known, a quarter over each other, or around it where it is narrower than they are.
    From there the others go on to either end, half over the one before.
    """
    base, width = _placed(known, known_length, max(side, known_length), start, length)
    before, after = base - start, start + length - base - width
    over = -(-4 * (width - side) // (3 * side))
    left, right = -(-2 * before // side), -(-2 * after // side)
    return [
        *((base + (width - side) * k // max(1, over), 0) for k in range(over + 1)),
        *((base - before * k // left, k) for k in range(1, left + 1)),
        *((base + width - side + after * k // right, k) for k in range(1, right + 1)),
    ]


def fill_windows(regions: Iterable[Rect], canvas: Rect, size: int) -> tuple[Rect, ...]:
    """A frame for each of `regions`, the parts of the canvas that are to change, in reading order.

    A frame is what `automatic_frame` makes it, so each region has its own resolution. Regions that would show in each
    other's frame are painted together in one.
    """
    groups: list[tuple[Rect, Rect]] = []  # (region, frame), none of which shows another's region
    for region in regions:
        frame = automatic_frame(region, canvas, size)
        while near := [group for group in groups if _near((region, frame), group)]:
            groups = [group for group in groups if group not in near]
            for other, _ in near:
                region = region.united(other)
            frame = automatic_frame(region, canvas, size)
        groups.append((region, frame))
    return tuple(frame for region, frame in sorted(groups, key=lambda group: (group[0].y, group[0].x)))


def _near(a: tuple[Rect, Rect], b: tuple[Rect, Rect]) -> bool:
    return not (a[1].intersected(b[0]).empty and b[1].intersected(a[0]).empty)


def separate_regions(change_map: np.ndarray, area: Rect) -> tuple[Rect, ...]:
    """The rectangles around the connected parts of `change_map` ((h, w) uint8, covering `area`) that are to change.

    Parts nearer than about a hundredth of the longer side count as connected, and a great many as fewer, larger ones.
    """
    cell = max(4, -(-max(area.w, area.h) // 128))
    while True:
        coarse = _rows_joined(_rows_joined(change_map, cell).T, cell).T
        count, _, stats, _ = cv2.connectedComponentsWithStats(coarse, connectivity=8)
        if count - 1 <= MOST_REGIONS:
            break
        cell *= 2
    found = [Rect(*(int(n) * cell for n in row[:4])).moved(area.x, area.y).intersected(area) for row in stats[1:]]
    return tuple(_content(change_map[rect.slices_in(area)], rect) for rect in found)


def _rows_joined(values: np.ndarray, count: int) -> np.ndarray:
    """(n, m) -> (ceil(n / count), m): the largest value of each `count` rows."""
    whole = len(values) // count * count
    out = values[:whole].reshape(-1, count, values.shape[1]).max(axis=1)
    return out if whole == len(values) else np.concatenate([out, values[whole:].max(axis=0, keepdims=True)])


def _content(change_map: np.ndarray, area: Rect) -> Rect:
    """The rectangle around the pixels of `area` that are to change; there is one at least."""
    rows, columns = np.flatnonzero(change_map.any(axis=1)), np.flatnonzero(change_map.any(axis=0))
    inner = Rect.from_edges(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return inner.moved(area.x, area.y)
