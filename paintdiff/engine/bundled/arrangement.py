"""Where several things stand that a prompt names: side by side, above, on or in front of one another, in a mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from paintdiff.engine.bundled.mentions import ABOVE, BEFORE, BEHIND, BELOW, BESIDE, IN, LEFT, ON, RIGHT, WEARING

FIT = 0.96  # how much of its room a thing fills where there are several
_SOLID = 24  # alpha from which on a pixel belongs to a thing
_BASE = 0.62  # of the room's height, for what something stands on
_BESIDE = (BESIDE, LEFT, RIGHT)
_WHOLE = 0.62  # of its box, above which a place is taken for one patch
_SUNK = {ON: 0.2, IN: 0.5}  # how far into what it stands on or in it reaches, in heights of that


Copies = list[np.ndarray]  # of one thing, (s, s, 4) uint8 premultiplied each


@dataclass(frozen=True, eq=False)
class Drawn:
    """`pixels` (h, w, 4) uint8 premultiplied, cut to their outline, which is to take this rectangle of the picture."""

    pixels: np.ndarray
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class _Box:
    left: float
    top: float
    width: float
    height: float


def arranged(copies: Sequence[Sequence[np.ndarray]], relations: Sequence[str], place: np.ndarray) -> np.ndarray:
    """Things, each by the pictures of its copies, laid where `place` (S, S) bool is set: (S, S, 4) uint8 premultiplied.

    `relations` say how each thing but the last stands to the next. "above" and "below" divide the place from top to
    bottom; what is beside another divides it from left to right, or into rows where that leaves more room to each; what
    stands on, in or before another shares its room. A place of several patches is filled patch by patch.
    """
    things, relations = _dressed([list(each) for each in copies], relations)
    rows = _split_at(things, relations, (ABOVE, BELOW))
    order: list[int] = []
    for i, relation in enumerate(["", *(r for r in relations if r in (ABOVE, BELOW))]):
        order.insert(order.index(i - 1) + (relation == ABOVE) if i else 0, i)
    out = np.zeros((*place.shape, 4), np.uint8)
    for room, i in zip(_shares(place, [1.0] * len(order), axis=0), order, strict=True):
        for drawn in _row(*rows[i], room):
            out = over(_laid(drawn, place.shape[0]), out)
    return out


def over(top: np.ndarray, below: np.ndarray) -> np.ndarray:
    """One (S, S, 4) uint8 premultiplied picture over another."""
    room = 255 - top[..., 3:].astype(np.uint16)
    return (top + ((below * room + 127) // 255)).astype(np.uint8)


def _dressed(things: list[Copies], relations: Sequence[str]) -> tuple[list[Copies], list[str]]:
    """The things, each that wears another with that one on its head."""
    out, left = things[:1], []
    for relation, thing in zip(relations, things[1:], strict=True):
        if relation == WEARING:
            out[-1] = [with_hat(body, thing[i % len(thing)]) for i, body in enumerate(out[-1])]
        else:
            out.append(thing)
            left.append(relation)
    return out, left


def _split_at(
    things: Sequence[Copies], relations: Sequence[str], divide: Sequence[str]
) -> list[tuple[list[Copies], list[str]]]:
    """Runs of things between which none of the relations `divide` stands, with those that do."""
    groups: list[tuple[list[Copies], list[str]]] = [([things[0]], [])]
    for relation, thing in zip(relations, things[1:], strict=True):
        if relation in divide:
            groups.append(([thing], []))
        else:
            groups[-1][0].append(thing)
            groups[-1][1].append(relation)
    return groups


def _row(things: Sequence[Copies], relations: Sequence[str], room: np.ndarray) -> list[Drawn]:
    """What stands beside one another, in one row or several."""
    box = _box_of(room)
    if box is None:
        return []
    said = [relation for relation in relations if relation in _BESIDE]
    cells: list[list[tuple[list[Copies], list[str]]]] = []
    for i, (group, between) in enumerate(_split_at(things, relations, _BESIDE)):
        each = [(group, between)] if between else [([[copy]], []) for copy in group[0]]
        cells.insert(len(cells) - 1 if i and said[i - 1] == RIGHT else len(cells), each)
    flat = [cell for each in cells for cell in each]
    counts = [len(flat)] if set(said) - {BESIDE} else _rows_of(len(flat), box)
    bands = _shares(room, [1] * len(counts), axis=0)
    rooms = [part for band, count in zip(bands, counts, strict=True) for part in _shares(band, [1] * count, axis=1)]
    widest = box.width / max(counts)  # so that those of a shorter row are no larger
    stacks = [_stack(*cell, _narrowed(part, widest))[0] for cell, part in zip(flat, rooms, strict=True)]
    return [drawn for stack in stacks for drawn in stack]


def _rows_of(count: int, box: _Box) -> list[int]:
    """How many cells stand in each row, the fewer above: one row unless more of them leave plainly more room."""
    def side(rows: int) -> float:
        return min(box.width / -(-count // rows), box.height / rows)

    rows = 1
    for more in range(2, count + 1):
        rows = more if side(more) > 1.2 * side(rows) else rows
    return [count // rows + (row >= rows - count % rows) for row in range(rows)]


def _stack(things: Sequence[Copies], relations: Sequence[str], room: np.ndarray) -> tuple[list[Drawn], Drawn | None]:
    """What stands on, in, before or behind one another, from the back to the front; and where the first thing is."""
    box = _box_of(room)
    if box is None:
        return [], None
    if not relations:
        first = _copies(things[0], box)
        return first, first[0]
    relation, bottom = relations[0], box.top + box.height
    if relation in (BEFORE, BEHIND):
        near = _Box(box.left, box.top + 0.42 * box.height, 0.62 * box.width, 0.58 * box.height)
        far = _Box(box.left + 0.15 * box.width, box.top, 0.85 * box.width, 0.85 * box.height)
        first = _copies(things[0], near if relation == BEFORE else far)
        rest, _ = _stack(things[1:], relations[1:], _within(room, far if relation == BEFORE else near))
        return (rest + first if relation == BEFORE else first + rest), first[0]
    base = _Box(box.left, bottom - _BASE * box.height, box.width, _BASE * box.height)
    rest, anchor = _stack(things[1:], relations[1:], _within(room, base))
    if anchor is None:
        return [], None
    contact = anchor.top + _SUNK[relation] * anchor.height
    width = max(0.84 * anchor.width, 0.5 * box.width)
    stands = _Box(anchor.left + (anchor.width - width) / 2, box.top, width, contact - box.top)
    first = _copies(things[0], stands, bottom=True)
    return (rest + first if relation == ON else first + rest), first[0]


def _copies(copies: Copies, box: _Box, bottom: bool = False) -> list[Drawn]:
    """A thing's copies beside one another in `box`."""
    width = box.width / len(copies)
    return [
        _fitted(copy, _Box(box.left + i * width, box.top, width, box.height), bottom) for i, copy in enumerate(copies)
    ]


