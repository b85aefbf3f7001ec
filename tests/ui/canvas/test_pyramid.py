"""The display cache always equals what would be read afresh."""

import numpy as np
import pytest

from paintdiff.image.geometry import Rect
from paintdiff.ui.canvas.pyramid import Pyramid
from paintdiff.ui.qimage import to_array

BOUNDS = Rect(-33, 20, 701, 523)


class Source:
    """Pixels that can change, and the count of pixels read from them."""

    def __init__(self) -> None:
        self.pixels = np.random.default_rng(0).integers(0, 256, (*BOUNDS.shape, 4), dtype=np.uint8)
        self.pixels[..., 3] = 255
        self.read_pixels = 0

    def read(self, rect: Rect) -> np.ndarray:
        self.read_pixels += rect.area
        return self.pixels[rect.slices_in(BOUNDS)]


@pytest.fixture
def source() -> Source:
    return Source()


def shown(pyramid: Pyramid, level: int) -> np.ndarray:
    return to_array(pyramid.image(level, BOUNDS))


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_refreshing_a_part_equals_reading_all_afresh(source: Source, level: int) -> None:
    pyramid = Pyramid(BOUNDS, source.read)
    before = shown(pyramid, level)
    dirty = Rect(201, 133, 77, 41)
    source.pixels[dirty.slices_in(BOUNDS)] //= 2
    pyramid.refresh(dirty)
    assert np.array_equal(shown(pyramid, level), shown(Pyramid(BOUNDS, source.read), level))
    assert not np.array_equal(shown(pyramid, level), before)


@pytest.mark.parametrize("level", [0, 2])
def test_what_is_invalidated_is_read_again(source: Source, level: int) -> None:
    pyramid = Pyramid(BOUNDS, source.read)
    shown(pyramid, level)
    source.pixels[..., :3] = 200
    pyramid.invalidate(BOUNDS)
    assert (shown(pyramid, level)[..., :3] == 200).all()


def test_a_refresh_before_the_first_draw_leaves_no_trace_of_old_pixels(source: Source) -> None:
    pyramid = Pyramid(BOUNDS, source.read)
    pyramid.refresh(Rect(0, 30, 50, 50))
    source.pixels[..., :3] = 7
    assert (shown(pyramid, 1)[..., :3] == 7).all()


def test_each_level_is_the_mean_of_two_by_two(source: Source) -> None:
    pyramid = Pyramid(BOUNDS, source.read)
    fine, coarse = shown(pyramid, 0).astype(float), shown(pyramid, 1)
    means = (fine[:-1:2, :-1:2] + fine[1::2, :-1:2] + fine[:-1:2, 1::2] + fine[1::2, 1::2]) / 4
    rows, columns = means.shape[:2]
    assert np.abs(coarse[:rows, :columns] - means).max() <= 0.5


def test_only_what_is_drawn_is_read(source: Source) -> None:
    pyramid = Pyramid(BOUNDS, source.read)
    pyramid.image(0, Rect(0, 30, 10, 10))
    assert source.read_pixels <= 256 * 256


def test_transparency_is_noticed_where_it_is(source: Source) -> None:
    source.pixels[5, 5] = 0
    pyramid = Pyramid(BOUNDS, source.read)
    shown(pyramid, 0)
    assert pyramid.is_translucent(0, Rect(-33, 20, 10, 10))
    assert not pyramid.is_translucent(0, Rect(400, 400, 100, 100))


@pytest.mark.parametrize(("zoom", "level"), [(64, 0), (1, 0), (0.6, 0), (0.5, 1), (0.49, 1), (0.25, 2), (0.02, 3)])
def test_the_level_is_at_least_as_fine_as_the_screen(source: Source, zoom: float, level: int) -> None:
    assert Pyramid(BOUNDS, source.read).level_for(zoom) == level
