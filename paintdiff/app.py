"""The desktop program: wires the editor, the jobs and the window together, and ends them cleanly."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QStandardPaths, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from paintdiff import __version__
from paintdiff.document.edits import new_document
from paintdiff.editor import Editor
from paintdiff.generation.engine import Engine
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import BUNDLED_MODEL
from paintdiff.jobs.jobs import Jobs
from paintdiff.resource_files import resource
from paintdiff.ui import icons, theme
from paintdiff.ui.dialogs.messages import tell
from paintdiff.ui.settings import Settings
from paintdiff.ui.window import Window

SAMPLE = ("samples", "first-light.ora")
SAMPLE_PROMPT = "a red balloon"
WARM_UP_AFTER_MS = 1500
LOG_BYTES = 500_000
STOP_WAIT_MS = 3000

log = logging.getLogger(__name__)


def make_engine() -> Engine:
    """The real engine; imports torch, so only the engine's thread calls it."""
    from paintdiff.engine.engine import DiffusionEngine

    return DiffusionEngine()


def start_application(arguments: Sequence[str]) -> QApplication:
    """The one QApplication, dressed in the theme of the settings."""
    application = QApplication.instance()
    if not isinstance(application, QApplication):
        application = QApplication(["paintdiff", *arguments])
    application.setApplicationName("PaintDiff")
    application.setApplicationVersion(__version__)
    application.setDesktopFileName("paintdiff")
    application.setWindowIcon(icons.program_icon())
    theme.apply(application, theme.THEMES.get(Settings().theme, theme.DARK))
    return application


def open_window(
    path: Path | None,
    make: Callable[[], Engine] = make_engine,
    settings: Settings | None = None,
    model: str = BUNDLED_MODEL,
    log_file: Path | None = None,
) -> Window:
    """A shown window. The picture at `path`, or the sample with its mask and prompt, follows once it is painted."""
    editor = Editor(new_document(768, 512))
    window = Window(editor, Jobs(make), settings or Settings(), model, log_file)
    window.jobs.setParent(window)
    window.canvas.hide()  # until there is a picture: nobody asked for the empty one
    window.show()
    AfterFirstPaint(window, lambda: _open_first(window, path))
    return window


class AfterFirstPaint(QObject):
    """Calls `act` once, as soon as `widget` is on the screen."""

    def __init__(self, widget: QWidget, act: Callable[[], None]) -> None:
        super().__init__(widget)
        self._act = act
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            watched.removeEventFilter(self)
            QTimer.singleShot(0, self._act)  # the children are painted in the same turn of the event loop
        return False


def _open_first(window: Window, path: Path | None) -> None:
    if path is not None:
        window.files.open_path(path)
    else:
        _open_sample(window)
    window.canvas.show()
    window.canvas.fit()
    window.canvas.setFocus()


def _open_sample(window: Window) -> None:
    from paintdiff.document.files import open_picture  # Pillow and what reads files: not before the window is shown

    try:
        window.files.load(open_picture(resource(*SAMPLE)).document, name="Sample")
    except UserError as error:
        tell(window, "Could not open", str(error))
        return
    window.panel.fields["prompt"].set_value(SAMPLE_PROMPT)


def main(arguments: Sequence[str]) -> int:
    """Open the window, on a picture if one is named, and return the exit status when it is closed."""
    try:
        picture, model = read_arguments(arguments)
    except UserError as error:
        print(f"paintdiff: {error}", file=sys.stderr)
        return 2
    if _has_no_screen():
        named = f", and {picture} is no verb" if picture is not None else ""
        print(
            f"paintdiff: There is no screen to open a window on{named}; see --help for what works without.",
            file=sys.stderr,
        )
        return 2
    application = start_application(arguments)
    log_file = _start_log()
    settings = Settings()
    model = model or settings.models.first or BUNDLED_MODEL
    window = open_window(picture, settings=settings, model=model, log_file=log_file)
    QTimer.singleShot(WARM_UP_AFTER_MS, lambda: _settle(window))
    status = application.exec()
    _end(window, status)
    return status


def read_arguments(arguments: Sequence[str]) -> tuple[Path | None, str]:
    """The picture to open, if one is named, and the model, which must be on this machine; "" for the one chosen last.

    Raises `UserError` for anything else. (By hand: `argparse` would delay the window.)
    """
    rest, model = [part for argument in arguments for part in _split(argument)], ""
    if "--model" in rest:
        at = rest.index("--model")
        model = "".join(rest[at + 1 : at + 2])
        if not model:
            raise UserError("--model takes a name that models lists, a folder, a .safetensors file or owner/name.")
        from paintdiff.models.catalogue import find_model, source_of

        model = source_of(model)
        find_model(model)
        del rest[at : at + 2]
    if len(rest) > 1 or any(argument.startswith("-") for argument in rest):
        raise UserError("The window opens on one picture and takes no option but --model MODEL; see --help.")
    return Path(rest[0]) if rest else None, model


def _split(argument: str) -> list[str]:
    """--model=FOLDER in two."""
    return argument.split("=", 1) if argument.startswith("--model=") else [argument]


def _has_no_screen() -> bool:
    """Whether Qt would find no display, in which case it aborts the process without a word that helps."""
    platform = os.environ.get("QT_QPA_PLATFORM", "").split(":")[0]
    displays = {"": ("DISPLAY", "WAYLAND_DISPLAY"), "xcb": ("DISPLAY",), "wayland": ("WAYLAND_DISPLAY",)}
    return sys.platform.startswith("linux") and not any(map(os.environ.get, displays.get(platform, ("PATH",))))


def _settle(window: Window) -> None:
    """The start is over: collect garbage again, but not among what was made until now, and load the model."""
    gc.freeze()
    gc.enable()
    window.models.switching.open_chosen()
    window.models.library.refresh()  # so that the menu of models knows their names


def _start_log() -> Path | None:
    """Write the log beside the settings of the user; a long one makes room. Without a place to write to there is none.

    (Rotated here: `logging.handlers` would import sockets and more before the window is shown.)
    """
    folder = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppLocalDataLocation))
    file = folder / "paintdiff.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if file.exists() and file.stat().st_size > LOG_BYTES:
            file.replace(folder / "paintdiff.log.1")
        handler = logging.FileHandler(file, encoding="utf-8")
    except OSError:
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger("paintdiff").addHandler(handler)
    logging.getLogger("paintdiff").setLevel(logging.INFO)
    sys.excepthook = _log_exception
    log.info("PaintDiff %s", __version__)
    return file


def _log_exception(kind: type[BaseException], error: BaseException, trace: object) -> None:
    log.critical("Unexpected error", exc_info=(kind, error, trace))  # type: ignore[arg-type]
    sys.__excepthook__(kind, error, trace)  # type: ignore[arg-type]


def _end(window: Window, status: int) -> None:
    """Stop the threads. One that is deep inside an import or a sleeping file system cannot be stopped, and must not
    keep the program from ending: then the process ends without it, all files being written by now."""
    ended = window.jobs.stop(STOP_WAIT_MS)
    if not (window.models.stop(STOP_WAIT_MS) and ended):
        log.info("Ended while something was busy")
        logging.shutdown()
        os._exit(status)
