"""The look: readable contrast in both themes, icons in the theme's colour, settings that last."""

import re
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, QSize, Qt
from PySide6.QtGui import QColor, QIcon
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from paintdiff.document.document import Layer
from paintdiff.document.edits import add_layer
from paintdiff.resource_files import resource
from paintdiff.ui import icons, theme
from paintdiff.ui.settings import RECENT_COUNT, Settings
from paintdiff.ui.window import TITLE_BAR


def luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour, WCAG 2."""
    parts = (QColor(colour).redF(), QColor(colour).greenF(), QColor(colour).blueF())
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("each", theme.THEMES.values(), ids=lambda each: each.name)
@pytest.mark.parametrize(
    ("text", "ground"),
    [("text", "window"), ("text", "base"), ("text", "raised"), ("text", "done"), ("muted", "window"),
     ("accent_text", "accent"),
     ("good", "window"), ("bad", "window")],
)
def test_text_is_readable_in_both_themes(each, text, ground) -> None:
    assert contrast(getattr(each, text), getattr(each, ground)) >= 4.5


def test_icons_take_the_colour_of_the_theme(window) -> None:
    def colour() -> QColor:
        image = window.actions_by_id["save"].icon().pixmap(20, QIcon.Mode.Normal).toImage()
        return max((image.pixelColor(x, y) for x in range(20) for y in range(20)), key=lambda each: each.alpha())

    assert colour().lightness() > 180
    window.actions_by_id["light"].trigger()
    QApplication.processEvents()
    assert colour().lightness() < 80
    assert window.settings.theme == "light"
    window.actions_by_id["dark"].trigger()


def test_an_icon_has_real_pixels_for_double_scale(window) -> None:
    pixmap = icons.icon("brush").pixmap(QSize(20, 20), 2.0)
    assert pixmap.width() == 40, "a smaller one would be blown up"


def test_every_icon_in_the_code_exists() -> None:
    folder = Path(icons.__file__).parent
    named = set()
    for path in folder.rglob("*.py"):
        named |= set(re.findall(r'icons\.icon\("(\w+)"', path.read_text(encoding="utf-8")))
    assert named
    for name in named:
        assert resource("icons", f"{name}.svg").exists()


def test_no_label_is_cut_at_1280_by_720(window) -> None:
    window.resize(1280, 720)
    QApplication.processEvents()
    assert (window.width(), window.height()) == (1280, 720), "the window fits"
    for label in window.findChildren(QLabel):
        if label.isVisible() and label.text() and not label.wordWrap() and label is not window.tool_options.hint:
            assert label.width() >= label.minimumSizeHint().width(), label.text()


def test_recent_files_are_the_newest_first_once_each_and_few(tmp_path) -> None:
    settings = Settings(QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat))
    paths = [tmp_path / f"{number}.png" for number in range(RECENT_COUNT + 3)]
    for path in [*paths, paths[5]]:
        settings.add_recent(path)
    assert settings.recent[0] == paths[5]
    assert len(settings.recent) == RECENT_COUNT == len(set(settings.recent))


def test_settings_last_until_the_next_day(tmp_path) -> None:
    file = str(tmp_path / "s.ini")
    today = Settings(QSettings(file, QSettings.Format.IniFormat))
    today.theme = "light"
    today.add_recent(tmp_path / "one.png")
    today.write()
    tomorrow = Settings(QSettings(file, QSettings.Format.IniFormat))
    assert tomorrow.unfolded == []
    tomorrow.unfolded = ["Sampler"]
    tomorrow.write()
    assert Settings(QSettings(file, QSettings.Format.IniFormat)).unfolded == ["Sampler"]
    assert tomorrow.theme == "light"
    assert tomorrow.recent == [tmp_path / "one.png"]


def test_a_heading_opened_by_hand_stands_open_in_the_next_window(make_window) -> None:
    first = make_window()
    QTest.mouseClick(first.panel.sections["Variation"].heading, Qt.MouseButton.LeftButton)
    assert make_window().panel.unfolded() == ["Variation"]


def test_at_1280_by_720_the_seed_and_the_first_headings_stand_in_sight(window) -> None:
    window.resize(1280, 720 - TITLE_BAR)
    QApplication.processEvents()
    panel = window.panel
    for part in (panel.seed, panel.fields["guidance"], panel.sections["Variation"].heading, panel.fields["candidates"]):
        assert part.visibleRegion().boundingRect() == part.rect(), part.objectName()
    window.editor.replace("New layer", add_layer(window.editor.document, Layer("New")))
    QApplication.processEvents()
    view = window.layers.view
    rows = [view.visualRect(view.model().index(row, 0)) for row in range(2)]
    assert all(view.viewport().rect().contains(row) for row in rows), "both layers"


def test_the_prompt_grows_with_its_words_and_scrolls_when_it_is_long(window, qtbot) -> None:
    prompt = window.panel.fields["prompt"]
    short = prompt.height()
    prompt.set_value("one\ntwo\nthree\nfour")
    qtbot.waitUntil(lambda: prompt.height() > short)
    grown = prompt.height()
    prompt.set_value("word " * 500)
    qtbot.waitUntil(lambda: grown < prompt.height() < 2 * grown)
    prompt.set_value("")
    qtbot.waitUntil(lambda: prompt.height() == short)
