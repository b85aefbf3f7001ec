"""The look: a dark and a light palette of our own for Fusion, and the little that a palette cannot say."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from string import Template

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication


@dataclass(frozen=True)
class Theme:
    """The colours of a theme as #rrggbb. `name` is what settings store, `label` what the menu shows."""

    name: str
    label: str
    surround: str
    window: str
    raised: str
    base: str
    border: str
    hover: str
    text: str
    muted: str
    disabled: str
    accent: str
    accent_hover: str
    accent_text: str
    done: str  # behind the text of a progress bar
    good: str
    bad: str


DARK = Theme(
    "dark", "Dark", surround="#262629", window="#2b2c2f", raised="#393b40", base="#1f2023", border="#45474d",
    hover="#44474d", text="#e3e4e6", muted="#a2a6ad", disabled="#74777d", accent="#3a74cf", accent_hover="#4a83dd",
    accent_text="#ffffff", done="#2f5fab", good="#7fc98f", bad="#f0908a",
)
LIGHT = Theme(
    "light", "Light", surround="#c4c7cc", window="#eeeff1", raised="#fafafb", base="#ffffff", border="#c3c6cc",
    hover="#e0e3e8", text="#22242a", muted="#5c6068", disabled="#989ca4", accent="#2c66c2", accent_hover="#3a75d2",
    accent_text="#ffffff", done="#a9c6f2", good="#1f7a3a", bad="#b3261e",
)
THEMES = {theme.name: theme for theme in (DARK, LIGHT)}

STYLE = Template("""
QToolTip { color: $text; background: $raised; border: 1px solid $border; padding: 4px; }
QMainWindow::separator { background: $window; width: 4px; height: 4px; }
QMainWindow::separator:hover { background: $accent; }
QToolBar { background: $window; border: none; padding: 4px; spacing: 2px; }
QToolBar QToolButton, QToolButton[flat="true"] { border: 1px solid transparent; border-radius: 4px; padding: 4px; }
QToolBar QToolButton:hover, QToolButton[flat="true"]:hover { background: $hover; }
QToolBar QToolButton:checked, QToolButton[flat="true"]:checked { background: $accent; color: $accent_text; }
QToolBar::separator { background: $border; height: 1px; width: 1px; margin: 4px; }
QStatusBar { background: $window; border-top: 1px solid $border; }
QStatusBar::item { border: none; }
QDockWidget { font-weight: 600; }
QDockWidget::title { background: $window; padding: 6px 8px; border-top: 1px solid $border; }
QLabel[muted="true"] { color: $muted; }
QLabel[good="true"] { color: $good; }
QLabel[bad="true"] { color: $bad; }
QPlainTextEdit, QListView { background: $base; border: 1px solid $border; border-radius: 4px; }
QPlainTextEdit { padding: 2px; }
QPlainTextEdit:disabled { background: $window; color: $disabled; }
GenerationPanel QToolButton[flat="true"] { padding: 2px; }
QPlainTextEdit:focus, QListView:focus { border-color: $accent; }
QPushButton#generate {
    background: $accent; color: $accent_text; border: none; border-radius: 4px; padding: 8px; font-weight: 600;
}
QPushButton#generate:hover { background: $accent_hover; }
QPushButton#generate:focus { border: 1px solid $text; }
QPushButton#generate:disabled { background: $raised; color: $disabled; }
QToolButton[segment="true"] {
    background: $base; border: 1px solid $border; border-radius: 4px; padding: 4px 2px; color: $text;
}
QToolButton[segment="true"]:hover { background: $hover; }
QToolButton[segment="true"]:focus { border-color: $text; }
QToolButton[segment="true"]:checked { background: $accent; color: $accent_text; border-color: $accent; }
QToolButton[card="true"] { background: $raised; border: 1px solid $border; border-radius: 6px; padding: 0; }
QToolButton[card="true"]:hover { background: $hover; }
QToolButton[card="true"]:focus { border-color: $accent; }
QToolButton[card="true"]::menu-indicator { image: none; }
QToolButton#recent_models { padding: 0 5px; }
QToolButton#model_folders::menu-indicator { image: none; }
QLabel[framed="true"] { background: $base; border: 1px solid $border; }
QLabel[strong="true"] { font-weight: 600; }
QListView#cards { background: $window; border: none; }
QListView#add_on_list::item { padding: 4px; }
QListWidget#completions { background: $raised; border-radius: 4px; }
QListWidget#completions::item { padding: 2px 4px; }
QStatusBar QToolButton[flat="true"] { color: $muted; padding: 0 6px; border: none; }
QWidget#rule { background: $border; }
QProgressBar {
    background: $base; color: $text; border: 1px solid $border; border-radius: 4px; text-align: center;
    min-height: 20px;
}
QProgressBar::chunk { background: $done; border-radius: 3px; }
QScrollArea#settings { background: transparent; border: none; }
QScrollArea#settings QScrollBar, QListView#candidates QScrollBar, QListView#cards QScrollBar {
    background: transparent; width: 8px; height: 8px; margin: 0; border: none;
}
QScrollArea#settings QScrollBar::handle, QListView#candidates QScrollBar::handle,
QListView#cards QScrollBar::handle {
    background: $border; border-radius: 3px; min-height: 24px; min-width: 24px;
}
QScrollArea#settings QScrollBar::handle:hover, QListView#candidates QScrollBar::handle:hover,
QListView#cards QScrollBar::handle:hover { background: $muted; }
QScrollArea#settings QScrollBar::handle:disabled,
QListView#cards QScrollBar::handle:disabled { background: transparent; }
QScrollArea#settings QScrollBar::add-line, QScrollArea#settings QScrollBar::sub-line,
QListView#candidates QScrollBar::add-line, QListView#candidates QScrollBar::sub-line,
QListView#cards QScrollBar::add-line, QListView#cards QScrollBar::sub-line { width: 0; height: 0; }
Section QToolButton[flat="true"] { padding: 1px 4px 1px 0; border: none; font-weight: 500; }
Section QToolButton[flat="true"]:focus { border: 1px solid $accent; }
CandidateStrip QPushButton:checked {
    background: $accent; color: $accent_text; border: 1px solid $accent; border-radius: 3px; padding: 3px 6px;
}
CandidateStrip { background: $window; border-top: 1px solid $border; }
QListView#candidates { background: $window; border: none; border-radius: 0; }
QDialogButtonBox, QMessageBox { dialogbuttonbox-buttons-have-icons: 0; }
""")


