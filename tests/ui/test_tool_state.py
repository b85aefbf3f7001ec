"""The tool in hand and how it is set."""

import pytest
from pytestqt.qtbot import QtBot

from paintdiff.paint.brush import MAX_SIZE, MIN_SIZE, Brush
from paintdiff.ui.tool_state import MASK_TOOLS, TOOLS, ToolState


@pytest.fixture
def tools(qtbot: QtBot) -> ToolState:
    return ToolState()


def test_every_tool_can_be_taken_and_no_other(tools: ToolState) -> None:
    for tool in TOOLS:
        tools.set_tool(tool)
        assert tools.tool == tool
        assert tools.paints_mask == (tool in MASK_TOOLS)
    with pytest.raises(ValueError, match="spray"):
        tools.set_tool("spray")


def test_q_goes_to_the_layer_and_back_with_the_tools_last_used(tools: ToolState) -> None:
    tools.set_tool("mask_lasso")
    tools.set_tool("eraser")
    tools.toggle_mask()
    assert tools.tool == "mask_lasso"
    tools.toggle_mask()
    assert tools.tool == "eraser"
    tools.set_tool("hand")
    tools.toggle_mask()
    assert tools.tool == "mask_lasso"


def test_each_tool_keeps_its_own_brush(tools: ToolState) -> None:
    tools.set_brush(Brush(size=7))
    tools.set_tool("brush")
    tools.set_brush(Brush(size=9))
    tools.set_tool("mask_brush")
    assert tools.brush == Brush(size=7)
    assert tools.brush_of("brush") == Brush(size=9)


def test_a_change_is_told_once_and_no_change_is_not(tools: ToolState, qtbot: QtBot) -> None:
    with qtbot.waitSignal(tools.brush_changed) as told:
        tools.set_brush(Brush(size=7))
    assert told.args == [Brush(size=7)]
    with qtbot.assertNotEmitted(tools.brush_changed), qtbot.assertNotEmitted(tools.tool_changed):
        tools.set_brush(Brush(size=7))
        tools.set_tool("mask_brush")


def test_larger_and_smaller_reach_both_ends_and_stop(tools: ToolState) -> None:
    tools.set_brush(Brush(size=1))
    sizes = []
    for _ in range(80):
        tools.larger()
        assert tools.brush is not None
        sizes.append(tools.brush.size)
    assert sizes[:3] == [2, 3, 4]
    assert sizes[-1] == MAX_SIZE
    for _ in range(80):
        tools.smaller()
    assert tools.brush is not None
    assert tools.brush.size == MIN_SIZE


def test_colours_swap_and_go_back_to_black_and_white(tools: ToolState, qtbot: QtBot) -> None:
    tools.set_foreground((1, 2, 3))
    with qtbot.waitSignal(tools.colours_changed) as told:
        tools.swap_colours()
    assert told.args == [(255, 255, 255), (1, 2, 3)]
    tools.default_colours()
    assert (tools.foreground, tools.background) == ((0, 0, 0), (255, 255, 255))
