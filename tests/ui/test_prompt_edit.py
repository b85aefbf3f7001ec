"""Names of what a model can draw, offered while one types a prompt."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from paintdiff.generation.engine import ModelInfo
from paintdiff.ui.prompt_edit import PromptEdit, completions

NAMES = ("balloon", "cat", "cat face", "caterpillar", "cup of coffee", "hot air balloon", "house", "t shirt")
KEY = Qt.Key


@pytest.mark.parametrize(
    ("before", "typed", "names"),
    [
        ("a ca", "ca", ["cat", "cat face", "caterpillar"]), ("a c", "", []), ("", "", []),
        ("a Ca", "Ca", ["cat", "cat face", "caterpillar"]),
        ("a hot a", "hot a", ["hot air balloon"]), ("hot air ", "hot air ", ["hot air balloon"]), ("a cat ", "", []),
        ("ball", "ball", ["balloon", "hot air balloon"]), ("two red ho", "ho", ["house", "hot air balloon"]),
        ("cup of ", "cup of ", ["cup of coffee"]), ("zz", "", []), ("cat, ho", "ho", ["house", "hot air balloon"]),
    ],
)  # fmt: skip
def test_what_is_typed_finds_the_names_that_it_may_become(before: str, typed: str, names: list[str]) -> None:
    assert completions(before, NAMES) == (typed, names)


@pytest.fixture
def edit(qtbot) -> PromptEdit:
    window = QWidget()
    qtbot.addWidget(window)
    edit, other = PromptEdit(), QLineEdit()
    edit.setTabChangesFocus(True)
    column = QVBoxLayout(window)
    column.addWidget(edit)
    column.addWidget(other)
    window.resize(400, 300)
    stop = QAction(window)
    stop.setShortcut("Esc")
    window.addAction(stop)
    window.stopped, window.other = [], other  # type: ignore[attr-defined]
    stop.triggered.connect(lambda: window.stopped.append(True))
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    edit.setFocus()
    qtbot.waitUntil(edit.hasFocus)
    edit.set_names(NAMES)
    return edit


def press(edit: PromptEdit, *keys: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    for key in keys:
        QTest.keyClick(edit, key, modifier)


def test_the_list_opens_at_the_second_letter_and_closes_when_nothing_fits(edit: PromptEdit) -> None:
    QTest.keyClicks(edit, "a c")
    assert edit.offered == []
    QTest.keyClicks(edit, "a")
    assert edit.offered == ["cat", "cat face", "caterpillar"]
    QTest.keyClicks(edit, "x")
    assert edit.offered == []
    press(edit, KEY.Key_Backspace)
    assert edit.offered == ["cat", "cat face", "caterpillar"]
    assert edit.toPlainText() == "a ca"


def test_down_chooses_and_enter_or_tab_takes(edit: PromptEdit) -> None:
    QTest.keyClicks(edit, "two ca")
    press(edit, KEY.Key_Down, KEY.Key_Down, KEY.Key_Return)
    assert edit.toPlainText() == "two cat face"
    QTest.keyClicks(edit, " and ho")
    press(edit, KEY.Key_Up, KEY.Key_Up, KEY.Key_Tab)
    assert edit.toPlainText() == "two cat face and house"
    assert edit.offered == []
    assert edit.hasFocus()


def test_enter_with_nothing_chosen_is_a_new_line(edit: PromptEdit) -> None:
    QTest.keyClicks(edit, "ca")
    press(edit, KEY.Key_Return)
    assert edit.toPlainText() == "ca\n"
    assert edit.offered == []


def test_tab_completes_a_part_of_a_name_and_leaves_a_whole_one(edit: PromptEdit) -> None:
    QTest.keyClicks(edit, "hot ai")
    press(edit, KEY.Key_Tab)
    assert edit.toPlainText() == "hot air balloon"
    QTest.keyClicks(edit, " cat")
    assert edit.offered == ["cat face", "caterpillar"]
    press(edit, KEY.Key_Tab)
    assert edit.toPlainText() == "hot air balloon cat"
    assert edit.window().other.hasFocus()  # type: ignore[attr-defined]
    assert edit.offered == []


def test_escape_closes_the_list_first_and_stops_only_then(edit: PromptEdit) -> None:
    QTest.keyClicks(edit, "ca")
    press(edit, KEY.Key_Escape)
    assert edit.offered == []
    assert edit.window().stopped == []  # type: ignore[attr-defined]
    press(edit, KEY.Key_Escape)
    assert edit.window().stopped == [True]  # type: ignore[attr-defined]
    assert edit.toPlainText() == "ca"


def test_a_click_takes_a_name_and_the_keyboard_stays(edit: PromptEdit) -> None:
    QTest.keyClicks(edit, "ho")
    rows = edit.window().findChild(QWidget, "completions")
    QTest.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(10, 4))
    assert edit.toPlainText() == "house"
    assert edit.hasFocus()


def test_the_list_closes_with_the_cursor_elsewhere_and_the_keyboard_gone(edit: PromptEdit) -> None:
    QTest.keyClicks(edit, "ca")
    press(edit, KEY.Key_Left)
    assert edit.offered == []
    press(edit, KEY.Key_End)
    QTest.keyClicks(edit, "t")
    assert edit.offered
    edit.window().other.setFocus()  # type: ignore[attr-defined]
    assert edit.offered == []


def test_control_and_space_list_everything(edit: PromptEdit) -> None:
    QTest.keyClicks(edit, "a ")
    press(edit, KEY.Key_Space, modifier=Qt.KeyboardModifier.ControlModifier)
    assert edit.offered == list(NAMES)
    assert edit.toPlainText() == "a "
    press(edit, KEY.Key_Down, KEY.Key_Return)
    assert edit.toPlainText() == "a balloon"


def test_nothing_is_offered_for_text_that_is_set_or_goes_on_behind_the_cursor(edit: PromptEdit) -> None:
    edit.setPlainText("a ca")
    assert edit.offered == []
    edit.setPlainText("at")
    press(edit, KEY.Key_Home)
    QTest.keyClicks(edit, "ca")
    assert edit.toPlainText() == "caat"
    assert edit.offered == []


def test_a_model_without_names_offers_none(edit: PromptEdit) -> None:
    edit.set_names(())
    QTest.keyClicks(edit, "cat")
    press(edit, KEY.Key_Space, modifier=Qt.KeyboardModifier.ControlModifier)
    assert edit.offered == []


def test_the_panel_offers_what_the_model_in_use_can_draw(window) -> None:
    prompts = [window.panel.fields[name].edit for name in ("prompt", "then")]
    window.panel.show_model(ModelInfo("ours", "cpu", 64, names=NAMES))
    for edit in prompts:
        edit.clear()
        edit.show()
        QTest.keyClicks(edit, "ca")
        assert edit.offered == ["cat", "cat face", "caterpillar"]
    window.panel.show_model(ModelInfo("another", "cpu", 64))
    QTest.keyClicks(prompts[0], "t")
    assert prompts[0].offered == []
