"""Every command of the window in one table: its words, its key, where the key works, its icon, what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QMenu

from paintdiff.ui import icons
from paintdiff.ui.focus import in_menu

if TYPE_CHECKING:
    from paintdiff.ui.window import Window


def _always(_window: Window) -> bool:
    return True


@dataclass(frozen=True)
class Command:
    """One command. `keys` of scope "letters" work where what has the focus does not take them itself.

    `enabled` and `checked` are asked again whenever something changed; `checked` makes the command a switch.
    """

    id: str
    text: str
    run: Callable[[Window], object]
    keys: tuple[str, ...] = ()
    scope: str = "window"
    icon: str = ""
    tip: str = ""
    enabled: Callable[[Window], bool] = _always
    checked: Callable[[Window], bool] | None = None


SEPARATOR = None
Entry = Command | str | None  # a string names a submenu that the window fills


def _tool(tool: str, text: str, *keys: str, tip: str = "") -> Command:
    return Command(
        f"tool_{tool}", text, lambda w: w.take_tool(tool), keys, "letters", tool, tip,
        checked=lambda w: w.tool_state.tool == tool,
    )


MASKS: tuple[Entry, ...] = (
    _tool("mask_brush", "&Mask brush", "M", tip="Brush what should change"),
    _tool("mask_eraser", "M&ask eraser", "Shift+M", tip="Take away from the mask"),
    _tool("mask_rectangle", "Mask &rectangle", "R", tip="Mask a rectangle"),
    _tool("mask_lasso", "Mask &lasso", "L", tip="Mask an area drawn around"),
)
PAINTS: tuple[Entry, ...] = (
    _tool("brush", "&Brush", "B", tip="Paint with the foreground colour"),
    _tool("eraser", "&Eraser", "E", tip="Rub out paint"),
    _tool("picker", "Colour &picker", "I", tip="Pick a colour from the picture (Alt while painting)"),
)
VIEWS: tuple[Entry, ...] = (
    _tool("frame", "&Frame", "F", tip="Place what the model sees; past the edge it outpaints"),
    _tool("hand", "&Hand", "H", tip="Move the view (Space while painting)"),
)

MENUS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    ("&File", (
        Command("new", "&New…", lambda w: w.files.new(), ("Ctrl+N",), icon="new"),
        Command("open", "&Open…", lambda w: w.files.open(), ("Ctrl+O",), icon="open"),
        "Open &recent",
        SEPARATOR,
        Command("save", "&Save", lambda w: w.files.save(), ("Ctrl+S",), icon="save"),
        Command("save_as", "Save &as…", lambda w: w.files.save_as(), ("Ctrl+Shift+S",)),
        Command("export", "&Export PNG…", lambda w: w.files.export_png(), ("Ctrl+Shift+E",), icon="export"),
        SEPARATOR,
        Command("quit", "&Quit", lambda w: w.close(), ("Ctrl+Q",)),
    )),
    ("&Edit", (
        Command("undo", "&Undo", lambda w: w.editor.undo(), ("Ctrl+Z",), icon="undo",
                enabled=lambda w: w.editor.undo_label is not None),
        Command("redo", "&Redo", lambda w: w.editor.redo(), ("Ctrl+Shift+Z", "Ctrl+Y"), icon="redo",
                enabled=lambda w: w.editor.redo_label is not None),
        SEPARATOR,
        Command("copy", "&Copy picture", lambda w: w.copy(), ("Ctrl+C",), icon="copy"),
        Command("paste", "&Paste as layer", lambda w: w.paste(), ("Ctrl+V",), icon="paste"),
        Command("paste_new", "Paste as &new picture", lambda w: w.paste_new(), ("Ctrl+Shift+V",)),
    )),
    ("&Tools", (
        *MASKS,
        Command("toggle_mask", "Switch mask and pain&t", lambda w: w.tool_state.toggle_mask(), ("Q",), "letters"),
        SEPARATOR,
        *PAINTS,
        Command("swap_colours", "&Swap colours", lambda w: w.tool_state.swap_colours(), ("X",), "letters"),
        Command("default_colours", "Black and &white", lambda w: w.tool_state.default_colours(), ("D",), "letters"),
        SEPARATOR,
        Command("larger", "Lar&ger brush", lambda w: w.tool_state.larger(), ("]",), "letters"),
        Command("smaller", "Smaller br&ush", lambda w: w.tool_state.smaller(), ("[",), "letters"),
        SEPARATOR,
        *VIEWS,
    )),
    ("&Mask", (
        Command("mask_all", "Mask &all", lambda w: w.masking.fill(), ("Ctrl+A",)),
        Command("mask_clear", "&Clear", lambda w: w.masking.clear(), ("Ctrl+D",), enabled=lambda w: w.masking.any),
        Command("mask_invert", "&Invert", lambda w: w.masking.invert(), ("Ctrl+I",)),
        SEPARATOR,
        Command("mask_grow", "&Grow…", lambda w: w.masking.grow(), enabled=lambda w: w.masking.any),
        Command("mask_shrink", "&Shrink…", lambda w: w.masking.shrink(), enabled=lambda w: w.masking.any),
        Command("mask_feather", "&Feather…", lambda w: w.masking.feather(), enabled=lambda w: w.masking.any),
    )),
    ("&Image", (
        Command("enlarge_2", "Enlarge ×&2", lambda w: w.enlarging.enlarge(2),
                tip="Twice as many pixels each way; then Generate adds detail"),
        Command("enlarge_4", "Enlarge ×&4", lambda w: w.enlarging.enlarge(4),
                tip="Four times as many pixels each way; then Generate adds detail"),
    )),
    ("&Layer", (
        Command("layer_new", "&New layer", lambda w: w.layers.add(), ("Ctrl+Shift+N",), icon="plus"),
        Command("layer_rename", "&Rename", lambda w: w.layers.rename_active()),
        Command("layer_toggle", "Show or &hide", lambda w: w.layers.toggle_active(), icon="eye"),
        SEPARATOR,
        Command("layer_up", "Move &up", lambda w: w.layers.raise_active(), ("Ctrl+PgUp",), icon="arrow_up",
                enabled=lambda w: w.editor.document.active < len(w.editor.document.layers) - 1),
        Command("layer_down", "Move &down", lambda w: w.layers.lower_active(), ("Ctrl+PgDown",), icon="arrow_down",
                enabled=lambda w: w.editor.document.active > 0),
        Command("layer_merge", "&Merge down", lambda w: w.layers.merge_active(), ("Ctrl+E",), icon="merge",
                enabled=lambda w: w.editor.document.active > 0),
        Command("layer_delete", "De&lete", lambda w: w.layers.remove_active(), icon="trash",
                enabled=lambda w: len(w.editor.document.layers) > 1),
        SEPARATOR,
        Command("layer_recipe", "Use these &settings again", lambda w: w.layers.use_recipe(), icon="restart",
                enabled=lambda w: w.editor.document.active_layer.recipe is not None),
    )),
    ("&View", (
        Command("zoom_in", "Zoom &in", lambda w: w.canvas.zoom_in(), ("Ctrl++", "Ctrl+="), icon="zoom_in"),
        Command("zoom_out", "Zoom &out", lambda w: w.canvas.zoom_out(), ("Ctrl+-",), icon="zoom_out"),
        Command("fit", "&Fit", lambda w: w.canvas.fit(), ("Ctrl+0",), icon="fit"),
        Command("actual_size", "&100 %", lambda w: w.canvas.zoom_to(1.0), ("Ctrl+1",)),
        SEPARATOR,
        Command("overlay", "Show &mask", lambda w: w.toggle_overlay(), ("Ctrl+H",),
                checked=lambda w: w.tool_state.overlay_visible),
        Command("hatch", "Show mask with &stripes", lambda w: w.tool_state.set_hatch(not w.tool_state.hatch),
                checked=lambda w: w.tool_state.hatch),
        Command("overlay_colour", "Mask &colour…", lambda w: w.tool_options.overlay.click()),
        SEPARATOR,
        Command("dark", "&Dark theme", lambda w: w.set_theme("dark"), checked=lambda w: w.settings.theme == "dark"),
        Command("light", "&Light theme", lambda w: w.set_theme("light"), checked=lambda w: w.settings.theme == "light"),
        SEPARATOR,
        "&Panels",
    )),
    ("&Generate", (
        Command("generate", "&Generate", lambda w: w.generating.generate(), ("Ctrl+Return", "Ctrl+Enter"),
                icon="generate"),
        Command("models", "&Models…", lambda w: w.models.browse(), ("Ctrl+M",), icon="model",
                tip="Choose a model, or get another"),
        Command("placing", "D&evice and memory…", lambda w: w.choose_placing()),
        Command("stop", "S&top stroke or generation", lambda w: w.stop(), ("Esc",), icon="cancel"),
        SEPARATOR,
        Command("accept", "&Accept candidate", lambda w: w.strip.accept.click(), icon="accept",
                enabled=lambda w: w.candidates.any),
        Command("discard", "&Discard candidates", lambda w: w.candidates.discard(), icon="discard",
                enabled=lambda w: w.candidates.any),
        Command("measure", "&How likely are the candidates?", lambda w: w.strip.measure.click(),
                enabled=lambda w: w.candidates.any),
        Command("branch", "&Branch from the step looked at", lambda w: w.strip.time.branch.click(),
                enabled=lambda w: w.candidates.any),
        SEPARATOR,
        Command("automatic_frame", "Let the frame &follow the mask", lambda w: w.generating.place_frame(None),
                enabled=lambda w: w.editor.document.frame is not None),
    )),
    ("&Help", (
        Command("log", "Open the &log", lambda w: w.open_log(), enabled=lambda w: w.log_file is not None),
        Command("about", "&About PaintDiff", lambda w: w.about()),
    )),
)


def commands() -> list[Command]:
    """Every command, in the order of the menus."""
    return [entry for _, entries in MENUS for entry in entries if isinstance(entry, Command)]


def build(window: Window) -> tuple[dict[str, QAction], dict[str, QMenu]]:
    """Fill the menu bar of `window`; returns the actions by id and the submenus by name."""
    actions: dict[str, QAction] = {}
    submenus: dict[str, QMenu] = {}
    for title, entries in MENUS:
        menu = window.menuBar().addMenu(title)
        for entry in entries:
            if entry is SEPARATOR:
                menu.addSeparator()
            elif isinstance(entry, str):
                submenus[entry] = menu.addMenu(entry)
            else:
                actions[entry.id] = _action(window, entry)
                menu.addAction(actions[entry.id])
    return actions, submenus


def refresh(window: Window, actions: dict[str, QAction]) -> None:
    """Ask every command again whether it is enabled and checked."""
    for command in commands():
        actions[command.id].setEnabled(command.enabled(window))
        if command.checked is not None:
            actions[command.id].setChecked(command.checked(window))


def press(event: QKeyEvent, actions: dict[str, QAction]) -> bool:
    """Run the command of a key that nothing with the focus wanted; False if there is none."""
    if in_menu():
        return False
    pressed = [QKeySequence(event.keyCombination())]
    if event.text() in ("[", "]"):
        pressed.append(QKeySequence(event.text()))  # some keyboards have these on other keys, with AltGr
    for command in commands():
        if command.scope == "letters" and any(QKeySequence(key) in pressed for key in command.keys):
            actions[command.id].trigger()
            return True
    return False


def _action(window: Window, command: Command) -> QAction:
    action = QAction(command.text, window)
    action.setObjectName(command.id)
    key = QKeySequence(command.keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if command.keys else ""
    if command.scope == "letters":
        action.setText(f"{command.text}\t{key}")  # as a shortcut it would get ahead of menus and lists
    else:
        action.setShortcuts([QKeySequence(key) for key in command.keys])
    window.addAction(action)
    if command.icon:
        action.setIcon(icons.icon(command.icon))
    action.setCheckable(command.checked is not None)
    name = command.text.replace("&", "").rstrip("…")
    action.setIconText(name)
    action.setToolTip(f"{command.tip or name}{f' ({key})' if key else ''}")
    action.setIconVisibleInMenu(False)

    def run() -> None:
        command.run(window)
        if command.checked is not None:
            action.setChecked(command.checked(window))  # a switch shows what is so, not what was clicked

    action.triggered.connect(run)
    return action
