"""The part of the canvas that looks: zoom, pan, and one stream of pointer input from mouse and pen."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPointingDevice,
    QResizeEvent,
    QTabletEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from paintdiff.image.geometry import Rect
from paintdiff.paint.brush import Sample
from paintdiff.ui.canvas.view import View, step_in, step_out

WHEEL_STEP = 1.25
"""How much one notch of the wheel zooms."""


@dataclass(frozen=True)
class Pointer:
    """One pointer event: `position` in widget units, `pressure` 0..1, `eraser` for the far end of a pen."""

    position: QPointF
    pressure: float
    eraser: bool
    modifiers: Qt.KeyboardModifier
    time: float


class Viewport(QWidget):
    """Shows a part of `bounds()` (world pixels) through a `View`; subclasses paint it and take the pointer.

    Wheel and pinch zoom at the pointer; two fingers on a touch pad pan, as does a drag with Space or the middle button.
    Signal: `zoom_changed(float)`.
    """

    zoom_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = View()
        self.reserved = 0  # widget units at the bottom that something may cover: a fitted view leaves them free
        self._follows_fit = True
        self._space = False
        self._pan_from: QPointF | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setTabletTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def bounds(self) -> Rect:
        """What there is to see, in world pixels."""
        raise NotImplementedError

    def pointer_pressed(self, pointer: Pointer) -> None:
        raise NotImplementedError

    def pointer_dragged(self, pointer: Pointer) -> None:
        raise NotImplementedError

    def pointer_hovered(self, pointer: Pointer) -> None:
        raise NotImplementedError

    def pointer_released(self, pointer: Pointer) -> None:
        raise NotImplementedError

    def update_cursor(self) -> None:
        """Show the cursor that fits what the pointer would do."""
        raise NotImplementedError

    @property
    def panning(self) -> bool:
        """Whether the pointer drags the view, or would."""
        return self._space or self._pan_from is not None

    @property
    def zoom(self) -> float:
        """Screen pixels a canvas pixel; 1.0 is 100 %."""
        return self.view.zoom

    def fit(self) -> None:
        """Show all of the canvas, centred, and keep doing so as the window is resized."""
        self._show(self.view.fitted(self.bounds(), below=self.reserved))
        self._follows_fit = True

    def zoom_to(self, zoom: float, at: QPointF | None = None) -> None:
        """Set the zoom (0.02..64) with what lies under `at` (widget units; default: the middle) staying there."""
        self._show(self.view.zoomed(zoom, at))

    def zoom_in(self) -> None:
        """One step closer, around the middle of the view."""
        self.zoom_to(step_in(self.zoom))

    def zoom_out(self) -> None:
        """One step away, around the middle of the view."""
        self.zoom_to(step_out(self.zoom))

    def pan(self, dx: float, dy: float) -> None:
        """Drag the picture by (dx, dy) widget units."""
        self._show(self.view.moved(dx, dy))

    def sample(self, pointer: Pointer) -> Sample:
        """The pointer in world pixels."""
        x, y = self.view.to_world(pointer.position)
        return Sample(x, y, pointer.pressure, pointer.time)

    def _show(self, view: View) -> None:
        view = view.clamped(self.bounds())
        self._follows_fit = False
        if view == self.view:
            return
        changed = view.zoom != self.view.zoom
        self.view = view
        self.update()
        if changed:
            self.zoom_changed.emit(view.zoom)

    def _follow_size(self) -> None:
        follows = self._follows_fit
        self._show(self.view.resized(self.width(), self.height(), self.devicePixelRatioF()))
        if follows:
            self.fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._follow_size()

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.DevicePixelRatioChange, QEvent.Type.Show):
            self._follow_size()
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self.zoom_to(self.zoom * (1 + event.value()), event.position())
            return True
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        touch_pad = event.device().type() == QPointingDevice.DeviceType.TouchPad
        if touch_pad and not control:
            delta = event.pixelDelta() if not event.pixelDelta().isNull() else event.angleDelta() / 2
            self.pan(delta.x(), delta.y())
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.pan(event.angleDelta().y() / 2 or event.angleDelta().x() / 2, 0)
        else:
            zoom = self.zoom * WHEEL_STEP ** (event.angleDelta().y() / 120)
            # Stop at 100 % on the way past it, where the picture is crisp.
            if min(self.zoom, zoom) < 0.999 and max(self.zoom, zoom) > 1.001:
                zoom = 1.0
            self.zoom_to(zoom, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._press(_from_mouse(event), event.button())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._move(_from_mouse(event), event.buttons())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._release(_from_mouse(event), event.button())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)  # two quick dabs are two dabs

    def tabletEvent(self, event: QTabletEvent) -> None:
        pointer = _from_pen(event)
        if event.type() == QEvent.Type.TabletPress:
            self._press(pointer, event.button())
        elif event.type() == QEvent.Type.TabletRelease:
            self._release(pointer, event.button())
        else:
            self._move(pointer, event.buttons())
        event.accept()

    def _press(self, pointer: Pointer, button: Qt.MouseButton) -> None:
        left = button == Qt.MouseButton.LeftButton
        if button == Qt.MouseButton.MiddleButton or (left and self.panning):
            self._pan_from = pointer.position
            self.update_cursor()
        elif left:
            self.pointer_pressed(pointer)

    def _move(self, pointer: Pointer, buttons: Qt.MouseButton) -> None:
        if self._pan_from is not None:
            step = pointer.position - self._pan_from
            self._pan_from = pointer.position
            self.pan(step.x(), step.y())
        elif buttons & Qt.MouseButton.LeftButton:
            self.pointer_dragged(pointer)
        else:
            self.pointer_hovered(pointer)

    def _release(self, pointer: Pointer, button: Qt.MouseButton) -> None:
        if self._pan_from is not None:
            self._pan_from = None
            self.update_cursor()
        elif button == Qt.MouseButton.LeftButton:
            self.pointer_released(pointer)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self._set_space(True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._set_space(False)
        else:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._set_space(False)
        super().focusOutEvent(event)

    def _set_space(self, held: bool) -> None:
        self._space = held
        self.update_cursor()


def _from_mouse(event: QMouseEvent) -> Pointer:
    return Pointer(event.position(), 1.0, False, event.modifiers(), event.timestamp() / 1000)


def _from_pen(event: QTabletEvent) -> Pointer:
    eraser = event.pointerType() == QPointingDevice.PointerType.Eraser
    return Pointer(event.position(), event.pressure(), eraser, event.modifiers(), event.timestamp() / 1000)
