"""The modes: each only names what it is for and sets defaults; all of them are the same masked operation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mode:
    """A named set of defaults. `whole_frame` means that an empty change map stands for the whole frame.

    `inside` means that there is nothing to do past the canvas: a frame that reaches there is cut.
    """

    name: str
    label: str
    help: str
    strength: float
    whole_frame: bool
    inside: bool = False


MODES = {
    mode.name: mode
    for mode in (
        Mode("inpaint", "Inpaint", "Repaint what the mask covers; an empty prompt removes it.", 1.0, False),
        Mode("outpaint", "Outpaint", "Place the frame past the edge: the picture goes on there.", 1.0, False),
        Mode("renoise", "Re-noise", "Send pixels part of the way back in time and let them form again.", 0.5, True),
        Mode("colorize", "Colorize", "Give a grey picture colour; its brightness stays as it is.", 0.95, True, True),
        Mode("upscale", "Upscale", "Add detail to an enlarged picture; shrunk, it stays the same.", 0.5, True, True),
    )
}
