"""Sample sheets at fixed seeds and prompts: what the model draws now, as a painter would use it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image, ImageDraw

from paintdiff.engine.bundled.continuation import continued
from paintdiff.engine.bundled.fill_network import FillNetwork
from paintdiff.engine.bundled.picture_library import PictureLibrary
from paintdiff.engine.bundled.reference import over_guess
from paintdiff.engine.bundled.text import Tokenizer
from paintdiff.training import masks
from paintdiff.training.backgrounds import background
from paintdiff.training.batches import as_batch
from paintdiff.training.diffusion import fill
from paintdiff.training.scenes import Scene, SceneMaker, as_bytes

FILLS = (
    "a red apple", "a yellow star", "a green tree", "blue balloon", "a cat", "hot air balloon", "house", "sunflower",
    "red car", "pizza", "a purple flower", "rocket", "fish", "white cloud", "owl", "pink heart",
)  # fmt: skip
WHOLE = (
    "a red apple", "a yellow star", "a green tree", "blue car", "dog", "castle", "strawberry", "butterfly",
    "a red apple on a blue background", "green hills under a blue sky", "sunset sky with clouds", "robot",
    "penguin", "orange fish", "cake", "sailing boat",
)  # fmt: skip


def sheet_scenes(maker: SceneMaker, library: PictureLibrary, seed: int = 7) -> list[Scene]:
    """16 prompted fills, 16 continuations without a prompt, 16 whole pictures."""
    rng = np.random.default_rng(seed)
    scenes = [_prompted(prompt, maker.size, rng, library) for prompt in FILLS]
    while len(scenes) < 32:
        scene = maker.scene(rng)
        if not scene.prompt and 0.05 < scene.mask.mean() < 0.6:
            scenes.append(scene)
    blank = np.full((maker.size, maker.size, 3), 127, np.uint8)
    everywhere = np.ones((maker.size, maker.size), np.uint8)
    return scenes + [
        Scene(blank, everywhere, prompt, library.shown(prompt, seed, everywhere)) for prompt in WHOLE
    ]


def draw_sheet(
    network: FillNetwork, tokenizer: Tokenizer, scenes: list[Scene], guidance: float = 3.0, steps: int = 20
) -> Image.Image:
    """Each scene as a pair: the picture with its hole greyed, and the fill; the prompt below."""
    device = next(network.parameters()).device
    batch = as_batch(scenes, tokenizer).to(device)
    with torch.autocast(device.type, torch.bfloat16):
        filled = fill(network, batch, steps, guidance, seed=1)
    pictures = as_bytes((filled.float().cpu().permute(0, 2, 3, 1).numpy() + 1) * 127.5)
    return _laid_out(scenes, pictures)


def save_sheet(image: Image.Image, folder: Path, step: int) -> None:
    """Under its step, and as the latest."""
    folder.mkdir(parents=True, exist_ok=True)
    image.save(folder / f"sheet-{step:07d}.png")
    image.save(folder / "sheet.png")


def _prompted(prompt: str, size: int, rng: np.random.Generator, library: PictureLibrary) -> Scene:
    ground = background(size, rng).pixels
    width, height = rng.uniform(0.45, 0.65, 2) * size
    left, top = rng.uniform(0.05 * size, 0.95 * size - width), rng.uniform(0.05 * size, 0.95 * size - height)
    mask = masks.box(size, left, top, left + width, top + height)
    if rng.random() < 0.5:
        mask[:] = 0
        centre = (int(left + width / 2), int(top + height / 2))
        cv2.ellipse(mask, centre, (int(width / 2), int(height / 2)), 0, 0, 360, 1, -1)
    picture, hole = as_bytes(ground), mask > 0
    shown = library.shown(prompt, int(rng.integers(100)), hole)
    return Scene(picture, mask, prompt, over_guess(shown, continued(picture, hole)))


def _laid_out(scenes: list[Scene], pictures: np.ndarray, columns: int = 8, zoom: int = 2) -> Image.Image:
    size = pictures.shape[1]
    cell, line = 2 * size * zoom // 2 + size + 12, size * zoom + 18
    rows = -(-len(scenes) // columns)
    image = Image.new("RGB", (columns * cell, rows * line), "white")
    pen = ImageDraw.Draw(image)
    for k, (scene, picture) in enumerate(zip(scenes, pictures, strict=True)):
        x, y = k % columns * cell, k // columns * line
        hole = np.where(scene.mask[..., None] > 0, np.uint8(128), scene.picture)
        image.paste(Image.fromarray(hole), (x, y))
        large = Image.fromarray(picture).resize((size * zoom, size * zoom), Image.Resampling.NEAREST)
        image.paste(large, (x + size + 2, y))
        pen.text((x, y + size * zoom + 2), scene.prompt[:34] or "(no prompt)", fill="black")
    return image
