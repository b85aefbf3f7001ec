"""Keys go where the user means them: letters to tools, to text or to an open menu; arrows to the candidates."""

import re
from collections import Counter

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from paintdiff.document import edits
from paintdiff.generation.modes import MODES
from paintdiff.image.geometry import Rect
from paintdiff.ui import actions
from paintdiff.ui.mode_chooser import COLUMNS
from paintdiff.ui.window import Window

MODIFIER = Qt.KeyboardModifier
CONTROL, SHIFT, ALT = MODIFIER.ControlModifier, MODIFIER.ShiftModifier, MODIFIER.AltModifier
LETTERS = [command for command in actions.commands() if command.scope == "letters"]


def focused() -> QWidget:
    """What has the keyboard: an open menu before all else."""
    widget = QApplication.activePopupWidget() or QApplication.focusWidget()
    assert widget is not None
    return widget


def press(key: Qt.Key | str, modifiers: MODIFIER = MODIFIER.NoModifier) -> None:
    QTest.keyClick(focused(), key, modifiers)


def click(widget: QWidget) -> None:
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def generate_by_click(window: Window, qtbot) -> None:
    with qtbot.waitSignal(window.jobs.finished, timeout=60_000):
        click(window.panel.run_bar.generate)


def controls(window: Window) -> dict[str, QWidget]:
    return {
        "a layer button": window.layers.buttons["new_layer"],
        "the mode": window.panel.modes.button("renoise"),
        "the dice": window.panel.seed.dice,
        "a heading": window.panel.sections["Variation"].heading,
        "the opacity": window.layers.opacity,
        "the brush size": window.tool_options.diameter.slider,
        "a check box": window.tool_options.hatch,
        "the layers": window.layers.view.viewport(),
        "the panel itself": window.panel,
    }


@pytest.mark.parametrize("name", [
    "a layer button", "the mode", "the dice", "a heading", "the opacity", "the brush size", "a check box",
    "the layers", "the panel itself",
])
def test_tool_letters_work_after_a_click_on(window, name) -> None:
    window.panel.fields["prompt"].edit.setFocus()
    click(controls(window)[name])
    for letter, tool in (("b", "brush"), ("f", "frame"), ("q", "mask_brush"), ("h", "hand")):
        press(letter)
        assert window.tool_state.tool == tool


@pytest.mark.parametrize("command", LETTERS, ids=lambda command: command.id)
def test_every_letter_runs_its_command_and_stands_in_its_menu(window, command, monkeypatch) -> None:
    ran = []
    window.actions_by_id[command.id].triggered.connect(lambda: ran.append(command.id))
    window.canvas.setFocus()
    for key in command.keys:
        combination = QKeySequence(key)[0]
        press(combination.key(), combination.keyboardModifiers())
    assert ran == [command.id] * len(command.keys)
    assert window.actions_by_id[command.id].text().endswith(f"\t{command.keys[0]}")
    assert window.actions_by_id[command.id].toolTip().endswith(f"({command.keys[0]})")


def test_a_button_reached_by_tab_keeps_the_space_bar_and_leaves_letters_to_the_tools(window) -> None:
    dice, seed = window.panel.seed.dice, window.panel.seed.value()
    dice.setFocus(Qt.FocusReason.TabFocusReason)
    press(Qt.Key.Key_Space)
    assert window.panel.seed.value() != seed
    press("e")
    assert window.tool_state.tool == "eraser"


def test_letters_in_a_layer_name_are_text(window, qtbot) -> None:
    window.layers.rename_active()
    QTest.keyClicks(focused(), "bex")
    press(Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.editor.document.active_layer.name == "bex")
    assert window.tool_state.tool == "mask_brush"


@pytest.mark.parametrize("title", [title for title, _ in actions.MENUS])
def test_letters_in_an_open_menu_choose_its_entries_and_no_tools(window, title) -> None:
    index = [each for each, _ in actions.MENUS].index(title)
    menu = window.menuBar().actions()[index].menu()
    for command in LETTERS:
        for action in menu.actions():
            action.setEnabled(False)  # so that no entry opens a dialog; a disabled entry takes its letter all the same
        window.canvas.setFocus()
        before = window.tool_state.tool, window.tool_state.brush, window.tool_state.foreground
        press(title[title.index("&") + 1], ALT)
        assert QApplication.activePopupWidget() is menu
        combination = QKeySequence(command.keys[0])[0]
        press(combination.key(), combination.keyboardModifiers())
        after = window.tool_state.tool, window.tool_state.brush, window.tool_state.foreground
        assert after == before, f"{command.keys[0]} reached through the menu"
        menu.close()


