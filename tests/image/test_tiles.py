"""Tiles read back what was written, share what was not, and know what changed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paintdiff.image.geometry import EMPTY, Rect
from paintdiff.image.tiles import TILE, Tiles

PLACES = st.tuples(st.integers(-200, 200), st.integers(-200, 200), st.integers(1, 300), st.integers(1, 300))
WORLD = Rect(-250, -250, 800, 800)


def noise(rect: Rect, seed: int = 0, channels: int = 4) -> np.ndarray:
    shape = rect.shape if channels == 1 else (*rect.shape, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@given(st.lists(PLACES, min_size=1, max_size=4), st.sampled_from([1, 4]))
def test_reading_gives_back_what_was_written_last(places: list[tuple[int, int, int, int]], channels: int) -> None:
    tiles, expected = Tiles(channels), np.zeros_like(noise(WORLD, 0, channels))
    for seed, place in enumerate(places):
        rect = Rect(*place)
        pixels = noise(rect, seed, channels)
        tiles = tiles.written(pixels, rect.x, rect.y)
        expected[rect.slices_in(WORLD)] = pixels
    np.testing.assert_array_equal(tiles.read(WORLD), expected)


@given(PLACES, PLACES)
def test_a_write_changes_the_touched_tiles_alone_and_leaves_the_old_version(
    first: tuple[int, int, int, int], second: tuple[int, int, int, int]
) -> None:
    a, b = Rect(*first), Rect(*second)
    before = Tiles.from_array(noise(a, 1), a.x, a.y)
    old = before.read(WORLD)
    after = before.written(noise(b, 2), b.x, b.y)
    np.testing.assert_array_equal(before.read(WORLD), old)
    for key in before.data.keys() | after.data.keys():
        shared = before.data.get(key) is after.data.get(key)
        touched = not b.intersected(Rect(key[0] * TILE, key[1] * TILE, TILE, TILE)).empty
        assert shared != touched
        assert (key in before.changed_keys(after)) == touched


def test_writing_the_same_pixels_again_gives_the_same_version() -> None:
    rect = Rect(-5, -5, 200, 200)
    tiles = Tiles.from_array(noise(rect), rect.x, rect.y)
    assert tiles.written(noise(rect), rect.x, rect.y) is tiles


def test_erased_tiles_are_dropped_and_tiles_cannot_be_written_in_place() -> None:
    tiles = Tiles.from_array(noise(Rect(0, 0, 200, 200)))
    with pytest.raises(ValueError, match="read-only"):
        tiles.data[0, 0][0, 0, 0] = 1
    assert tiles.written(np.zeros((200, 200, 4), np.uint8), 0, 0).is_empty


def test_pixels_of_another_type_or_channel_count_are_refused() -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        Tiles(4).written(np.zeros((4, 4, 4)), 0, 0)
    with pytest.raises(ValueError, match="expected uint8"):
        Tiles(4).written(np.zeros((4, 4), np.uint8), 0, 0)


@given(PLACES)
def test_cropping_clears_everything_outside(place: tuple[int, int, int, int]) -> None:
    rect = Rect(*place)
    tiles = Tiles.from_array(noise(WORLD, 3), WORLD.x, WORLD.y)
    expected = np.zeros_like(tiles.read(WORLD))
    expected[rect.slices_in(WORLD)] = tiles.read(rect)
    np.testing.assert_array_equal(tiles.cropped(rect).read(WORLD), expected)


@given(PLACES)
def test_a_filled_rectangle_holds_its_colour_and_shares_whole_tiles(place: tuple[int, int, int, int]) -> None:
    rect = Rect(*place)
    tiles = Tiles.filled(rect, (1, 2, 3, 4))
    assert (tiles.read(rect) == (1, 2, 3, 4)).all()
    assert tiles.content_rect == rect
    assert len({id(tile) for tile in Tiles.filled(Rect(0, 0, 4096, 4096), (9,)).data.values()}) == 1


@given(st.lists(st.tuples(st.integers(-250, 549), st.integers(-250, 549)), max_size=6))
def test_the_content_rectangle_hugs_the_pixels(points: list[tuple[int, int]]) -> None:
    tiles = Tiles(1)
    for x, y in points:
        tiles = tiles.written(np.ones((1, 1), np.uint8), x, y)
    if not points:
        assert tiles.content_rect == tiles.extent == EMPTY
        return
    xs, ys = zip(*points, strict=True)
    assert tiles.content_rect == Rect.from_edges(min(xs), min(ys), max(xs) + 1, max(ys) + 1)
    assert tiles.extent.contains(tiles.content_rect)
    assert tiles.touches(Rect(*points[0], 1, 1))


def test_erasing_at_the_rim_shrinks_the_content_rectangle() -> None:
    tiles = Tiles.filled(Rect(0, 0, 500, 500), (7,))
    assert tiles.written(np.zeros((500, 300), np.uint8), 0, 0).content_rect == Rect(300, 0, 200, 500)


@given(st.lists(PLACES, min_size=1, max_size=3), st.booleans())
def test_what_a_version_remembers_of_its_origin_is_what_a_comparison_finds(
    places: list[tuple[int, int, int, int]], erase: bool
) -> None:
    tiles = Tiles(1)
    for seed, place in enumerate(places):
        rect = Rect(*place)
        tiles = tiles.written(noise(rect, seed, 1), rect.x, rect.y)
    pixels = np.zeros((200, 200), np.uint8) if erase else noise(Rect(0, 0, 200, 200), 9, 1)
    after = tiles.written(pixels, -40, 30)
    assert tiles.changed_keys(after) == tiles.changed_keys(Tiles(1, after.data)) == after.changed_keys(tiles)
