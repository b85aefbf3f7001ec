"""Write the moving average of a run as a model folder that the engine opens."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

from paintdiff.engine.bundled.picture_library import PictureLibrary
from paintdiff.training.checkpoint import Run, save_average
from paintdiff.training.library import save_library

WEIGHTS, TOKENIZER, PICTURES = "model.safetensors", "tokenizer.json", "pictures.zip"
DEFAULTS = {"guidance": 2.0}  # more oversteers what the picture to look at says already


def export(run: Run, library: PictureLibrary, tokenizer: Path, folder: Path, size: int) -> None:
    """config.json, tokenizer.json, bf16 weights and the pictures that the model looks at.

    Each file is replaced as a whole, so a reader never sees half.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "name": "First Light",
        "kind": "fill",
        "size": size,
        "prediction": "x0",
        "schedule": {"kind": "flow"},
        "network": asdict(run.network.config),
        "tokenizer": TOKENIZER,
        "weights": WEIGHTS,
        "pictures": PICTURES,
        "guesses": True,
        "licence": "Apache-2.0",
        "defaults": DEFAULTS,
        "trained_samples": run.samples,
        "trained_steps": run.step,
    }
    save_average(run, folder / WEIGHTS, {"format": "pt"})
    save_library(library, folder / PICTURES)
    _replace_text(folder / TOKENIZER, tokenizer.read_text(encoding="utf-8"))
    _replace_text(folder / "config.json", json.dumps(config, indent=2) + "\n")


def _replace_text(path: Path, text: str) -> None:
    fresh = path.with_name(path.name + ".writing")
    fresh.write_text(text, encoding="utf-8")
    os.replace(fresh, path)
