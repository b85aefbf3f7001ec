"""How the bundled judge learns: noisy pictures against their own texts and all others of the batch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from paintdiff.engine.bundled.judge import NOTHING, rivals
from paintdiff.engine.bundled.judge_network import JudgeNetwork
from paintdiff.engine.bundled.text import Tokenizer
from paintdiff.training.checkpoint import Run, save_average
from paintdiff.training.diffusion import noised
from paintdiff.training.nouns import COMMON
from paintdiff.training.scenes import Scene, SceneMaker
from paintdiff.training.shapes import SHAPES
from paintdiff.training.trainer import average_step, set_rate

BATCH = 64
# The share of pictures that are shown without noise but blurred: what a denoiser's early guesses look like.
_GUESSES = 0.3
_WIDEST_BLUR = 4.0
_PROBED_TIMES = (0.0, 0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True)
class JudgeBatch:
    """x0 (N, 3, S, S) in -1..1; t (N,), 0 for those that are shown as guesses; prompts, one a picture."""

    x0: Tensor
    t: Tensor
    prompts: list[str]


@dataclass(frozen=True)
class JudgeBatches(Dataset):
    """Item k is the batch of step `first + k`, a pure function of (seed, step)."""

    maker: SceneMaker
    seed: int
    first: int

    def __len__(self) -> int:
        return 1_000_000_000

    def __getitem__(self, index: int) -> JudgeBatch:
        rng = np.random.default_rng((self.seed, self.first + index))
        scenes = [self.maker.described(rng) for _ in range(BATCH)]
        t = np.where(rng.random(BATCH) < _GUESSES, 0, rng.random(BATCH)).astype(np.float32)
        pictures = [scene.picture if t[k] else _guess(scene.picture, rng) for k, scene in enumerate(scenes)]
        return JudgeBatch(as_tensor(pictures), torch.from_numpy(t), [scene.prompt for scene in scenes])


def nouns() -> tuple[str, ...]:
    """What a prompt is weighed against: the common nouns of the training vocabulary, and nothing."""
    return (NOTHING, *sorted(COMMON | set(SHAPES)))


def as_tensor(pictures: list[np.ndarray]) -> Tensor:
    """(S, S, 3) uint8 pictures -> (N, 3, S, S) float32 in -1..1."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


@dataclass(frozen=True)
class JudgeStep:
    """One step of contrastive learning: each picture finds its text, each text its picture."""

    tokenizer: Tokenizer
    nouns: tuple[str, ...]

    def __call__(self, run: Run[JudgeNetwork], batch: JudgeBatch, seed: int, rate: float) -> tuple[Tensor, Tensor]:
        network = run.network
        device = next(network.parameters()).device
        generator = torch.Generator().manual_seed(seed * 1_000_003 + run.step)
        eps = torch.randn(batch.x0.shape, generator=generator)
        set_rate(run, rate)
        x_t, t = noised(batch.x0, eps, batch.t).to(device), batch.t.to(device)
        texts = list(dict.fromkeys(batch.prompts))
        own = torch.tensor([texts.index(prompt) for prompt in batch.prompts], device=device)
        others = [noun for noun in self.nouns if noun not in texts]
        # A noun that is part of a picture's prompt is neither right nor wrong for it.
        unsure = torch.tensor([_named(prompt, others) for prompt in batch.prompts], dtype=torch.bool)
        tokens = trimmed(self.tokenizer.encode([*texts, *others])).to(device)
        with torch.autocast(device.type, torch.bfloat16):
            pictures = network.embed_picture(x_t, t).float()
            words = network.embed_text(tokens)
        logits = pictures @ words.T
        hidden = torch.cat([torch.zeros(len(t), len(texts), dtype=torch.bool), unsure], 1).to(device)
        losses = F.cross_entropy(logits.masked_fill(hidden, -1e4), own, reduction="none")
        belongs = (own[:, None] == torch.arange(len(texts), device=device)).float()
        found = F.log_softmax(logits[:, : len(texts)], dim=0)
        backward = -(found * belongs).sum(0) / belongs.sum(0)
        run.optimizer.zero_grad()
        (losses.mean() + 0.3 * backward.mean()).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        run.optimizer.step()
        average_step(run, len(t))
        return batch.t, losses.detach().cpu()


def trimmed(tokens: Tensor) -> Tensor:
    """(N, L) without the columns that pad every row."""
    return tokens[:, : int((tokens != 0).sum(1).max())]


@torch.no_grad()
def hits(network: JudgeNetwork, tokenizer: Tokenizer, scenes: list[Scene], names: list[str]) -> dict[float, float]:
    """By time: the share of `scenes` whose own prompt, of all in `names`, the judge likes best."""
    words = network.embed_text(trimmed(tokenizer.encode(names)))
    own = torch.tensor([names.index(scene.prompt) for scene in scenes])
    x0 = as_tensor([scene.picture for scene in scenes])
    eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(0))
    shares = {}
    for time in _PROBED_TIMES:
        t = torch.full((len(x0),), time)
        best = (network.embed_picture(noised(x0, eps, t), t) @ words.T).argmax(1)
        shares[time] = (best == own).float().mean().item()
    return shares


def probe(network: JudgeNetwork, tokenizer: Tokenizer, unseen: SceneMaker, count: int) -> str:
    """How well the judge knows common things of held-out sources, in one line; nothing is known too easily to count."""
    rng = np.random.default_rng(30_000)
    names = list(nouns())
    scenes: list[Scene] = []
    while len(scenes) < count:
        scene = unseen.described(rng)
        if scene.prompt in names and scene.prompt != NOTHING:
            scenes.append(scene)
    shares = hits(network, tokenizer, scenes, names)
    return f"best of {len(names)} nouns: " + ", ".join(f"t {t}: {100 * share:.0f} %" for t, share in shares.items())


def export_judge(run: Run[JudgeNetwork], path: Path) -> None:
    """The moving average as one bf16 .safetensors file, whose header holds sizes and nouns."""
    about = {
        "network": asdict(run.network.config),
        "nouns": nouns(),
        "licence": "Apache-2.0",
        "trained_samples": run.samples,
    }
    save_average(run, path, {"judge": json.dumps(about)})


def _named(prompt: str, names: list[str]) -> list[bool]:
    left = set(rivals(prompt, names))
    return [name not in left for name in names]


def _guess(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    blur = _WIDEST_BLUR * rng.random() ** 2
    return cv2.GaussianBlur(picture, (0, 0), blur) if blur > 0.3 else picture
