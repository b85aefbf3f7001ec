"""A small classifier that says what a picture shows, as an outsider: it has seen no picture that the model saw."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from paintdiff.engine.bundled.picture_library import laid
from paintdiff.training.backgrounds import background
from paintdiff.training.judge import as_tensor
from paintdiff.training.scenes import as_bytes
from paintdiff.training.sources import Sprite

SIDE = 64  # of the pictures that it looks at
BATCH, STEPS, RATE = 64, 2500, 2e-3
_SAVED_EVERY = 100  # steps
_SPRITE_SIDE = 72  # of what its pictures are made from
WIDTHS = (48, 96, 160, 256)


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.inner(x))


class RecognizerNetwork(nn.Module):
    """(N, 3, 64, 64) float in -1..1 -> (N, classes) logits: convolutions at 32, 16, 8 and 4 cells a side."""

    def __init__(self, classes: int, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        a, b, c, d = widths
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2), nn.Conv2d(12, a, 3, padding=1, bias=False), nn.BatchNorm2d(a), nn.ReLU(),
            _halving(a, b), _Residual(b), _halving(b, c), _Residual(c), _Residual(c), _halving(c, d), _Residual(d),
        )  # fmt: skip
        self.head = nn.Linear(d, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).mean((2, 3)))


def _halving(before: int, after: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()
    )


@dataclass(frozen=True, eq=False)
class Recognizer:
    """Names what pictures show, one of `names`."""

    network: RecognizerNetwork
    names: tuple[str, ...]

    @torch.no_grad()
    def ranks(self, pictures: Sequence[np.ndarray], names: Sequence[str]) -> np.ndarray:
        """(N,) int: how many other names it likes better for each (S, S, 3) uint8 picture than the right one.

        Each is looked at as it is and mirrored. A name that it does not know has the last rank.
        """
        small = [cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for picture in pictures]
        places = [self.names.index(name) if name in self.names else -1 for name in names]
        ranks = []
        for start in range(0, len(small), 256):
            x = as_tensor(small[start : start + 256])
            logits = (self.network(x).log_softmax(1) + self.network(x.flip(3)).log_softmax(1)).numpy()
            for row, place in zip(logits, places[start : start + 256], strict=True):
                ranks.append(len(self.names) if place < 0 else int((row > row[place]).sum()))
        return np.array(ranks, int)


def trained_recognizer(sprites: Sequence[Sprite], path: Path, steps: int = STEPS, seed: int = 1) -> Recognizer:
    """Train on `sprites` and keep the state at `path`; go on from what is there, and read it when it is done."""
    names = tuple(sorted({sprite.name for sprite in sprites}))
    network = RecognizerNetwork(len(names))
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.05)
    step = _load(path, network, optimizer, names, steps)
    by_name = {name: [_small(sprite.pixels) for sprite in sprites if sprite.name == name] for name in names}
    network.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    while step < steps:
        pictures, labels = _batch(by_name, np.random.default_rng((seed, step)))
        for group in optimizer.param_groups:
            group["lr"] = RATE * min((step + 1) / 100, 1.0) * 0.5 * (1 + np.cos(np.pi * step / steps))
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(as_tensor(pictures).contiguous(memory_format=torch.channels_last)).float()
        loss = F.cross_entropy(logits, torch.tensor(labels), label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        if step % _SAVED_EVERY == 0 or step == steps:
            _save(path, network, optimizer, names, step, steps)
            print(f"recognizer: step {step} of {steps}, loss {loss.item():.2f}", flush=True)
    return Recognizer(network.eval(), names)


def _batch(by_name: dict[str, list[np.ndarray]], rng: np.random.Generator) -> tuple[list[np.ndarray], list[int]]:
    """Each name as often as any other, whatever the number of its pictures."""
    names = list(by_name)
    labels = [int(label) for label in rng.integers(len(names), size=BATCH)]
    pictures = []
    for label in labels:
        own = by_name[names[label]]
        pictures.append(_shown(own[int(rng.integers(len(own)))], rng))
    return pictures, labels


def _shown(sprite: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(72, 72, 4) premultiplied -> (64, 64, 3) uint8: somewhere on some ground, turned, tinted, blurred or rough."""
    if rng.random() < 0.5:
        sprite = sprite[:, ::-1]
    if rng.random() < 0.5:
        shape = cv2.getRotationMatrix2D((_SPRITE_SIDE / 2, _SPRITE_SIDE / 2), rng.uniform(-20, 20), 0.95)
        shape = shape * np.append(rng.uniform(0.85, 1.15, 2), 1)
        sprite = cv2.warpAffine(np.ascontiguousarray(sprite), shape, (_SPRITE_SIDE, _SPRITE_SIDE))
    side = round(rng.uniform(0.45, 0.95) * SIDE)
    left, top = (round(float(rng.uniform(-0.08, 1.08) * (SIDE - side))) for _ in range(2))
    layer = laid(sprite, SIDE, left, top, side).astype(np.float32)
    thing = layer[..., :3] * rng.uniform(0.8, 1.15, 3) * rng.uniform(0.8, 1.1)
    pixels: np.ndarray = np.minimum(thing, 255) + background(SIDE, rng).pixels * (1 - layer[..., 3:] / 255)
    if rng.random() < 0.5:
        pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.3, 2.0))
    if rng.random() < 0.4:
        pixels = pixels + rng.normal(0, rng.uniform(2, 15), pixels.shape)
    return as_bytes(pixels)


def _small(pixels: np.ndarray) -> np.ndarray:
    return cv2.resize(pixels, (_SPRITE_SIDE, _SPRITE_SIDE), interpolation=cv2.INTER_AREA)


def _save(
    path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, names: tuple[str, ...], step: int, steps: int
) -> None:
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": torch.as_tensor(value) for name, value in state.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".writing")
    about = {"recognizer": json.dumps({"names": names, "step": step, "steps": steps})}
    save_file({name: value.contiguous() for name, value in tensors.items()}, fresh, about)
    os.replace(fresh, path)


def _load(
    path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, names: tuple[str, ...], steps: int
) -> int:
    """The step that the state at `path` has come to; 0 for none, or for that of other names or another plan."""
    if not path.exists():
        return 0
    with safe_open(path, "pt", device="cpu") as file:
        about = json.loads(file.metadata()["recognizer"])
        if tuple(about["names"]) != names or about["steps"] != steps:
            return 0
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    network.load_state_dict(
        {name.removeprefix("network."): value for name, value in tensors.items() if name.startswith("network.")}
    )
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, number, key = name.split(".")
            state.setdefault(int(number), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return int(about["step"])
