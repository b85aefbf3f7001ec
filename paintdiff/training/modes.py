"""Every mode on held-out pictures: the sheets of docs/modes.md, by name."""

from __future__ import annotations

from collections.abc import Callable

from paintdiff.training import mode_changes, mode_details, mode_fills
from paintdiff.training.mode_sheet import Sheet
from paintdiff.training.studio import Studio

SHEETS: dict[str, Callable[[Studio], Sheet]] = {
    "inpaint": mode_fills.inpaint,
    "removal": mode_fills.removal,
    "continuation": mode_fills.continuation,
    "outpaint": mode_fills.outpaint,
    "one-by-one": mode_fills.one_by_one,
    "renoise": mode_changes.renoise,
    "edit": mode_changes.edit,
    "coarse-shapes": mode_changes.coarse_shapes,
    "prompt-over-time": mode_changes.prompt_over_time,
    "variation": mode_changes.variation,
    "colorize": mode_details.colorize,
    "upscale": mode_details.upscale,
}
