"""Repositories as they lie on the hub, with weights of random bytes: enough to be fetched."""

import json
import random
from pathlib import Path

from tests.safetensors_files import SD1, write_header

PARTS = {
    "unet": "UNet2DConditionModel", "vae": "AutoencoderKL", "text_encoder": "CLIPTextModel",
    "tokenizer": "CLIPTokenizer", "scheduler": "DDIMScheduler", "safety_checker": "StableDiffusionSafetyChecker",
}  # fmt: skip
WEIGHTS = {"unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model", "text_encoder": "model"}


def pipeline_repository(folder: Path, size: int = 60_000) -> Path:
    """Stable Diffusion as people publish it: twice as safetensors, once as pickles, and single files beside it."""
    index = {name: ["diffusers", kind] for name, kind in PARTS.items()}
    write(folder / "model_index.json", {"_class_name": "StableDiffusionPipeline", **index})
    write(folder / "scheduler" / "scheduler_config.json", {})
    write(folder / "tokenizer" / "vocab.json", {"a": 0})
    (folder / "tokenizer" / "merges.txt").write_text("#version: 0.2\n")
    for part, stem in WEIGHTS.items():
        write(folder / part / "config.json", {"_class_name": PARTS[part], "cross_attention_dim": 768})
        for ending in (".safetensors", ".fp16.safetensors", ".bin"):
            noise(folder / part / (stem + ending), size if part == "unet" else 1000)
    noise(folder / "safety_checker" / "pytorch_model.bin", 1000)
    write_header(folder / "v1-5-pruned.safetensors", SD1 | {"first_stage_model.more": (2000,)})
    noise(folder / "v1-5-pruned.ckpt", 5000)
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    (folder / "picture.png").write_bytes(b"?" * 100)
    return folder


def write(path: Path, values: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))


def noise(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(random.Random(path.name + path.parent.name).randbytes(size))