def current(application: QApplication) -> Theme:
    """The theme that `apply` set, dark before that."""
    return THEMES.get(str(application.property("theme")), DARK)


def apply(application: QApplication, theme: Theme) -> None:
    """Dress the whole program in `theme`; widgets hear of it through a palette change."""
    application.setProperty("theme", theme.name)
    application.setStyle("Fusion")
    application.setPalette(palette_of(theme))
    application.setPalette(box_palette_of(theme), "QCheckBox")  # type: ignore[arg-type]  # bytes, it says; and takes none
    application.setStyleSheet(STYLE.substitute(asdict(theme)))


def palette_of(theme: Theme) -> QPalette:
    role, palette = QPalette.ColorRole, QPalette()
    colours = {
        role.Window: theme.window, role.WindowText: theme.text, role.Base: theme.base, role.AlternateBase: theme.raised,
        role.Text: theme.text, role.Button: theme.raised, role.ButtonText: theme.text, role.BrightText: theme.bad,
        role.ToolTipBase: theme.raised, role.ToolTipText: theme.text, role.Highlight: theme.accent,
        role.HighlightedText: theme.accent_text, role.Link: theme.accent_hover, role.PlaceholderText: theme.muted,
        role.Mid: theme.border, role.Shadow: theme.surround,
    }
    for each, colour in colours.items():
        palette.setColor(each, QColor(colour))
    for each in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, each, QColor(theme.disabled))
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(theme.border))
    return palette


def box_palette_of(theme: Theme) -> QPalette:
    """For check boxes: an empty one must be seen as a box, which takes more than Fusion's shadow on a dark ground."""
    palette = palette_of(theme)
    if theme is DARK:
        palette.setColor(QPalette.ColorRole.Base, QColor(theme.hover))
    return palette
