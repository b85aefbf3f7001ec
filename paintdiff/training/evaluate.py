"""Figures for the model card: continuation against classical inpainting, seams, and colour words."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from paintdiff.engine.fill_network import FillNetwork
from paintdiff.engine.picture_library import PictureLibrary
from paintdiff.engine.text import Tokenizer
from paintdiff.training import colours, masks
from paintdiff.training.backgrounds import KINDS, background_of
from paintdiff.training.batches import as_batch
from paintdiff.training.diffusion import fill
from paintdiff.training.library import reference_for
from paintdiff.training.scenes import Scene, as_bytes

_SEED = 20_000  # far from every training step's seed
_GUIDANCE, _STEPS = 3.0, 20
_COLOURED = (
    "star", "circle", "heart", "apple", "tree", "balloon", "flower", "house", "car", "fish",
    "ball", "square", "cup of coffee", "bird", "butterfly", "cat", "rocket", "umbrella", "t shirt", "mushroom",
)  # fmt: skip


@dataclass(frozen=True)
class Continuation:
    """Mean masked L1 (0..255) on one kind of background, of the model and of OpenCV's two methods; and seams.

    `seam` is the mean step in brightness across the mask's edge after the fill, over that in the true picture.
    """

    kind: str
    model: float
    telea: float
    navier_stokes: float
    seam: float


@dataclass(frozen=True)
class Report:
    """What `evaluate` prints: a row for each kind of background, and the share of colour words that came out right."""

    continuation: tuple[Continuation, ...]
    colour_words: float
    by_colour: dict[str, float]


def evaluate(
    network: FillNetwork, tokenizer: Tokenizer, library: PictureLibrary, size: int, pictures: int, samples: int
) -> Report:
    """`pictures` backgrounds of each kind, the mean of `samples` fills each; 20 things in 8 colours."""
    rows = tuple(_continuation(network, tokenizer, kind, size, pictures, samples) for kind in KINDS)
    words = [word for word in colours.HUED if word != "brown"]
    by_colour = {word: _share_right(network, tokenizer, library, word, size) for word in words}
    return Report(rows, float(np.mean(list(by_colour.values()))), by_colour)


def table(report: Report) -> str:
    """The report as Markdown."""
    lines = [
        "| background | model L1 | Telea | Navier-Stokes | against the better | seam |",
        "|---|---|---|---|---|---|",
    ]
    for row in report.continuation:
        better = min(row.telea, row.navier_stokes)
        change = f"{100 * (row.model / better - 1):+.0f} %" if better > 0.1 else "(exact)"
        lines.append(
            f"| {row.kind} | {row.model:.2f} | {row.telea:.2f} | {row.navier_stokes:.2f} | {change} | {row.seam:.2f} |"
        )
    words = ", ".join(f"{word} {100 * share:.0f} %" for word, share in report.by_colour.items())
    return "\n".join([*lines, "", f"Colour words right: {100 * report.colour_words:.0f} % ({words})"])


def save_report(report: Report, path: Path) -> None:
    """The report as JSON, for comparing runs."""
    path.write_text(json.dumps(asdict(report), indent=2) + "\n", encoding="utf-8")


def _continuation(
    network: FillNetwork, tokenizer: Tokenizer, kind: str, size: int, pictures: int, samples: int
) -> Continuation:
    rng = np.random.default_rng((_SEED, list(KINDS).index(kind)))
    scenes = [hole_in(kind, size, rng) for _ in range(pictures)]
    fills = [_filled(network, tokenizer, scenes, seed) for seed in range(samples)]
    mean = np.mean(fills, axis=0)
    telea, ns = (
        np.stack([cv2.inpaint(scene.picture, scene.mask, 5, method) for scene in scenes])
        for method in (cv2.INPAINT_TELEA, cv2.INPAINT_NS)
    )
    true = np.stack([scene.picture for scene in scenes])
    hole = np.stack([scene.mask for scene in scenes]).astype(bool)
    l1 = [float(np.abs(guess.astype(np.float32) - true)[hole].mean()) for guess in (mean, telea, ns)]
    seam = _edge_step(fills[0], hole) / max(_edge_step(true, hole), 1.0)
    return Continuation(kind, l1[0], l1[1], l1[2], seam)


def hole_in(kind: str, size: int, rng: np.random.Generator) -> Scene:
    """A background of one kind with a hole in it; the scene's picture is the whole one."""
    picture = as_bytes(background_of(kind, size, rng).pixels)
    while True:
        mask = masks.bands(size, rng) if rng.random() < 0.3 else masks.background_hole(size, rng)
        if 0.03 < mask.mean() < 0.6:
            return Scene(picture, mask, "")


def _edge_step(pictures: np.ndarray, hole: np.ndarray) -> float:
    """Mean absolute difference (0..255) between neighbours of which one is masked and the other kept."""
    values = pictures.astype(np.float32).mean(-1)
    down = np.abs(np.diff(values, axis=1))[hole[:, 1:] != hole[:, :-1]]
    across = np.abs(np.diff(values, axis=2))[hole[:, :, 1:] != hole[:, :, :-1]]
    return float(np.concatenate([down, across]).mean())


def _share_right(
    network: FillNetwork, tokenizer: Tokenizer, library: PictureLibrary, word: str, size: int
) -> float:
    """How many of 20 things asked for in this colour, in a box on light grey, have that hue."""
    ground = np.full((size, size, 3), 225, np.uint8)
    mask = masks.box(size, 0.15 * size, 0.15 * size, 0.85 * size, 0.85 * size)
    scenes = [
        Scene(ground, mask, f"{word} {thing}", reference_for(library, thing, mask, seed))
        for seed, thing in enumerate(_COLOURED)
    ]
    right = 0
    for picture in _filled(network, tokenizer, scenes, seed=0):
        drawn = np.abs(picture.astype(np.int16) - 225).max(-1) > 40
        sprite = np.dstack([picture, np.where(drawn, 255, 0).astype(np.uint8)])
        right += colours.commonest_hue(sprite) == word
    return right / len(scenes)


@torch.no_grad()
def _filled(network: FillNetwork, tokenizer: Tokenizer, scenes: list[Scene], seed: int) -> np.ndarray:
    """(N, S, S, 3) uint8."""
    device = next(network.parameters()).device
    batch = as_batch(scenes, tokenizer).to(device)
    with torch.autocast(device.type, torch.bfloat16):
        x0 = fill(network, batch, _STEPS, _GUIDANCE, seed)
    return as_bytes((x0.float().cpu().permute(0, 2, 3, 1).numpy() + 1) * 127.5)
