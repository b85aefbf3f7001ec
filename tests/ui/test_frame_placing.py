"""Where the arrows of outpainting put the frame."""

import pytest

from paintdiff.image.geometry import Rect
from paintdiff.ui.frame_placing import also_past_edge, past_edge

CANVAS = Rect(0, 0, 100, 60)


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_one_arrow_reaches_past_its_edge_alone(side) -> None:
    frame = past_edge(CANVAS, side, 16)
    grown = CANVAS.united(frame)
    past = {
        "left": grown.x < 0, "right": grown.right > 100, "top": grown.y < 0, "bottom": grown.bottom > 60,
    }  # fmt: skip
    assert [name for name, reached in past.items() if reached] == [side]


def test_a_second_arrow_adds_its_side_and_the_same_one_changes_nothing() -> None:
    left = also_past_edge(None, CANVAS, "left", 16)
    both = also_past_edge(left, CANVAS, "top", 16)
    assert both == left.united(past_edge(CANVAS, "top", 16))
    assert both.x < 0
    assert both.y < 0
    assert also_past_edge(both, CANVAS, "top", 16) == both


def test_a_frame_inside_the_picture_gives_way_to_the_arrow() -> None:
    assert also_past_edge(Rect(10, 10, 20, 20), CANVAS, "right", 16) == past_edge(CANVAS, "right", 16)
