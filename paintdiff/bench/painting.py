"""Painting on a large picture: a dab from the pointer to the screen, panning and zooming, and what undo holds."""

from __future__ import annotations

import time

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter
from PySide6.QtWidgets import QApplication

from paintdiff.app import start_application
from paintdiff.bench.measurement import Measurement, milliseconds
from paintdiff.document.document import Document, Layer
from paintdiff.editor import Editor
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles
from paintdiff.paint.brush import Brush
from paintdiff.ui.canvas.canvas import Canvas
from paintdiff.ui.tool_state import ToolState

SIDE = 4096
RADIUS = 40
DABS = 400
STROKES = 100
VIEW = (1920, 1080)


def _canvas() -> tuple[QApplication, Editor, Canvas]:
    """A shown canvas on an opaque 4096² picture, with a round brush of 40 px radius."""
    application = start_application([])
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (SIDE, SIDE, 4), np.uint8)
    pixels[..., 3] = 255
    document = Document(Rect(0, 0, SIDE, SIDE), (Layer("Picture", Tiles.from_array(pixels)),))
    editor = Editor(document)
    tools = ToolState()
    tools.set_tool("brush")
    tools.set_brush(Brush(size=2 * RADIUS, hardness=0.8))
    canvas = Canvas(editor, tools)
    canvas.resize(*VIEW)
    canvas.show()
    application.processEvents()
    canvas.zoom_to(1.0)
    application.processEvents()
    return application, editor, canvas


def _mouse(canvas: Canvas, kind: QEvent.Type, x: float, y: float) -> None:
    where = QPointF(x, y)
    down = kind != QEvent.Type.MouseButtonRelease
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
    held = Qt.MouseButton.LeftButton if down else Qt.MouseButton.NoButton
    event = QMouseEvent(kind, where, canvas.mapToGlobal(where), button, held, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(canvas, event)


def dabs() -> list[Measurement]:
    """Click: press, release (merged, pushed onto the history) and the repaint of what it touched; 4096², 100 %."""
    application, _editor, canvas = _canvas()
    places = np.random.default_rng(1).uniform((100, 100), (VIEW[0] - 100, VIEW[1] - 100), (DABS, 2))
    ours, theirs = [], []
    picture = QImage(SIDE, SIDE, QImage.Format.Format_ARGB32_Premultiplied)
    picture.fill(Qt.GlobalColor.white)
    dab = _cached_dab()
    for x, y in places:
        _mouse(canvas, QEvent.Type.MouseMove, x, y)
        application.processEvents()
        start = time.perf_counter()
        _mouse(canvas, QEvent.Type.MouseButtonPress, x, y)
        _mouse(canvas, QEvent.Type.MouseButtonRelease, x, y)
        application.processEvents()
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        painter = QPainter(picture)
        painter.drawImage(QPointF(x, y), dab)
        painter.end()
        theirs.append(time.perf_counter() - start)
    canvas.close()
    ratio = milliseconds(ours, 50) / milliseconds(theirs, 50)
    detail = f"{DABS} clicks, 40-px radius, 4096², median {milliseconds(ours, 50):.2f} ms"
    return [
        Measurement("brush dab + history + dirty repaint, p95", milliseconds(ours, 95), "ms", 1, detail),
        Measurement("the same, median, beside one cached drawImage dab", ratio, "×", 60,
                    f"drawImage median {milliseconds(theirs, 50) * 1000:.1f} µs"),
    ]  # fmt: skip


def _cached_dab() -> QImage:
    dab = QImage(2 * RADIUS, 2 * RADIUS, QImage.Format.Format_ARGB32_Premultiplied)
    dab.fill(Qt.GlobalColor.transparent)
    painter = QPainter(dab)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(QColor(200, 40, 40, 180))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawEllipse(QRect(QPoint(0, 0), dab.size()))
    painter.end()
    return dab


def panning() -> list[Measurement]:
    """A whole repaint of a 1920×1080 view of 4096² while panning at 100 % and while zooming out and in."""
    application, _editor, canvas = _canvas()
    pans, zooms = [], []
    for step in range(60):
        canvas.pan(*((-7, -5) if step % 20 < 10 else (7, 5)))
        pans.append(_repaint(application, canvas))
    for step in range(60):
        canvas.zoom_to(2.0 ** (-(step % 30) / 10))
        zooms.append(_repaint(application, canvas))
    canvas.close()
    return [
        Measurement("pan repaint, 1920×1080 view of 4096², median", milliseconds(pans, 50), "ms", 4,
                    f"p95 {milliseconds(pans, 95):.2f} ms"),
        Measurement("zoom repaint (100 % to 13 %), median", milliseconds(zooms, 50), "ms", 4,
                    f"p95 {milliseconds(zooms, 95):.2f} ms"),
    ]  # fmt: skip


def _repaint(application: QApplication, canvas: Canvas) -> float:
    start = time.perf_counter()
    canvas.repaint()
    seconds = time.perf_counter() - start
    application.processEvents()
    return seconds


def history_memory() -> list[Measurement]:
    """What undo holds after 100 strokes across a 4096² picture."""
    application, editor, canvas = _canvas()
    canvas.fit()
    application.processEvents()
    rng = np.random.default_rng(2)
    for _ in range(STROKES):
        points = rng.uniform((460, 40), (VIEW[0] - 460, VIEW[1] - 40), (2, 2))
        kinds = [QEvent.Type.MouseButtonPress, *[QEvent.Type.MouseMove] * 10, QEvent.Type.MouseButtonRelease]
        for kind, share in zip(kinds, np.linspace(0, 0.4, len(kinds)), strict=True):
            x, y = points[0] + (points[1] - points[0]) * share
            _mouse(canvas, kind, x, y)
        application.processEvents()
    held = editor.history.bytes / 2**20
    whole = STROKES * SIDE * SIDE * 4 / 2**20
    canvas.close()
    detail = f"{STROKES} strokes of 80 px, counted in unique tiles; whole copies would take {whole:.0f} MiB"
    return [Measurement("history of 100 strokes at 4096²", held, "MiB", 200, detail)]
