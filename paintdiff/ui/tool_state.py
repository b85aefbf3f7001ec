"""Which tool is in hand and how it is set: the state that the tool bar, the option strip and the canvas share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from paintdiff.paint.brush import MAX_SIZE, MIN_SIZE, Brush

Colour = tuple[int, int, int]

MASK_TOOLS = ("mask_brush", "mask_eraser", "mask_rectangle", "mask_lasso")
LAYER_TOOLS = ("brush", "eraser")
TOOLS = (*MASK_TOOLS, *LAYER_TOOLS, "picker", "frame", "hand")
STROKE_TOOLS = ("mask_brush", "mask_eraser", "brush", "eraser")

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
OVERLAY_COLOUR = (232, 38, 108)


class ToolState(QObject):
    """The tool in hand, one `Brush` a tool, the two colours, and how the change map is shown.

    Signals: `tool_changed(str)`, `brush_changed(Brush)` (also when another tool brings another brush),
    `colours_changed(foreground, background)`, `overlay_changed()`.
    """

    tool_changed = Signal(str)
    brush_changed = Signal(object)
    colours_changed = Signal(tuple, tuple)
    overlay_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tool = "mask_brush"
        self._last_of_kind = {MASK_TOOLS: "mask_brush", LAYER_TOOLS: "brush"}
        self._brushes = {
            "mask_brush": Brush(size=60, hardness=0.8),
            "mask_eraser": Brush(size=60, hardness=0.8),
            "mask_rectangle": Brush(),
            "mask_lasso": Brush(),
            "brush": Brush(size=24, hardness=0.8),
            "eraser": Brush(size=40, hardness=0.8),
        }
        self._foreground: Colour = BLACK
        self._background: Colour = WHITE
        self._overlay_colour: Colour = OVERLAY_COLOUR
        self._overlay_visible = True
        self._hatch = False

    @property
    def tool(self) -> str:
        return self._tool

    def set_tool(self, tool: str) -> None:
        """Take `tool`, one of `TOOLS`, in hand. Raises ValueError for another name."""
        if tool not in TOOLS:
            raise ValueError(f"no such tool: {tool}")
        if tool == self._tool:
            return
        self._tool = tool
        for kind in self._last_of_kind:
            if tool in kind:
                self._last_of_kind[kind] = tool
        self.tool_changed.emit(tool)
        if self.brush is not None:
            self.brush_changed.emit(self.brush)

    @property
    def paints_mask(self) -> bool:
        """Whether the tool in hand changes the change map."""
        return self._tool in MASK_TOOLS

    def toggle_mask(self) -> None:
        """Go from painting on the change map to painting on the layer, or back, with the tool last used there."""
        self.set_tool(self._last_of_kind[LAYER_TOOLS if self.paints_mask else MASK_TOOLS])

    @property
    def brush(self) -> Brush | None:
        """The brush of the tool in hand; the mask shapes use its opacity alone. None where the tool has none."""
        return self._brushes.get(self._tool)

    def brush_of(self, tool: str) -> Brush:
        """The brush of `tool`. Raises KeyError where it has none."""
        return self._brushes[tool]

    def set_brush(self, brush: Brush) -> None:
        """Set the brush of the tool in hand; ignored where it has none."""
        if self._tool in self._brushes and brush != self._brushes[self._tool]:
            self._brushes[self._tool] = brush
            self.brush_changed.emit(brush)

    def larger(self) -> None:
        """A brush one step wider (about 15 %, at least 1 px)."""
        self._resize(lambda size: max(size + 1, round(size * 1.15)))

    def smaller(self) -> None:
        """A brush one step narrower."""
        self._resize(lambda size: min(size - 1, round(size / 1.15)))

    def _resize(self, step: Callable[[float], float]) -> None:
        if self.brush is not None and self._tool in STROKE_TOOLS:
            self.set_brush(replace(self.brush, size=float(min(max(step(self.brush.size), MIN_SIZE), MAX_SIZE))))

    @property
    def foreground(self) -> Colour:
        return self._foreground

    @property
    def background(self) -> Colour:
        return self._background

    def set_colours(self, foreground: Colour, background: Colour) -> None:
        """Set both colours, each (r, g, b) in 0..255."""
        if (foreground, background) != (self._foreground, self._background):
            self._foreground, self._background = foreground, background
            self.colours_changed.emit(foreground, background)

    def set_foreground(self, colour: Colour) -> None:
        self.set_colours(colour, self._background)

    def set_background(self, colour: Colour) -> None:
        self.set_colours(self._foreground, colour)

    def swap_colours(self) -> None:
        self.set_colours(self._background, self._foreground)

    def default_colours(self) -> None:
        self.set_colours(BLACK, WHITE)

    @property
    def overlay_colour(self) -> Colour:
        return self._overlay_colour

    @property
    def overlay_visible(self) -> bool:
        return self._overlay_visible

    @property
    def hatch(self) -> bool:
        return self._hatch

    def set_overlay_colour(self, colour: Colour) -> None:
        self._set_overlay(colour, self._overlay_visible, self._hatch)

    def set_overlay_visible(self, visible: bool) -> None:
        self._set_overlay(self._overlay_colour, visible, self._hatch)

    def set_hatch(self, hatch: bool) -> None:
        self._set_overlay(self._overlay_colour, self._overlay_visible, hatch)

    def _set_overlay(self, colour: Colour, visible: bool, hatch: bool) -> None:
        if (colour, visible, hatch) != (self._overlay_colour, self._overlay_visible, self._hatch):
            self._overlay_colour, self._overlay_visible, self._hatch = colour, visible, hatch
            self.overlay_changed.emit()
