"""The window: puts the canvas, the panels and the commands together."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QDockWidget, QGridLayout, QMainWindow, QToolBar, QWidget

from paintdiff.document.hints import with_hint_layer
from paintdiff.editor import Editor
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import BUNDLED_MODEL, Recipe
from paintdiff.jobs.jobs import Jobs
from paintdiff.jobs.scanning import Scan
from paintdiff.ui import actions, clipboard, focus, icons, theme
from paintdiff.ui.candidate_strip import CandidateStrip
from paintdiff.ui.candidates import Candidates
from paintdiff.ui.canvas.canvas import Canvas
from paintdiff.ui.dialogs.messages import open_file, tell_fault
from paintdiff.ui.dropping import paths_in
from paintdiff.ui.enlarging import Enlarging
from paintdiff.ui.files import Files
from paintdiff.ui.generating import Generating
from paintdiff.ui.generation_panel import GenerationPanel
from paintdiff.ui.layers_panel import LayersPanel
from paintdiff.ui.masking import Masking
from paintdiff.ui.models.models import Models, is_model, scan_models
from paintdiff.ui.named import named
from paintdiff.ui.settings import Settings
from paintdiff.ui.status_bar import StatusBar
from paintdiff.ui.tool_options import ToolOptions
from paintdiff.ui.tool_state import ToolState

PANEL_WIDTH = 316
SHARE = 0.8  # of a large screen, at the first start
TITLE_BAR = 40  # pixels that the frame of the desktop takes, about
COMPARE_KEY = Qt.Key.Key_Backslash


class Window(QMainWindow):
    """The main window on `editor` and `jobs`; `model` generates until another is chosen, `log_file` is what Help offers
    to show, and `scan` finds models."""

    editor: Editor
    jobs: Jobs
    settings: Settings
    log_file: Path | None
    tool_state: ToolState
    canvas: Canvas
    tool_options: ToolOptions
    panel: GenerationPanel
    strip: CandidateStrip
    layers: LayersPanel
    candidates: Candidates
    generating: Generating
    files: Files
    masking: Masking
    enlarging: Enlarging
    models: Models

    def __init__(
        self, editor: Editor, jobs: Jobs, settings: Settings, model: str = BUNDLED_MODEL, log_file: Path | None = None,
        scan: Scan = scan_models,
    ) -> None:
        super().__init__()
        self.setObjectName("window")
        self.editor, self.jobs, self.settings, self.log_file = editor, jobs, settings, log_file
        self.tool_state = ToolState(self)
        self.canvas = named(Canvas(editor, self.tool_state), "canvas")
        self.tool_options = ToolOptions(self.tool_state)
        self.panel, self.strip, self.layers = GenerationPanel(), CandidateStrip(), LayersPanel(editor)
        self.status = StatusBar()
        self.candidates = Candidates(editor, self.canvas, self.strip)
        self.generating = Generating(editor, jobs, self.canvas, self.panel, self.candidates, model)
        for each in (self.candidates, self.generating):
            each.setParent(self)
        self.generating.set_placing(settings.device, settings.placing)
        self.files, self.masking = Files(self, editor, settings), Masking(self, editor)
        self.enlarging = Enlarging(editor, self.panel, self.generating, self.canvas.fit)
        self.enlarging.setParent(self)
        self.models = Models(self, jobs, self.generating, self.panel, settings.models, scan)
        self._docks = [self._dock("Generate", self.panel), self._dock("Layers", self.layers)]
        self.actions_by_id, self._submenus = actions.build(self)
        self._lay_out()
        focus.keep_at(self.canvas, self)
        self._connect()
        self._restore_place()
        self._refresh()
        self.status.show_size(editor.document.canvas)
        self.status.show_zoom(self.canvas.zoom)
        self._show_title()

    def _lay_out(self) -> None:
        middle = QWidget()
        cell = QGridLayout(middle)  # one cell: the strip lies over the canvas, so that the picture never moves for it
        cell.setContentsMargins(0, 0, 0, 0)
        cell.addWidget(self.canvas, 0, 0)
        cell.addWidget(self.strip, 0, 0, Qt.AlignmentFlag.AlignBottom)
        self.canvas.reserved = self.strip.height()
        self.setCentralWidget(middle)
        self.setStatusBar(self.status)
        self.addToolBar(Qt.ToolBarArea.LeftToolBarArea, self._tool_bar())
        self.addToolBar(Qt.ToolBarArea.TopToolBarArea, self._option_bar())
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        for dock in self._docks:
            self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
            self._submenus["&Panels"].addAction(dock.toggleViewAction())
        self.setAcceptDrops(True)
        self.setMinimumSize(900, 560)
        room = self.screen().availableSize() - QSize(0, TITLE_BAR)
        self.resize(QSize(1280, 720).expandedTo(room * SHARE).boundedTo(room))
        self.resizeDocks(self._docks, [PANEL_WIDTH, PANEL_WIDTH], Qt.Orientation.Horizontal)
        self.resizeDocks(self._docks, [512, 148], Qt.Orientation.Vertical)

    def _tool_bar(self) -> QToolBar:
        bar = named(QToolBar("Tools", movable=False, orientation=Qt.Orientation.Vertical), "tools")
        for group in (actions.MASKS, actions.PAINTS, actions.VIEWS):
            for command in group:
                assert isinstance(command, actions.Command)
                bar.addAction(self.actions_by_id[command.id])
            bar.addSeparator()
        bar.addAction(self.actions_by_id["undo"])
        bar.addAction(self.actions_by_id["redo"])
        bar.setIconSize(QSize(icons.SIZE, icons.SIZE))
        return bar

    def _option_bar(self) -> QToolBar:
        bar = named(QToolBar("Tool options", movable=False), "tool_options")
        bar.addWidget(self.tool_options)
        return bar

    def _dock(self, title: str, content: QWidget) -> QDockWidget:
        dock = named(QDockWidget(title, self), f"{title.lower()}_dock")
        feature = QDockWidget.DockWidgetFeature
        dock.setFeatures(feature.DockWidgetMovable | feature.DockWidgetClosable)
        dock.setWidget(content)
        content.setMinimumWidth(PANEL_WIDTH)
        return dock

    def _connect(self) -> None:
        editor, canvas, files = self.editor, self.canvas, self.files
        for noticing in (canvas, self.generating, self.candidates, self.layers, self.enlarging, files, self.models):
            noticing.noticed.connect(self.status.notice)
        self.panel.hints_asked.connect(self.add_hint_layer)
        self.generating.begun.connect(self.status.proof.clear)
        self.generating.proved.connect(self.status.show_proof)
        self.generating.faulted.connect(lambda failure: tell_fault(self, failure, self.log_file))
        self.generating.changed.connect(self._refresh)
        self.candidates.changed.connect(self._refresh)
        self.jobs.model_loaded.connect(self.status.show_model)
        self.status.placing_asked.connect(self.choose_placing)
        self.layers.recipe_asked.connect(self.use_recipe)
        self.panel.folded.connect(lambda: setattr(self.settings, "unfolded", self.panel.unfolded()))
        files.about_to_replace.connect(self.generating.forget)
        files.about_to_replace.connect(self.status.forget)
        files.replaced.connect(canvas.fit)
        files.recent_changed.connect(self._show_recent)
        canvas.files_dropped.connect(self._open_dropped)
        canvas.zoom_changed.connect(self.status.show_zoom)
        canvas.pointer_moved.connect(self.status.show_pointer)
        editor.document_changed.connect(lambda document, _dirty: self.status.show_size(document.canvas))
        editor.history_changed.connect(self._refresh)
        editor.modified_changed.connect(self.setWindowModified)
        editor.name_changed.connect(self._show_title)
        self.tool_state.tool_changed.connect(self._refresh)
        self.tool_state.overlay_changed.connect(self._refresh)
        self._show_recent()

    def take_tool(self, tool: str) -> None:
        """Take a tool in hand, and give the canvas the keyboard."""
        self.tool_state.set_tool(tool)
        self.canvas.setFocus()

    def use_recipe(self, recipe: Recipe) -> None:
        """Choose the model of `recipe` and set the panel as it was for it; a branch's own beginning is not in it."""
        self.models.choose(recipe.model, keep_settings=True)
        self.panel.use_recipe(recipe)
        if recipe.branch is not None:
            self.status.notice(
                f"This layer went on from step {recipe.branch.step} of another run; these settings begin with noise."
            )

    def add_hint_layer(self) -> None:
        """Put a layer of colour hints on top, and take the brush for it."""
        self.editor.replace("Add hint layer", with_hint_layer(self.editor.document))
        self.take_tool("brush")
        if len(set(self.tool_state.foreground)) == 1:
            self.status.notice("The brush is grey, and grey as a hint says: no colour. Choose a colour for it first.")

    def _open_dropped(self, paths: list[Path]) -> None:
        if is_model(paths[0]):
            self.models.open_path(paths[0])
        else:
            self.files.open_path(paths[0])

    def toggle_overlay(self) -> None:
        self.tool_state.set_overlay_visible(not self.tool_state.overlay_visible)

    def stop(self) -> None:
        """Esc: the stroke first, then the job; never the candidates."""
        if not self.canvas.cancel_stroke():
            self.generating.cancel()

    def copy(self) -> None:
        clipboard.copy_picture(self.editor.document)
        self.status.notice("Copied the picture.")

    def paste(self) -> None:
        try:
            self.editor.replace("Paste", clipboard.pasted_into(self.editor.document))
        except UserError as error:
            self.status.notice(str(error))

    def paste_new(self) -> None:
        try:
            document = clipboard.pasted_document()
        except UserError as error:
            self.status.notice(str(error))
            return
        if self.files.may_discard():
            self.files.load(document)

    def set_theme(self, name: str) -> None:
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        self.settings.theme = name
        theme.apply(application, theme.THEMES[name])
        self._refresh()

    def choose_placing(self) -> None:
        """Ask what models run on and how much memory they may take; a change loads the model anew."""
        from paintdiff.ui.dialogs.placing import PlacingDialog

        settings = self.settings
        dialog = PlacingDialog(self, settings.device, settings.placing, self.status.info)

        def take() -> None:
            chosen = dialog.device(), dialog.placing()
            if chosen != (settings.device, settings.placing):
                settings.set_placing(*chosen)
                self.generating.set_placing(*chosen)
                self.generating.warm_up()

        dialog.accepted.connect(take)
        dialog.open()

    def open_log(self) -> None:
        if self.log_file is not None:
            open_file(self.log_file)

    def about(self) -> None:
        from paintdiff.ui.dialogs.about import AboutDialog  # reads the packages' metadata: slow, and seldom wanted

        AboutDialog(self).open()

    def _refresh(self) -> None:
        actions.refresh(self, self.actions_by_id)
        for name, label in (("undo", self.editor.undo_label), ("redo", self.editor.redo_label)):
            action = self.actions_by_id[name]
            action.setText(f"&{name.capitalize()}" + (f": {label}" if label else ""))
            action.setToolTip(f"{action.text()[1:]} ({action.shortcut().toString()})")

    def _show_title(self) -> None:
        self.setWindowTitle(f"{self.editor.name}[*] - PaintDiff")
        self.setWindowModified(self.editor.modified)

    def _show_recent(self) -> None:
        menu = self._submenus["Open &recent"]
        menu.clear()
        for path in self.settings.recent:
            action = menu.addAction(path.name.replace("&", "&&"))
            action.setToolTip(str(path))
            action.triggered.connect(lambda _=False, path=path: self.files.open_path(path))
        menu.addSeparator()
        clear = menu.addAction("Clear the list")
        clear.triggered.connect(self._forget_recent)
        menu.setToolTipsVisible(True)
        menu.setEnabled(bool(self.settings.recent))

    def _forget_recent(self) -> None:
        self.settings.forget_recent()
        self._show_recent()

    def _restore_place(self) -> None:
        self.panel.unfold(self.settings.unfolded)
        if not self.settings.geometry.isEmpty():
            self.restoreGeometry(self.settings.geometry)
            self.restoreState(self.settings.state)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        paths_in(event)

    def dropEvent(self, event: QDropEvent) -> None:
        if paths := paths_in(event):
            self._open_dropped(paths)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        walks = self.canvas.hasFocus() and self.candidates.any
        if event.key() == COMPARE_KEY:
            self.canvas.set_comparing(True)
        elif not (walks and self.strip.list.press(event)) and not actions.press(event, self.actions_by_id):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == COMPARE_KEY and not event.isAutoRepeat():
            self.canvas.set_comparing(False)
        else:
            super().keyReleaseEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self.canvas.set_comparing(False)  # the key's release would never arrive
        super().changeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.files.may_discard():
            event.ignore()
            return
        with QSignalBlocker(self.generating):
            self.generating.forget()
        self.models.close()
        self.panel.controls.previews.stop()
        self.settings.set_place(self.saveGeometry(), self.saveState())
        self.settings.write()
        event.accept()