def test_the_mask_menu_takes_its_own_letters(window) -> None:
    window.canvas.setFocus()
    press("m", ALT)
    press("i")
    assert window.editor.undo_label == "Invert mask"
    assert window.tool_state.tool == "mask_brush"


def test_no_letter_means_two_entries_of_one_menu() -> None:
    for title, entries in actions.MENUS:
        texts = [entry.text if isinstance(entry, actions.Command) else entry for entry in entries if entry]
        letters = Counter(letter.lower() for text in texts for letter in re.findall(r"&(\w)", text))
        assert [letter for letter, count in letters.items() if count > 1] == [], title


@pytest.mark.parametrize("name", ["steps", "seed", "feather", "diameter"])
def test_undo_and_redo_in_a_spin_box_are_those_of_the_picture(window, name) -> None:
    boxes = {"feather": window.panel.feather, "diameter": window.tool_options.diameter.box}
    box = boxes.get(name) or window.panel.fields[name].box
    window.actions_by_id["mask_invert"].trigger()
    inverted = window.editor.document
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "7")
    press(Qt.Key.Key_Z, CONTROL)
    assert window.editor.document is not inverted
    press(Qt.Key.Key_Z, CONTROL | SHIFT)
    assert window.editor.document is inverted
    assert box.text().find("7") >= 0, "what was typed stays"


def test_arrow_keys_choose_among_the_modes(window) -> None:
    window.panel.modes.button("inpaint").setFocus(Qt.FocusReason.TabFocusReason)
    press(Qt.Key.Key_Right)
    press(Qt.Key.Key_Space)
    assert window.panel.mode() == "outpaint"
    press(Qt.Key.Key_Down)
    press(Qt.Key.Key_Space)
    assert window.panel.mode() == list(MODES)[COLUMNS + 1]


def test_undo_in_the_prompt_is_that_of_the_text(window) -> None:
    window.actions_by_id["mask_invert"].trigger()
    inverted = window.editor.document
    prompt = window.panel.fields["prompt"].edit
    prompt.clear()
    prompt.setFocus()
    QTest.keyClicks(prompt, "an apple")
    press(Qt.Key.Key_Z, CONTROL)
    assert window.editor.document is inverted
    assert prompt.toPlainText() != "an apple"


def test_arrows_and_enter_choose_a_candidate_after_a_click_on_generate(window, qtbot) -> None:
    window.layers.opacity.setFocus()
    generate_by_click(window, qtbot)
    seed, before = window.panel.seed.value(), window.editor.document
    press(Qt.Key.Key_Right)
    assert window.strip.list.currentRow() == 1
    press(Qt.Key.Key_Left)
    press(Qt.Key.Key_Right)
    assert window.editor.document is before, "no layer got another opacity"
    press(Qt.Key.Key_Return)
    assert window.editor.document.active_layer.recipe.sampling.seed == seed + 1


def test_delete_on_the_canvas_discards_pending_candidates_alone(window, qtbot) -> None:
    window.canvas.setFocus()
    before = window.editor.document
    press(Qt.Key.Key_Delete)
    generate_by_click(window, qtbot)
    window.canvas.setFocus()
    press(Qt.Key.Key_Delete)
    assert not window.strip.isVisible()
    assert window.editor.document is before


def test_delete_in_the_layers_drops_no_candidates(window, qtbot) -> None:
    generate_by_click(window, qtbot)
    click(window.layers.view.viewport())
    window.layers.view.setFocus()
    press(Qt.Key.Key_Delete)
    assert window.strip.list.count() == 2


def test_finished_candidates_take_the_keyboard_from_a_button(window, qtbot) -> None:
    window.panel.run_bar.generate.setFocus(Qt.FocusReason.TabFocusReason)
    with qtbot.waitSignal(window.jobs.finished, timeout=60_000):
        press(Qt.Key.Key_Space)
    assert window.strip.list.hasFocus()
    press("b")
    assert window.tool_state.tool == "brush"
    window.strip.list.setFocus()
    press(Qt.Key.Key_Return)
    assert len(window.editor.document.layers) == 2
    assert window.canvas.hasFocus(), "the strip has gone"


def test_finished_candidates_leave_the_keyboard_to_the_prompt(window, qtbot) -> None:
    prompt = window.panel.fields["prompt"].edit
    prompt.setFocus()
    with qtbot.waitSignal(window.jobs.finished, timeout=60_000):
        press(Qt.Key.Key_Return, CONTROL)
    assert prompt.hasFocus()


def green_at(window: Window, place: QPoint) -> bool:
    colour = window.canvas.grab().toImage().pixelColor(place)
    return colour.green() - max(colour.red(), colour.blue()) > 150


