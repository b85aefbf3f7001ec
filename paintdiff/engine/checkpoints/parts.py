"""The networks that a latent checkpoint is made of, wherever they came from: a folder, or one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from paintdiff.generation.model_card import Family


@dataclass(frozen=True, eq=False)
class Parts:
    """What `Model.parts` keeps for what is added to a model later: LoRAs, ControlNets, words, another autoencoder.

    `denoiser` is a diffusers UNet2DConditionModel or transformer, `vae` an AutoencoderKL; `text_encoders` and their
    `tokenizers` are in the checkpoint's order, CLIP before T5. `scheduler` says which noise levels it was trained on
    and what it predicts. `settings` are those of the pipeline itself. `quantized`: the blocks of numbers, "Q4_K" say,
    that most of the denoiser's weights stay in; they are never cast.
    """

    name: str
    family: Family
    denoiser: Any
    vae: Any
    tokenizers: tuple[Any, ...]
    text_encoders: tuple[Any, ...]
    scheduler: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    few_steps: str = ""
    quantized: str = ""

    @property
    def penultimate(self) -> bool:
        """Whether the denoiser reads the last layer but one of each CLIP, not the last (SDXL and later)."""
        return self.family in (Family.SDXL, Family.SD3)
