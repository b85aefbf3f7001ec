"""The option strip follows the tool in hand, and sets it."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QColorDialog
from pytestqt.qtbot import QtBot

from paintdiff.paint.brush import Brush
from paintdiff.ui.tool_options import ToolOptions
from paintdiff.ui.tool_state import TOOLS, ToolState


@pytest.fixture
def tools() -> ToolState:
    return ToolState()


@pytest.fixture
def strip(qtbot: QtBot, tools: ToolState) -> ToolOptions:
    strip = ToolOptions(tools)
    qtbot.addWidget(strip)
    strip.show()
    return strip


def test_it_shows_the_brush_of_the_tool(strip: ToolOptions, tools: ToolState) -> None:
    tools.set_tool("brush")
    tools.set_brush(Brush(size=33, hardness=0.25, opacity=0.5, pressure_size=False, pressure_opacity=True))
    assert (strip.diameter.box.value(), strip.hardness.box.value(), strip.opacity.box.value()) == (33, 25, 50)
    assert (strip.pressure_size.isChecked(), strip.pressure_opacity.isChecked()) == (False, True)


def test_its_controls_set_the_brush(strip: ToolOptions, tools: ToolState) -> None:
    strip.diameter.box.setValue(120)
    strip.hardness.slider.setValue(strip.hardness.slider.maximum() // 2)
    strip.opacity.box.setValue(30)
    strip.pressure_size.click()
    assert tools.brush == Brush(size=120, hardness=0.5, opacity=0.3, pressure_size=False)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 17, 99, 640, 1000])
def test_every_size_survives_the_slider(strip: ToolOptions, tools: ToolState, size: int) -> None:
    strip.diameter.box.setValue(size)
    assert strip.diameter.box.value() == size
    assert tools.brush is not None
    assert tools.brush.size == size


def test_the_size_slider_reaches_both_ends(strip: ToolOptions, tools: ToolState) -> None:
    strip.diameter.slider.setValue(0)
    assert strip.diameter.box.value() == 1
    strip.diameter.slider.setValue(strip.diameter.slider.maximum())
    assert strip.diameter.box.value() == 1000


@pytest.mark.parametrize("tool", TOOLS)
def test_each_tool_shows_settings_or_a_hint(strip: ToolOptions, tools: ToolState, tool: str) -> None:
    tools.set_tool(tool)
    assert strip.diameter.isVisible() == (tool in ("brush", "eraser", "mask_brush", "mask_eraser"))
    assert strip.overlay.isVisible() == tool.startswith("mask")
    assert strip.foreground.isVisible() == (tool in ("brush", "picker"))
    assert strip.opacity.isVisible() or strip.hint.text()


def test_a_swatch_asks_for_a_colour(strip: ToolOptions, tools: ToolState, qtbot: QtBot) -> None:
    tools.set_tool("brush")
    QTest.mouseClick(strip.foreground, Qt.MouseButton.LeftButton)
    dialog = strip.foreground.findChild(QColorDialog)
    assert isinstance(dialog, QColorDialog)
    dialog.setCurrentColor(Qt.GlobalColor.red)
    dialog.accept()
    assert tools.foreground == (255, 0, 0)


def test_it_fits_the_smallest_window(strip: ToolOptions, tools: ToolState) -> None:
    for tool in TOOLS:
        tools.set_tool(tool)
        assert strip.minimumSizeHint().width() <= 1200