def test_a_stroke_of_paint_is_seen_while_a_candidate_is_looked_at(window, qtbot) -> None:
    generate_by_click(window, qtbot)
    window.tool_state.set_tool("brush")
    window.tool_state.set_foreground((0, 255, 0))
    window.tool_state.set_overlay_visible(False)
    middle = window.canvas.rect().center()
    assert not green_at(window, middle)
    QTest.mousePress(window.canvas, Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseMove(window.canvas, middle + QPoint(20, 0))
    assert green_at(window, middle), "already while it is drawn"
    QTest.mouseRelease(window.canvas, Qt.MouseButton.LeftButton, pos=middle + QPoint(20, 0))
    assert green_at(window, middle)
    assert window.strip.list.currentRow() == -1
    assert window.strip.list.count() == 2


def test_a_layer_hidden_while_a_candidate_is_looked_at_is_seen_to_go(window, qtbot) -> None:
    generate_by_click(window, qtbot)
    with_candidate = window.canvas.grab().toImage()
    window.actions_by_id["layer_toggle"].trigger()
    assert window.strip.list.currentRow() == -1
    assert window.canvas.grab().toImage() != with_candidate


def test_naming_a_layer_or_placing_the_frame_leaves_the_candidate_in_view(window, qtbot) -> None:
    generate_by_click(window, qtbot)
    window.generating.place_frame(Rect(0, 0, 64, 48))
    window.editor.replace("Rename layer", edits.rename_layer(window.editor.document, 0, "Named"))
    assert window.strip.list.currentRow() == 0


def test_undoing_an_acceptance_shows_the_candidate_that_was_accepted(window, qtbot) -> None:
    generate_by_click(window, qtbot)
    press(Qt.Key.Key_Right)
    press(Qt.Key.Key_Return)
    press(Qt.Key.Key_Z, CONTROL)
    assert window.strip.list.currentRow() == 1
    shown = window.canvas.grab().toImage()
    window.strip.choose(0)
    assert window.canvas.grab().toImage() != shown


def drag_the_frame_past_the_edge(window: Window) -> None:
    window.canvas.setFocus()
    press("f")
    window.generating.place_frame(Rect(20, 10, 32, 32))
    window.editor.settle()
    view = window.canvas.view
    start, end = (view.rect_to_widget(Rect(x, 26, 1, 1)).center().toPoint() for x in (36, 60))
    QTest.mousePress(window.canvas, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(window.canvas, (start + end) / 2)
    QTest.mouseMove(window.canvas, end)
    QTest.mouseRelease(window.canvas, Qt.MouseButton.LeftButton, pos=end)


def test_undoing_a_frame_drag_that_meant_outpainting_ends_the_mode_and_redo_takes_it_again(window) -> None:
    drag_the_frame_past_the_edge(window)
    assert window.editor.document.frame.right > 64
    assert window.panel.mode() == "outpaint"
    press(Qt.Key.Key_Z, CONTROL)
    assert window.panel.mode() == "inpaint"
    press(Qt.Key.Key_Z, CONTROL | SHIFT)
    assert window.panel.mode() == "outpaint"


def test_a_mode_chosen_by_the_user_outlives_the_frame(window) -> None:
    window.panel.set_mode("outpaint")
    drag_the_frame_past_the_edge(window)
    press(Qt.Key.Key_Z, CONTROL)
    assert window.panel.mode() == "outpaint"


def test_accepting_leaves_the_panel_where_it_was(window, qtbot) -> None:
    generate_by_click(window, qtbot)
    height = window.panel.run_bar.height()
    press(Qt.Key.Key_Return)
    QApplication.processEvents()
    assert not window.panel.run_bar.hint.isVisible()
    assert not window.panel.run_bar.offer.isVisible()
    assert window.panel.run_bar.height() == height
    assert not np.any(window.editor.document.change_map.read(window.editor.document.canvas)), "nothing is masked"
    click(window.panel.run_bar.generate)
    assert window.panel.run_bar.offer.isVisible(), "asked for, it is told"


def test_a_letter_that_the_waiting_menu_bar_has_not_takes_no_tool(window) -> None:
    window.menuBar().setFocus()
    press("b")
    assert window.tool_state.tool == "mask_brush"


def test_a_new_window_gives_the_canvas_the_keyboard(window) -> None:
    assert window.canvas.hasFocus()


def test_tab_goes_round_every_control_and_back_to_the_canvas(window) -> None:
    window.canvas.setFocus()
    seen: list[QWidget] = []
    while not seen or focused() is not window.canvas:
        press(Qt.Key.Key_Tab)
        assert focused() not in seen, "Tab runs in a circle that leaves the canvas out"
        seen.append(focused())
    for control in (window.panel.run_bar.generate, window.layers.opacity, window.layers.view, window.panel.seed.dice):
        assert control in seen
