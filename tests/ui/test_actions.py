"""The table of commands: keys that never collide, and letters that stay letters where text is typed."""

from collections import Counter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QTextBrowser

from paintdiff.resource_files import resource
from paintdiff.ui import actions


def test_no_key_means_two_things() -> None:
    keys = Counter(key for command in actions.commands() for key in command.keys)
    assert [key for key, count in keys.items() if count > 1] == []


def test_no_command_has_the_name_of_another() -> None:
    names = Counter(command.id for command in actions.commands())
    assert max(names.values()) == 1


def test_single_letters_are_keys_that_text_fields_keep() -> None:
    letters = [command for command in actions.commands() if any(len(key) == 1 for key in command.keys)]
    assert len(letters) > 10
    assert {command.scope for command in letters} == {"letters"}


@pytest.mark.parametrize("command", actions.commands(), ids=lambda command: command.id)
def test_every_icon_of_a_command_exists(command) -> None:
    assert not command.icon or resource("icons", f"{command.icon}.svg").exists()


def test_letters_typed_into_the_prompt_are_text(window) -> None:
    prompt = window.panel.fields["prompt"].edit
    prompt.clear()
    prompt.setFocus()
    before = window.tool_state.tool
    QTest.keyClicks(prompt, "qbeixdmrlfh[]")
    assert prompt.toPlainText() == "qbeixdmrlfh[]"
    assert window.tool_state.tool == before


@pytest.mark.parametrize("name", ["sampler", "strength", "seed"])
def test_letters_in_other_controls_take_no_tool(window, name) -> None:
    control = window.panel.fields[name].box
    control.setFocus()
    before = window.tool_state.tool
    QTest.keyClicks(control, "bei")
    assert window.tool_state.tool == before


@pytest.mark.parametrize(
    ("key", "tool"),
    [("b", "brush"), ("e", "eraser"), ("i", "picker"), ("q", "brush"), ("r", "mask_rectangle"), ("h", "hand")],
)
def test_letters_on_the_canvas_take_tools(window, key, tool) -> None:
    window.canvas.setFocus()
    QTest.keyClicks(window.canvas, key)
    assert window.tool_state.tool == tool


def test_brackets_and_colour_keys_work_on_the_canvas(window) -> None:
    window.canvas.setFocus()
    size = window.tool_state.brush.size
    QTest.keyClicks(window.canvas, "]")
    assert window.tool_state.brush.size > size
    QTest.keyClicks(window.canvas, "[[")
    assert window.tool_state.brush.size < size
    window.tool_state.set_foreground((1, 2, 3))
    QTest.keyClicks(window.canvas, "x")
    assert window.tool_state.background == (1, 2, 3)
    QTest.keyClicks(window.canvas, "d")
    assert window.tool_state.foreground == (0, 0, 0)


def test_a_tool_button_shows_the_tool_in_hand(window) -> None:
    window.tool_state.set_tool("frame")
    checked = [name for name, action in window.actions_by_id.items() if name.startswith("tool_") and action.isChecked()]
    assert checked == ["tool_frame"]
    window.actions_by_id["tool_frame"].trigger()
    assert window.actions_by_id["tool_frame"].isChecked(), "a second click does not put it down"


def test_undo_and_redo_say_what_they_would_do(window) -> None:
    undo = window.actions_by_id["undo"]
    assert not undo.isEnabled()
    window.actions_by_id["mask_invert"].trigger()
    assert undo.text() == "&Undo: Invert mask"
    QTest.keyClick(window.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not undo.isEnabled()
    assert window.actions_by_id["redo"].text() == "&Redo: Invert mask"
    QTest.keyClick(
        window.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    )
    assert undo.isEnabled()


def test_the_view_commands_zoom_the_canvas(window) -> None:
    window.actions_by_id["actual_size"].trigger()
    assert window.canvas.zoom == 1.0
    assert window.status.zoom.text() == "100 %"
    window.actions_by_id["zoom_in"].trigger()
    assert window.canvas.zoom > 1.0
    window.actions_by_id["fit"].trigger()
    assert window.canvas.zoom > 2


def test_every_command_without_a_dialog_runs(window, qtbot) -> None:
    asking = {
        "new", "open", "save", "save_as", "export", "quit", "paste_new", "mask_grow", "mask_shrink", "mask_feather",
        "overlay_colour", "generate", "about", "log",
    }
    for command in actions.commands():
        if command.id not in asking:
            window.actions_by_id[command.id].trigger()
    assert window.isVisible()


def test_about_names_the_credits_and_licences(window) -> None:
    window.actions_by_id["about"].trigger()
    about = window.findChild(QDialog, "about")
    text = "\n".join(page.toPlainText() for page in about.findChildren(QTextBrowser))
    assert "CC-BY" in text
    assert "Apache License 2.0" in text
    assert "torch" in text
    about.reject()
