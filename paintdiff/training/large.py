"""What the second stage adds: fills at twice the side, beside bicubic interpolation of what the first stage painted."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from paintdiff.engine.bundled.fill_network import FillNetwork
from paintdiff.engine.bundled.text import Tokenizer
from paintdiff.engine.model import find_folder, load_model
from paintdiff.training.contact_sheet import contact_sheet
from paintdiff.training.enlarging import EnlargerBatch, EnlargerBatches
from paintdiff.training.figures import Figure, Part
from paintdiff.training.scenes import SceneMaker
from paintdiff.training.setting import Setting
from paintdiff.training.sources import LARGE

_SEED = 90_000  # far from every training step's seed
_BATCHES = 12
_SHOWN = 12


def large_fills(setting: Setting) -> Part:
    """Masked L1 to scenes of held-out things and photographs, and that of the differences of neighbours."""
    painter = setting.painter
    model = load_model(painter.model, painter.device)
    if model.enlarge is None or not isinstance(model.weights, FillNetwork):
        return Part("large", ())
    sprites = [sprite for sprite in setting.large_sprites if sprite.held_out]
    maker = SceneMaker(sprites, 2 * model.info.size, photographs=setting.photographs, drawn_side=LARGE)
    tokenizer = Tokenizer.from_file(find_folder(painter.model) / "tokenizer.json")
    batches = EnlargerBatches(maker, tokenizer, model.weights, _SEED, 0)
    errors: list[list[tuple[float, float]]] = [[], []]
    cells: list[tuple[str, np.ndarray]] = []
    for number in range(_BATCHES):
        batch = batches[number]
        with torch.no_grad():
            ours = model.enlarge.network(batch.small, batch.true * (1 - batch.mask), batch.mask).clamp(-1, 1)
        cubic = F.interpolate(batch.small, scale_factor=2, mode="bicubic").clamp(-1, 1)
        for found, large in zip(errors, (cubic, ours), strict=True):
            found.append(_errors(large, batch))
        if number < _SHOWN:
            blocks = F.interpolate(batch.small, scale_factor=2)
            named = ("painted", blocks), ("bicubic", cubic), ("second stage", ours), ("true", batch.true)
            cells += [(name, _picture(pictures[0])) for name, pictures in named]
    usual, own = (np.mean(found, axis=0) for found in errors)
    count = _BATCHES * len(batch.small)
    figures = tuple(
        Figure(f"twice as large: {what}", f"{a:.2f} beside {b:.2f}: {100 * (a / b - 1):+.0f} %", "below bicubic's",
            bool(a < b), f"{note}; {count} parts of scenes of held-out things and of photographs")
        for what, note, a, b in (
            ("the painted", "masked L1", own[0], usual[0]),
            ("its edges", "masked L1 of the differences of neighbours", own[1], usual[1]),
        )
    )  # fmt: skip
    numbers = {"bicubic": np.array(errors[0]).tolist(), "second_stage": np.array(errors[1]).tolist()}
    return Part("large", figures, "", numbers, {"large": contact_sheet(cells, 8)})


def _errors(large: Tensor, batch: EnlargerBatch) -> tuple[float, float]:
    """Masked L1 in levels, and that of the differences of neighbours."""
    apart = 127.5 * (large - batch.true)
    across, down = apart[..., 1:] - apart[..., :-1], apart[..., 1:, :] - apart[..., :-1, :]
    weight = batch.mask
    inside = [weight[..., 1:] * weight[..., :-1], weight[..., 1:, :] * weight[..., :-1, :]]
    total = sum(float((d.abs().mean(1, keepdim=True) * w).sum()) for d, w in zip((across, down), inside, strict=True))
    return (
        float((apart.abs().mean(1, keepdim=True) * weight).sum() / weight.sum()),
        total / float(sum(w.sum() for w in inside)),
    )


def _picture(x: Tensor) -> np.ndarray:
    """(3, H, W) in [-1, 1] -> (H, W, 3) uint8."""
    return (127.5 * (x.permute(1, 2, 0) + 1)).round().to(torch.uint8).numpy()
