"""The canvas widget: shows the editor's document and turns pointer input into edits."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QWidget

from paintdiff.document.compose import compose
from paintdiff.document.document import Document
from paintdiff.editor import Editor
from paintdiff.image.geometry import EMPTY, Rect
from paintdiff.paint.brush import Brush, Sample
from paintdiff.ui.canvas import pixel_grid
from paintdiff.ui.canvas import pointer as marks
from paintdiff.ui.canvas.frame_handles import handle_at
from paintdiff.ui.canvas.frame_overlay import HANDLE_SIDE, FrameOverlay
from paintdiff.ui.canvas.gestures import FrameGesture, Gesture, LassoGesture, RectangleGesture, StrokeGesture
from paintdiff.ui.canvas.heat import Heat
from paintdiff.ui.canvas.picture import Picture
from paintdiff.ui.canvas.preview import Preview
from paintdiff.ui.canvas.viewport import Pointer, Viewport
from paintdiff.ui.dropping import paths_in
from paintdiff.ui.tool_state import LAYER_TOOLS, STROKE_TOOLS, ToolState

TRACE_DELAY = 120
"""Milliseconds that the change map must rest before its outlines are traced."""
DRAG_SLACK = 4.0
"""Widget units that the pointer may wander during a click."""


class Canvas(Viewport):
    """Shows the document of `editor` and paints on it with the tool of `tool_state`.

    Signals: `frame_dragged(Rect)` when a drag of the frame ends, `zoom_changed(float)`, `pointer_moved(int, int)` in
    world pixels, `files_dropped(list)` of paths, `noticed(str)` with one sentence for the status bar.
    """

    frame_dragged = Signal(object)
    pointer_moved = Signal(int, int)
    files_dropped = Signal(list)
    noticed = Signal(str)

    def __init__(self, editor: Editor, tool_state: ToolState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.editor = editor
        self.tool_state = tool_state
        self._picture = Picture(editor.document, tool_state.overlay_colour)
        self._gesture: Gesture | None = None
        self._picking = False
        self._dirty: list[Rect] = []
        self._due = QRect()
        self._line_start: dict[bool, Sample] = {}
        self._hover: QPointF | None = None
        self._outline = marks.Outline()
        self._frame: FrameOverlay | None = None
        self._frame_before: FrameOverlay | None = None
        self._preview: Preview | None = None
        self._heat: Heat | None = None
        self._comparing = False
        self._generating = False
        self._trace_timer = QTimer(self)
        self._trace_timer.setSingleShot(True)
        self._trace_timer.setInterval(TRACE_DELAY)
        self._trace_timer.timeout.connect(self._trace)
        self.setAcceptDrops(True)
        editor.document_changed.connect(self._on_document_changed)
        tool_state.tool_changed.connect(self._on_tool_changed)
        tool_state.brush_changed.connect(self._on_brush_changed)
        tool_state.overlay_changed.connect(self._on_overlay_changed)
        self.update_cursor()

    def bounds(self) -> Rect:
        """The canvas, with the frame and the preview where they reach past it."""
        bounds = self.editor.document.canvas
        for part in (self._frame, self._preview):
            bounds = bounds.united(part.frame) if part is not None else bounds
        return bounds

    def set_preview(self, frame: Rect, rgba: np.ndarray | None) -> None:
        """Show `rgba` ((h, w, 4) uint8 straight alpha, any size) over the document inside `frame`; None clears it."""
        before, heat, self._heat = self._preview, self._heat, None
        self._preview = None if rgba is None else Preview(frame, rgba)
        if before is not None and self._preview is not None and before.frame == frame and heat is None:
            self._expose(self._shown_at(frame))
        else:
            self.update()  # the mask's overlay comes or goes with the preview

    def set_heat(self, heat: Heat | None) -> None:
        """Show `heat` over the preview, until another preview comes; None shows the preview alone."""
        if heat is not None or self._heat is not None:
            self._heat = heat
            self.update()

    def clear_preview(self) -> None:
        """Show the document alone again."""
        self.set_preview(EMPTY, None)

    def set_comparing(self, comparing: bool) -> None:
        """While true the document is shown as it is, without preview and overlay."""
        if comparing != self._comparing:
            self._comparing = comparing
            self.update()

    def set_frame(self, frame: Rect | None, feather: int, mode: str = "inpaint", size: int = 64) -> None:
        """Show what a model of side `size` will see, where `mode` will paint, and a blend `feather` pixels wide."""
        asked = None if frame is None else FrameOverlay(frame, feather, mode, size)
        if asked is not None and self._frame is not None and self._frame.alike(asked):
            return
        if isinstance(self._gesture, FrameGesture):
            self._gesture = None
        before, self._frame = self._frame, asked
        if before is not None and self._frame is not None and mode == before.mode:
            self._frame.keep_trace(before)
        self._trace_timer.start()
        self.update()

    def set_generating(self, generating: bool) -> None:
        """While true what lies outside the frame is dimmed."""
        if generating != self._generating:
            self._generating = generating
            self.update()

    def cancel_stroke(self) -> bool:
        """Drop the stroke or drag under way; True if there was one."""
        gesture, self._gesture = self._gesture, None
        if gesture is None:
            return False
        if isinstance(gesture, StrokeGesture):
            self._picture.end(None, gesture.touched)
        elif isinstance(gesture, FrameGesture):
            self._frame = self._frame_before
        self.update()
        return True

    def _on_document_changed(self, document: Document, _dirty: Rect) -> None:
        self._trace_timer.start()
        if document is self._picture.document:
            return  # our own stroke, on show already
        self.cancel_stroke()
        if document.canvas != self._picture.document.canvas:
            self._line_start.clear()
        changed = self._picture.set_document(document)
        for rect in changed[:64]:
            self._expose(self._shown_at(rect))
        if len(changed) > 64:
            self.update()
        self._follow_size()

    def _on_tool_changed(self, _tool: str) -> None:
        self.cancel_stroke()
        self.update_cursor()
        self.update()

    def _on_brush_changed(self, _brush: Brush) -> None:
        self.update()

    def _on_overlay_changed(self) -> None:
        self._picture.set_overlay_colour(self.tool_state.overlay_colour)
        self.update()

    def _trace(self) -> None:
        if self._frame is not None and not isinstance(self._gesture, FrameGesture):
            self._frame.trace(self.editor.document)
            self.update()

    def pointer_pressed(self, pointer: Pointer) -> None:
        if self._gesture is not None:
            return
        self._follow(pointer)
        tool = self._effective_tool(pointer)
        if tool == "picker":
            self._picking = True
            self._pick(self.sample(pointer))
        elif tool == "frame":
            self._begin_frame(self.sample(pointer))
        elif tool in STROKE_TOOLS:
            self._begin_stroke(tool, pointer)
        elif tool in ("mask_rectangle", "mask_lasso"):
            shape = RectangleGesture if tool == "mask_rectangle" else LassoGesture
            subtract = bool(pointer.modifiers & Qt.KeyboardModifier.AltModifier)
            value = round(255 * self.tool_state.brush_of(tool).opacity)
            self._gesture = shape(self.editor.document, self.sample(pointer), value, subtract)

    def pointer_dragged(self, pointer: Pointer) -> None:
        self._follow(pointer)
        if self._picking:
            self._pick(self.sample(pointer))
        if self._gesture is None:
            return
        dirty = self._gesture.move(self.sample(pointer), bool(pointer.modifiers & Qt.KeyboardModifier.ShiftModifier))
        if isinstance(self._gesture, StrokeGesture):
            self._refresh_later(dirty)
        else:
            if isinstance(self._gesture, FrameGesture) and self._frame is not None:
                self._frame.frame = self._gesture.frame
            self.update()

    def pointer_hovered(self, pointer: Pointer) -> None:
        self._follow(pointer)
        if self.tool_state.tool == "frame":
            self.update_cursor()

    def pointer_released(self, pointer: Pointer) -> None:
        self._picking = False
        gesture = self._gesture
        if gesture is None:
            return
        if pointer.position != self._hover:
            self.pointer_dragged(pointer)
        self._gesture = None
        if isinstance(gesture, FrameGesture):
            if gesture.moved:
                self.frame_dragged.emit(gesture.frame)
                self._trace_timer.start()
            else:
                self._frame = self._frame_before
            return
        if isinstance(gesture, StrokeGesture):
            self._refresh_later(gesture.settle())
            self._line_start[gesture.on_map] = gesture.last
        edit = gesture.finish()
        if isinstance(gesture, StrokeGesture):
            self._picture.end(edit[1] if edit else None, gesture.touched)
        if not isinstance(gesture, StrokeGesture) or self._preview is not None:
            self.update()
        if edit is not None:
            self.editor.replace(*edit)

    def _effective_tool(self, pointer: Pointer) -> str:
        tool = self.tool_state.tool
        if tool in LAYER_TOOLS and pointer.modifiers & Qt.KeyboardModifier.AltModifier:
            return "picker"
        if pointer.eraser:
            return {"brush": "eraser", "mask_brush": "mask_eraser"}.get(tool, tool)
        return tool

    def _begin_stroke(self, tool: str, pointer: Pointer) -> None:
        document = self.editor.document
        layer = document.active_layer
        on_map = tool not in LAYER_TOOLS
        if not on_map and not (layer.visible and layer.opacity > 0):
            self.noticed.emit(f"The layer “{layer.name}” is hidden: show it to paint on it.")
            return
        if on_map:
            self.tool_state.set_overlay_visible(True)  # nobody paints blind
        shift = bool(pointer.modifiers & Qt.KeyboardModifier.ShiftModifier)
        gesture = StrokeGesture(
            tool, document, self.tool_state.brush_of(tool), self.tool_state.foreground, self.sample(pointer),
            self._line_start.get(on_map) if shift else None,
        )
        self._refresh_now()  # what is left of the stroke before
        self._gesture = gesture
        self._picture.begin(gesture.stroke, on_map)
        self._refresh_later(gesture.touched)
        if self._preview is not None:
            self.update()  # it steps aside for a stroke of paint

    def _begin_frame(self, sample: Sample) -> None:
        before = self._frame_before = self._frame
        handle = None
        if before is None:
            self._frame = FrameOverlay(Rect(round(sample.x), round(sample.y), 0, 0), 0, "inpaint")
        else:
            handle = handle_at(before.frame, sample.x, sample.y, HANDLE_SIDE / self.view.scale)
            self._frame = FrameOverlay(before.frame, before.feather, before.mode, before.size)
        self._gesture = FrameGesture(self._frame.frame, handle, sample, DRAG_SLACK / self.view.scale)

    def _pick(self, sample: Sample) -> None:
        document = self.editor.document
        x, y = math.floor(sample.x), math.floor(sample.y)
        red, green, blue, alpha = (int(value) for value in compose(document, Rect(x, y, 1, 1))[0, 0])
        if alpha:
            self.tool_state.set_foreground((red, green, blue))

    def _refresh_later(self, dirty: Rect) -> None:
        if not dirty.empty:
            self._dirty.append(dirty)
            self._expose(self._shown_at(dirty))

    def _refresh_now(self) -> None:
        """Bring the display pixels up to date with the stroke: once a frame, however many events came."""
        pending, self._dirty = self._dirty, []
        while pending:
            rect = pending.pop(0)
            while pending and rect.united(pending[0]).area <= rect.area + pending[0].area:
                rect = rect.united(pending.pop(0))
            self._picture.refresh(rect)

    def _shown_at(self, rect: Rect) -> QRectF:
        """Where the world pixels of `rect` show on the widget, and as far around as smoothing spreads them."""
        margin = 2 + 2 * max(1.0, self.view.scale) / self.view.ratio
        shown = self.view.rect_to_widget(rect).adjusted(-margin, -margin, margin, margin)
        return shown.intersected(QRectF(self.rect()))

    def _expose(self, area: QRectF) -> None:
        """Repaint `area` (widget units) with what else is due, as one rectangle unless that would be far larger.

        Qt draws an image through one rectangle several times faster than through the union of two.
        """
        rect = area.toAlignedRect()
        united = rect.united(self._due)
        if _area(united) <= 4 * (_area(rect) + _area(self._due)):
            rect = united
        self._due = rect
        self.update(rect)

    def _follow(self, pointer: Pointer) -> None:
        if pointer.position == self._hover:
            return
        self._update_outline()
        self._hover = pointer.position
        self._update_outline()
        x, y = self.view.to_world(pointer.position)
        self.pointer_moved.emit(math.floor(x), math.floor(y))

    def _outline_radius(self) -> float:
        brush = self.tool_state.brush if self.tool_state.tool in STROKE_TOOLS else None
        return brush.size / 2 * self.view.scale if brush is not None else 0.0

    def _update_outline(self) -> None:
        if self._hover is not None:
            self._expose(marks.outline_rect(self._hover, self._outline_radius()))

    def paintEvent(self, event: QPaintEvent) -> None:
        self._refresh_now()
        self._due = QRect()
        view = self.view
        painter = QPainter(self)
        left, top = view.to_world(QPointF(event.rect().topLeft()))
        right, bottom = view.to_world(QPointF(event.rect().bottomRight() + QPointF(1, 1).toPoint()))
        exposed = Rect.from_edges(math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))
        if not self.editor.document.canvas.contains(exposed):
            painter.fillRect(event.rect(), self.palette().color(QPalette.ColorRole.Shadow))
        painter.save()
        painter.scale(1 / view.ratio, 1 / view.ratio)
        self._paint_pixels(painter, exposed)
        painter.restore()
        self._paint_marks(painter)

    def _paint_pixels(self, painter: QPainter, exposed: Rect) -> None:
        self._picture.draw(painter, self.view, exposed)
        if not self._comparing:
            stroke = self._gesture if isinstance(self._gesture, StrokeGesture) else None
            if self._preview is not None and (stroke is None or stroke.on_map):  # paint under it would not be seen
                self._preview.draw(painter, self.view)
                if self._heat is not None:
                    self._heat.draw(painter, self.view)
            marking = stroke is not None and stroke.on_map
            if self.tool_state.overlay_visible and (self._preview is None or marking):
                self._picture.draw_overlay(painter, self.view, exposed, self.tool_state.hatch)
        pixel_grid.draw(painter, self.view, exposed.intersected(self.editor.document.canvas))

    def _paint_marks(self, painter: QPainter) -> None:
        if self._frame is not None and not self._comparing:
            by_hand = self.tool_state.tool == "frame"
            self._frame.draw(
                painter, self.view, self.editor.document.canvas,
                dimmed=by_hand or self._generating, handles=by_hand, outlines=self._preview is None,
            )
        if self._heat is not None and not self._comparing:
            self._heat.draw_legend(painter, QPointF(0, self.height() - self.reserved))
        if self._gesture is not None:
            self._gesture.draw(painter, self.view)
        if self._hover is not None and not self.panning:
            self._outline.draw(painter, self._hover, self._outline_radius(), self.view.ratio)

    def update_cursor(self) -> None:
        tool = self.tool_state.tool
        if self._pan_from is not None:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self.panning:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        elif tool == "frame":
            self.setCursor(self._frame_cursor())
        else:
            self.setCursor(marks.crosshair(self.devicePixelRatioF()))

    @property
    def panning(self) -> bool:
        return super().panning or self.tool_state.tool == "hand"

    def _frame_cursor(self) -> Qt.CursorShape:
        if self._hover is None or self._frame is None:
            return Qt.CursorShape.CrossCursor
        x, y = self.view.to_world(self._hover)
        return marks.handle_cursor(handle_at(self._frame.frame, x, y, HANDLE_SIDE / self.view.scale))

    def leaveEvent(self, event: QEvent) -> None:
        self._update_outline()
        self._hover = None
        super().leaveEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        paths_in(event)

    def dropEvent(self, event: QDropEvent) -> None:
        if paths := paths_in(event):
            self.files_dropped.emit(paths)


def _area(rect: QRect) -> int:
    return rect.width() * rect.height()
