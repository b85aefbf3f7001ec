"""The modes: each only names what it is for and sets defaults; all of them are the same masked operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Mode:
    """A named set of defaults. `whole_frame` means that an empty change map stands for the whole frame.

    `prompt` is what a prompt says here. `defaults` are of other parameters, by their names, where the mode wants
    something else than they say themselves.
    `inside` means that there is nothing to do past the canvas: a frame that reaches there is cut.
    """

    name: str
    label: str
    help: str
    strength: float
    whole_frame: bool
    prompt: str
    inside: bool = False
    defaults: Mapping[str, float] = field(default_factory=dict)


EDIT = "edit"
MODES = {
    mode.name: mode
    for mode in (
        Mode(
            "inpaint", "Inpaint", "Repaint what the mask covers; an empty prompt removes it.", 1.0, False,
            "What to paint inside the mask; empty removes what is there",
        ),
        Mode(
            "outpaint", "Outpaint", "Place the frame past the edge: the picture goes on there.", 1.0, False,
            "What lies past the edge; empty goes on with what is there",
        ),
        Mode(
            "renoise", "Re-noise", "Send pixels part of the way back in time and let them form again.", 0.5, True,
            "What should form; empty leaves it to the picture",
        ),
        Mode(
            EDIT, "Edit",
            "Describe what is there, then what it should be: the picture is walked back to its noise and comes out "
            "anew.",
            1.0, True, "What the picture should show instead", True, {"candidates": 1},
        ),
        Mode(
            "colorize", "Colorize", "Give a grey picture colour; its brightness stays as it is.", 0.95, True,
            "What it shows, and in which colours", True, {"guidance": 1.5},
        ),
        Mode(
            "upscale", "Upscale", "Add detail to an enlarged picture; shrunk, it stays the same.", 0.25, True,
            "What the picture shows", True,
            {"steps": 10, "guidance": 1.0, "candidates": 1},  # for every window of a picture of many
        ),
    )
}
