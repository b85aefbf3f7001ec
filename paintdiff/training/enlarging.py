"""How the second stage learns: what the first one answers for scenes, beside the scenes at twice the side."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from paintdiff.engine.bundled.enlarger_network import EnlargerNetwork
from paintdiff.engine.bundled.fill_network import FillNetwork
from paintdiff.engine.bundled.text import PAD, Tokenizer
from paintdiff.training.batches import as_batch
from paintdiff.training.checkpoint import Run, save_average
from paintdiff.training.diffusion import Batch, noised
from paintdiff.training.scenes import Scene, SceneMaker
from paintdiff.training.trainer import average_step, set_rate

SCENES, PARTS = 3, 3  # of a step, and parts of each
_PART = 64  # pixels of the small picture
_CLEAN = 0.35  # of the scenes: shown as they are, made small
_FROM, _TO = 0.05, 0.45  # the times from which the first stage paints the others
_STEPS = (1, 2, 4)
_OUTSIDE = 0.2  # what an error outside the mask counts
_EDGES = 0.5  # what an error in the difference of neighbours counts


@dataclass(frozen=True)
class EnlargerBatch:
    """small (N, 3, S, S), true (N, 3, 2S, 2S) in -1..1; mask (N, 1, 2S, 2S), 1 = painted anew."""

    small: Tensor
    true: Tensor
    mask: Tensor


@dataclass(frozen=True, eq=False)
class EnlargerBatches(Dataset):
    """Item k is the batch of step `first + k`, a pure function of (seed, step) and of the first stage, `network`.

    `maker` makes scenes of twice that one's side.
    """

    maker: SceneMaker
    tokenizer: Tokenizer
    network: FillNetwork
    seed: int
    first: int

    def __len__(self) -> int:
        return 1_000_000_000

    def __getitem__(self, index: int) -> EnlargerBatch:
        rng = np.random.default_rng((self.seed, self.first + index))
        scenes = [self.maker.unguessed(rng) for _ in range(SCENES)]
        shrunk = [self.maker.guessed(_shrunk(scene), rng) for scene in scenes]
        small = self._painted(as_batch(shrunk, self.tokenizer), rng)
        large = as_batch([replace(scene, prompt="", reference=None) for scene in scenes], self.tokenizer)
        parts = [_part(small[k], large.x0[k], large.mask[k], rng) for k in range(SCENES) for _ in range(PARTS)]
        return EnlargerBatch(*(torch.stack(some) for some in zip(*parts, strict=True)))

    @torch.no_grad()
    def _painted(self, batch: Batch, rng: np.random.Generator) -> Tensor:
        """What the first stage makes of the pictures, begun in the middle of its way, where they are still the same."""
        dtype = next(self.network.parameters()).dtype
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        eps = torch.randn(batch.x0.shape, generator=generator)
        tokens = batch.tokens
        text = self.network.encode_text(tokens)
        told = batch.mask.to(dtype), batch.known.to(dtype), text, tokens != PAD, batch.reference.to(dtype)
        steps = int(rng.choice(_STEPS))
        start = torch.from_numpy(rng.uniform(_FROM, _TO, len(batch.x0)).astype(np.float32))
        x_t, x0 = noised(batch.x0, eps, start), batch.x0
        for step in range(steps):
            t, s = start * (1 - step / steps), start * (1 - (step + 1) / steps)
            x0 = self.network(x_t.to(dtype), t, *told).float().clamp(-1, 1)
            x0 = torch.lerp(batch.x0, x0, batch.mask)
            ahead = ((x_t - x0) / t.view(-1, 1, 1, 1)).clamp(-10, 10)  # eps - x0, along which x_t moves
            x_t = x0 + s.view(-1, 1, 1, 1) * ahead
        clean = torch.from_numpy(rng.random(len(x0)) < _CLEAN).view(-1, 1, 1, 1)
        return torch.where(clean, batch.x0, x0)


def enlarger_step(run: Run[EnlargerNetwork], batch: EnlargerBatch, seed: int, rate: float) -> tuple[Tensor, Tensor]:
    """One step of AdamW and of the moving average; zeros, for there is no time, and losses, (N,) each."""
    device = next(run.network.parameters()).device
    small, true, mask = batch.small.to(device), batch.true.to(device), batch.mask.to(device)
    set_rate(run, rate)
    with torch.autocast(device.type, torch.bfloat16):
        large = run.network(small, true * (1 - mask), mask)
    losses = enlarging_loss(large, true, mask)
    run.optimizer.zero_grad()
    losses.mean().backward()
    torch.nn.utils.clip_grad_norm_(run.network.parameters(), 1.0)
    run.optimizer.step()
    average_step(run, len(small))
    return torch.zeros(len(small)), losses.detach().cpu()


def enlarging_loss(large: Tensor, true: Tensor, mask: Tensor) -> Tensor:
    """(N,): mean absolute error, and that of the differences of neighbours, so that edges are sharp; times 100."""
    weight = mask + _OUTSIDE * (1 - mask)
    apart = large - true
    across = F.pad((apart[..., 1:] - apart[..., :-1]).abs(), (0, 1))
    down = F.pad((apart[..., 1:, :] - apart[..., :-1, :]).abs(), (0, 0, 0, 1))
    error = (apart.abs() + _EDGES * (across + down)).mean(1, keepdim=True)
    return 100 * (error * weight).mean((1, 2, 3)) / weight.mean((1, 2, 3))


def _shrunk(scene: Scene) -> Scene:
    """The scene as the first stage sees it, at half the side; a pixel with anything to repaint in it is repainted."""
    side = scene.mask.shape[0] // 2
    picture = cv2.resize(scene.picture, (side, side), interpolation=cv2.INTER_AREA)
    mask = scene.mask.reshape(side, 2, side, 2).max(axis=(1, 3))
    if scene.reference is None:
        return replace(scene, picture=picture, mask=mask)
    return replace(
        scene, picture=picture, mask=mask,
        reference=cv2.resize(scene.reference, (side, side), interpolation=cv2.INTER_AREA),
    )  # fmt: skip


def _part(small: Tensor, true: Tensor, mask: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """A square of a scene with something to repaint in its middle, mirrored and with its channels swapped at random."""
    side = small.shape[-1]
    part = min(_PART, side)
    rows, columns = (axis.numpy() for axis in torch.nonzero(mask[0, ::2, ::2], as_tuple=True))
    at = int(rng.integers(len(rows))) if len(rows) else 0
    middle = (int(rows[at]), int(columns[at])) if len(rows) else (side // 2, side // 2)
    top, left = (int(np.clip(m - part // 2, 0, side - part)) for m in middle)
    fine = slice(2 * top, 2 * (top + part)), slice(2 * left, 2 * (left + part))
    small, true, mask = small[:, top : top + part, left : left + part], true[:, *fine], mask[:, *fine]
    order = torch.from_numpy(rng.permutation(3))
    small, true = small[order], true[order]
    turns, mirrored = int(rng.integers(4)), rng.random() < 0.5
    turned = [torch.rot90(x.flip(-1) if mirrored else x, turns, (-2, -1)).contiguous() for x in (small, true, mask)]
    return turned[0], turned[1], turned[2]


def export_enlarger(run: Run[EnlargerNetwork], path: Path) -> None:
    """The moving average as one bf16 .safetensors file, whose header holds its sizes."""
    about = {"network": asdict(run.network.config), "licence": "Apache-2.0", "trained_samples": run.samples}
    save_average(run, path, {"enlarger": json.dumps(about)})