def with_hat(body: np.ndarray, hat: np.ndarray) -> np.ndarray:
    """`body` with `hat` on its head: the broadest of what reaches its top, as wide as that is a little below.

    Both and the result (h, w, 4) uint8 premultiplied, of any size.
    """
    body, hat = _cut(body), _cut(hat)
    solid = body[..., 3] > 128
    height, width = solid.shape
    columns = np.nonzero(solid[: max(1, height // 6)].any(0))[0]
    if len(columns) == 0:
        return body
    if not solid[height * 3 // 10, columns[0] : columns[-1] + 1].all():  # not the ears of one head
        columns = max(np.split(columns, np.nonzero(np.diff(columns) > 1)[0] + 1), key=len)  # and no raised tail
    middle = round((columns[0] + columns[-1]) / 2)
    level = solid[min(height - 1, height // 5)]
    left = right = middle
    while left > 0 and level[left - 1]:
        left -= 1
    while right < width - 1 and level[right + 1]:
        right += 1
    head = float(np.clip(1.15 * (right - left + 1), 0.3 * width, 0.75 * width))
    tall = head * hat.shape[0] / hat.shape[1]
    above = max(0, round(0.85 * tall - 0.1 * height))
    aside = round(max(0.0, head / 2 - middle, middle + head / 2 - width))
    out = np.pad(body, ((above, 0), (aside, aside), (0, 0)))
    size = max(out.shape)
    out = np.pad(out, ((0, size - out.shape[0]), (0, size - out.shape[1]), (0, 0)))
    placed = Drawn(hat, aside + middle - head / 2, above + 0.1 * height - 0.85 * tall, head, tall)
    return over(_laid(placed, size), out)


def _fitted(pixels: np.ndarray, box: _Box, bottom: bool) -> Drawn:
    """`pixels` as large as they go into `box`, in its middle or on its bottom."""
    cut = _cut(pixels)
    scale = FIT * min(box.width / cut.shape[1], box.height / cut.shape[0])
    width, height = scale * cut.shape[1], scale * cut.shape[0]
    top = box.top + (box.height - height) * (1.0 if bottom else 0.5)
    return Drawn(cut, box.left + (box.width - width) / 2, top, width, height)


def _cut(pixels: np.ndarray) -> np.ndarray:
    """`pixels` without what is empty around their outline."""
    box = _box_of(pixels[..., 3] > _SOLID)
    if box is None:
        return pixels
    left, top = int(box.left), int(box.top)
    return pixels[top : top + int(box.height), left : left + int(box.width)]


def _laid(drawn: Drawn, size: int) -> np.ndarray:
    """(size, size, 4) uint8 premultiplied with the thing in its rectangle; what reaches past the edges is cut."""
    out = np.zeros((size, size, 4), np.uint8)
    width, height = max(1, round(drawn.width)), max(1, round(drawn.height))
    method = cv2.INTER_AREA if width <= drawn.pixels.shape[1] else cv2.INTER_LINEAR
    small = cv2.resize(np.ascontiguousarray(drawn.pixels), (width, height), interpolation=method)
    left, top = round(drawn.left), round(drawn.top)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(size, left + width), min(size, top + height)
    if x0 < x1 and y0 < y1:
        out[y0:y1, x0:x1] = small[y0 - top : y1 - top, x0 - left : x1 - left]
    return out


def _shares(room: np.ndarray, weights: Sequence[float], axis: int) -> list[np.ndarray]:
    """`room` (S, S) bool cut into parts along an axis, 0 from top to bottom, in shares of `weights`.

    Of its length where it is one patch, like an ellipse, else of its pixels, so that each of two patches is a part.
    """
    box = _box_of(room)
    even = box is not None and room.sum() > _WHOLE * box.width * box.height
    along = room.any(1 - axis) if even else room.sum(1 - axis)
    filled = np.cumsum(along, dtype=np.int64)
    ends = np.searchsorted(filled, np.cumsum(weights) / sum(weights) * filled[-1])
    parts, start = [], 0
    for end in (*(int(end) + 1 for end in ends[:-1]), room.shape[0]):
        part = np.zeros_like(room)
        cut = (slice(start, end), slice(None)) if axis == 0 else (slice(None), slice(start, end))
        part[cut] = room[cut]
        parts.append(part)
        start = end
    return parts


def _narrowed(room: np.ndarray, widest: float) -> np.ndarray:
    """The middle of `room`, where it is wider than that."""
    box = _box_of(room)
    if box is None or box.width <= widest:
        return room
    return _within(room, _Box(box.left + (box.width - widest) / 2, box.top, widest, box.height))


def _within(room: np.ndarray, box: _Box) -> np.ndarray:
    part = np.zeros_like(room)
    cut = slice(round(box.top), round(box.top + box.height)), slice(round(box.left), round(box.left + box.width))
    part[cut] = room[cut]
    return part


def _box_of(mask: np.ndarray) -> _Box | None:
    ys, xs = np.nonzero(mask)
    if len(ys) == 0:
        return None
    return _Box(int(xs.min()), int(ys.min()), int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1)
