"""Which method holds the kept pixels during a run, and the constraint that it is made of."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from paintdiff.engine.conditions.constraint import All, Constraint, Replacement, Told
from paintdiff.engine.conditions.lanpaint import LanPaint
from paintdiff.engine.conditions.masked_picture import MaskedPicture
from paintdiff.engine.conditions.observation import Both, LowPass, Mask
from paintdiff.engine.conditions.range_null import Known, RangeNull, RangeReplacement, always
from paintdiff.engine.conditions.soft_mask import SoftMask
from paintdiff.engine.model import Model
from paintdiff.engine.plan import travelling
from paintdiff.engine.samplers.sampler import Draw
from paintdiff.generation.errors import UserError
from paintdiff.generation.sampling import AUTO, LANPAINT, NATIVE, RANGE_NULL, REPAINT, REPLACE, Sampling

TRAVELLING = (REPAINT, RANGE_NULL)


def chosen_method(model: Model, wanted: str) -> str:
    """`Sampling.method` with "auto" settled for `model` by the table in docs/engine.md.

    Raises `UserError` for "native" where the model has no mask channels.
    """
    if wanted == AUTO:
        return NATIVE if model.mask_channels else LANPAINT
    if wanted == NATIVE and not model.mask_channels:
        raise UserError(
            f"The model {model.info.name} has no mask channels and so no mask method of its own; choose another one."
        )
    return wanted


@dataclass(frozen=True, eq=False)
class MaskMethod:
    """A method over one picture: `original` (1, C, h, w) is kept by `strength` (1, 1, h, w), a soft mask as time.

    `reference`, shaped like `original`, is the picture whose coarse shapes are kept where `shapes` (1, 1, h, w) is 1,
    if `sampling` says so. `pixels` (1, 3, S, S) and `pixel_strength` (1, 1, S, S) are the picture and the mask that the
    model is told of, before they pass into its space.
    """

    model: Model
    sampling: Sampling
    original: Tensor
    strength: Tensor
    reference: Tensor
    shapes: Tensor
    draw: Draw
    pixels: Tensor
    pixel_strength: Tensor

    @property
    def name(self) -> str:
        """The method, "auto" settled: below full strength the original shows through, and replacement keeps it."""
        if self.sampling.method == AUTO and not self.model.mask_channels and float(self.strength.max()) < 1:
            return REPLACE
        return chosen_method(self.model, self.sampling.method)

    def times(self, times: tuple[float, ...], more: bool = False) -> tuple[float, ...]:
        """`times` with the method's way back and forth; as they are where nothing is known that asks for it.

        `more` says that something else is known of the picture.
        """
        if self.name not in TRAVELLING or not (self._keeps or self._factor or more):
            return times
        return travelling(times, self.sampling.travel_length, self.sampling.travel)

    def constraint(self) -> Constraint:
        """What the run must keep. Raises `UserError` for a method or a layout that the model cannot do."""
        mask, schedule, noise = SoftMask(self.original, self.strength), self.model.schedule, self.draw(0)
        parts: list[Constraint] = []
        if self.model.mask_channels:
            parts.append(self._told())
        if self._factor:
            parts.append(RangeReplacement(self._shapes(mask), noise, schedule))
        if self.name == RANGE_NULL:
            kept = self.strength == 0
            parts.append(RangeNull(always(Mask(kept.to(self.original)), self.original)))
            later = torch.where(kept, 1.0, self.strength)  # what joins on the way begins as an SDEdit run would
            parts.append(Replacement(self.original, later, noise, schedule))
        else:
            anew = self.draw if self.name == REPAINT else None
            parts.append(Replacement(self.original, self.strength, noise, schedule, anew))
        if self.name == LANPAINT:
            known = self._mask_and_shapes(mask) if self._factor else mask.known
            grey = (self.strength < self.strength.max()).to(self.original)  # SDEdit of their own: they must not forget
            moves = self.sampling.langevin
            parts.append(LanPaint(known, self.draw, schedule, moves, still=lambda t: grey * mask.active(t)))
        return All(parts)

    @property
    def _keeps(self) -> bool:
        return bool((self.strength < self.strength.max()).any())

    @property
    def _factor(self) -> int:
        """Cells of the model's space along a block whose mean is kept; 0 keeps none."""
        if self.sampling.layout == "off":
            return 0
        cell = self.model.space.size // self.original.shape[-1]
        factor = int(self.sampling.layout) // cell
        if factor < 2:
            raise UserError(
                f"The model {self.model.info.name} works on cells of {cell} pixels; it can keep coarse shapes of "
                f"{2 * cell} pixels and more, not of {self.sampling.layout}."
            )
        return factor

    def _shapes(self, mask: SoftMask) -> Known:
        factor, shapes, reference = self._factor, self.shapes, self.reference
        return lambda t: (LowPass(factor, mask.active(t) * shapes), reference)

    def _mask_and_shapes(self, mask: SoftMask) -> Known:
        shapes = self._shapes(mask)

        def known(t: float) -> tuple[Both, tuple[Tensor, Tensor]]:
            (kept, original), (low_pass, reference) = mask.known(t), shapes(t)
            return Both(kept, low_pass), (original, reference)

        return known

    def _told(self) -> Told:
        """What a model with mask channels is told: that all is to be painted, where another method alone conditions."""
        strength = self.pixel_strength if self.name == NATIVE else torch.ones_like(self.pixel_strength)
        return Told(MaskedPicture(self.model.space, self.pixels, strength))
