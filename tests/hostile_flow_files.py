"""SD 3 and FLUX files, quantized ones and the parts beside them, that lie, are damaged or set a trap."""

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from tests.hostile_checkpoints import Hostile

Build = Callable[[Path], Path]
UNET = "unet/painter.safetensors"
T5, CLIP, VAE = "text_encoders/t5xxl.safetensors", "text_encoders/clip_l.safetensors", "vae/ae.safetensors"
NAN = float("nan")

# GGUF files, made by hand: `models` is the folder of a ComfyUI that has all else that FLUX needs


def text(said: bytes | str) -> bytes:
    said = said.encode() if isinstance(said, str) else said
    return struct.pack("<Q", len(said)) + said


def listed(name: str, shape: tuple[int, ...], kind: int, begin: int) -> bytes:
    axes = b"".join(struct.pack("<Q", axis) for axis in reversed(shape))
    return text(name) + struct.pack("<I", len(shape)) + axes + struct.pack("<IQ", kind, begin)


F32, Q8_0 = 0, 8
ONE = listed("double_blocks.0.x", (8,), F32, 0)


def gguf(
    tensors: bytes = ONE, count: int = 1, entries: bytes = b"", entry_count: int = 0, data: int = 32, version: int = 3,
    magic: bytes = b"GGUF", size: int | None = None,
) -> Build:  # fmt: skip
    """A file with this header, and `data` bytes of zeros from the next multiple of 32 on; `size`: cut or drawn out."""

    def build(models: Path) -> Path:
        header = magic + struct.pack("<IQQ", version, count, entry_count) + entries + tensors
        path = models / "unet" / "x.gguf"
        path.write_bytes(header + bytes(-len(header) % 32) + bytes(data))
        if size is not None:
            os.truncate(path, size)
        return path

    return build


def piped(models: Path) -> Path:
    os.mkfifo(models / "unet" / "x.gguf")
    return models / "unet" / "x.gguf"


def renamed(source: str, name: str) -> Build:
    def build(models: Path) -> Path:
        (models / source).rename(models / name)
        return models / name

    return build


GGUF = {
    "an empty quantized file": Hostile(gguf(size=0), "cut off"),
    "a quantized file of another make": Hostile(gguf(magic=b"GGML"), "does not begin as a GGUF"),
    "plain weights by the name of quantized ones": Hostile(renamed(UNET, "unet/x.gguf"), "does not begin as a GGUF"),
    "a version to come": Hostile(gguf(version=4), "version 4"),
    "the bytes the other way round": Hostile(gguf(version=3 << 24), "version 50331648"),
    "2^63 tensors": Hostile(gguf(count=2**63), "claims 9223372036854775808 tensors"),
    "a billion entries": Hostile(gguf(entry_count=10**9), "1000000000 entries"),
    "one tensor more than there is": Hostile(gguf(count=2), "cut off|overlaps another"),
    "a name of 2^60 bytes": Hostile(gguf(struct.pack("<Q", 2**60)), "cut off"),
    "an entry of 2^60 bytes": Hostile(
        gguf(entries=text("a") + struct.pack("<IQ", 8, 2**60), entry_count=1), "header is cut off"
    ),
    "a list of 2^60 texts": Hostile(
        gguf(entries=text("a") + struct.pack("<IIQ", 9, 8, 2**60), entry_count=1), "header is cut off|more than 8388608"
    ),
    "a list of 2^60 numbers": Hostile(
        gguf(entries=text("a") + struct.pack("<IIQ", 9, 12, 2**60), entry_count=1), "header is cut off"
    ),
    "lists within lists": Hostile(
        gguf(entries=text("a") + struct.pack("<IIQ", 9, 9, 2), entry_count=1), "is of the type 9"
    ),
    "an entry of an unknown type": Hostile(gguf(entries=text("a") + struct.pack("<I", 99), entry_count=1), "type 99"),
    "a header of 9 MiB": Hostile(
        gguf(entries=text("a") + struct.pack("<IQ", 8, 9 * 2**20) + bytes(9 * 2**20), entry_count=1),
        "takes more than 8388608 bytes",
    ),
    "tensors at steps of nothing": Hostile(
        gguf(entries=text("general.alignment") + struct.pack("<II", 4, 0), entry_count=1), "set apart by 0 bytes"
    ),
    "tensors at steps of 4 GiB": Hostile(
        gguf(entries=text("general.alignment") + struct.pack("<II", 4, 2**32 - 1), entry_count=1), "set apart by 429"
    ),
    "tensors at steps of NaN": Hostile(
        gguf(entries=text("general.alignment") + struct.pack("<If", 6, NAN), entry_count=1), "set apart by nan"
    ),
    "a tensor of nine axes": Hostile(gguf(listed("a", (1,) * 9, F32, 0)), "has 9 axes"),
    "a tensor of a type that is not opened": Hostile(gguf(listed("a", (256,), 16, 0)), "is of the type 16"),
    "a tensor whose size overflows": Hostile(gguf(listed("a", (2**62, 2**62), F32, 0)), "is cut off"),
    "an axis beyond all numbers": Hostile(gguf(listed("a", (2**64 - 1,), F32, 0)), "has the shape"),
    "half a block": Hostile(gguf(listed("a", (4, 40), Q8_0, 0)), "does not go with Q8_0"),
    "quantized tensors that overlap": Hostile(gguf(ONE + listed("b", (16,), F32, 0), 2, data=64), "overlaps another"),
    "quantized tensors with a gap": Hostile(gguf(ONE + listed("b", (8,), F32, 96), 2, data=128), "comes after a gap"),
    "a tensor off its step": Hostile(gguf(ONE + listed("b", (8,), F32, 33), 2, data=128), "comes after a gap"),
    "quantized data that is cut off": Hostile(gguf(data=16), "32 bytes and 16 are there"),
    "quantized data that goes on": Hostile(gguf(data=4096), "goes on for 4064 bytes"),
    "a quantized name that stands there twice": Hostile(gguf(ONE * 2, 2), "stands there twice"),
    "quantized names that play with the screen": Hostile(gguf(listed("\u202e\x1b[2J\n", (4,), 16, 0)), "type 16"),
    "a language model": Hostile(gguf(listed("blk.0.attn_q.weight", (8,), F32, 0)), "nothing that is known"),
    "a transformer of one quantized tensor": Hostile(gguf(), "not a compatible model"),
    "a quantized pipe": Hostile(piped, "not a regular file"),
}


# Transformers alone, and what lies beside them


def changed(name: str, change: Callable[[dict[str, torch.Tensor]], Any]) -> Build:
    """Weights of one file, changed; opened is the transformer."""

    def build(models: Path) -> Path:
        tensors = {key: tensor.clone() for key, tensor in load_file(models / name).items()}
        change(tensors)
        (models / name).unlink()  # it is a link to the sound one
        save_file(tensors, models / name)
        return models / UNET

    return build


def replaced(name: str, content: bytes) -> Build:
    def build(models: Path) -> Path:
        (models / name).unlink()
        (models / name).write_bytes(content)
        return models / UNET

    return build


def linked(name: str, target: str) -> Build:
    def build(models: Path) -> Path:
        (models / name).unlink()
        (models / name).symlink_to(target)
        return models / UNET

    return build


def layers_without_end(models: Path) -> Path:
    """300 single blocks, of a number each."""
    names = [f"single_blocks.{i}.linear2.bias" for i in range(300)]
    return changed(UNET, lambda tensors: tensors.update({name: torch.zeros(1) for name in names}))(models)


def scaled(scale: float) -> Build:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        name = "single_blocks.0.linear2"
        tensors[f"{name}.weight"] = tensors[f"{name}.weight"].to(torch.float8_e4m3fn)
        tensors[f"{name}.scale_weight"] = torch.tensor(scale)

    return changed(UNET, change)


def a_lying_folder(models: Path) -> Path:
    """All parts are in a folder that names what it must not."""
    for name in (T5, CLIP, VAE):
        (models / name).unlink()
    folder = models / "diffusers" / "flux"
    folder.mkdir(parents=True)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "FluxPipeline", "vae": ["os", "system"]}))
    return models / UNET


def of_type(name: str, dtype: torch.dtype) -> Build:
    return changed(UNET, lambda tensors: tensors.update({name: tensors[name].to(dtype)}))


QKV = "double_blocks.1.img_attn.qkv.weight"
WI = "encoder.block.1.layer.1.DenseReluDense.wi_0.weight"
FLOW = {
    "a transformer's tensor of another shape": Hostile(
        changed(UNET, lambda tensors: tensors.update({QKV: torch.zeros(190, 64)})), "missing or of another shape"
    ),
    "a transformer's tensor of whole numbers": Hostile(of_type(QKV, torch.int8), "is in I8"),
    "a transformer of truths": Hostile(of_type("txt_in.bias", torch.bool), "is in BOOL"),
    "a transformer without layers": Hostile(
        changed(UNET, lambda tensors: [tensors.pop(name) for name in list(tensors) if "blocks.0." in name]),
        "layers are missing",
    ),
    "the billionth block": Hostile(
        changed(UNET, lambda tensors: tensors.update({f"double_blocks.{10**9}.img_mlp.0.bias": torch.zeros(1)})),
        "layers are missing",
    ),
    "blocks without end": Hostile(layers_without_end, "layers are missing"),
    "heads of nothing": Hostile(
        changed(UNET, lambda tensors: tensors.update(
            {"double_blocks.0.img_attn.norm.query_norm.scale": torch.zeros(0)}
        )), "parts are missing|heads of 0",
    ),
    "heads of an odd size": Hostile(
        changed(UNET, lambda tensors: tensors.update(
            {"double_blocks.0.img_attn.norm.query_norm.scale": torch.zeros(31)}
        )), "heads of 31",
    ),
    "words in one axis": Hostile(
        changed(UNET, lambda tensors: tensors.update({"txt_in.weight": torch.zeros(64)})), "parts are missing"
    ),
    "a transformer that is led by a picture": Hostile(
        changed(UNET, lambda tensors: tensors.update({"img_in.weight": torch.zeros(64, 32)})), "led by another picture"
    ),
    "a transformer of NaN": Hostile(
        changed(UNET, lambda tensors: tensors["final_layer.linear.bias"].fill_(NAN)), "'proj_out.bias' holds values"
    ),
    "a scale of NaN": Hostile(scaled(NAN), "proj_out.weight' holds values"),
    "a scale without end": Hostile(scaled(float("inf")), "proj_out.weight' holds values"),
    "a text encoder of NaN": Hostile(changed(T5, lambda tensors: tensors[WI].fill_(NAN)), "wi_0.weight' holds values"),
    "an autoencoder of NaN": Hostile(
        changed(VAE, lambda tensors: tensors["decoder.conv_in.bias"].fill_(NAN)), "'decoder.conv_in.bias' holds values"
    ),
    "a text encoder that lacks a layer": Hostile(
        changed(T5, lambda tensors: tensors.pop(WI)), "weights of its T5EncoderModel are missing"
    ),
    "a text encoder of few words": Hostile(
        changed(T5, lambda tensors: tensors.update({"shared.weight": torch.zeros(40, 64)})), "knows 40 words"
    ),
    "a text encoder of no heads": Hostile(
        changed(T5, lambda tensors: tensors.update(
            {"encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight": torch.zeros(32, 0)}
        )), "T5 text encoder is not whole",
    ),
    "half an autoencoder": Hostile(
        changed(VAE, lambda tensors: [tensors.pop(name) for name in list(tensors) if name.startswith("encoder.mid")]),
        "weights of its AutoencoderKL are missing",
    ),
    "a text encoder that is a pickle": Hostile(replaced(T5, b"\x80\x02cos\nsystem\n"), "T5 text encoder .* is not on"),
    "a text encoder that is cut off": Hostile(replaced(CLIP, b"\x08\x00\x00"), "CLIP-L text encoder .* is not on"),
    "an autoencoder without end": Hostile(linked(VAE, "/dev/zero"), "autoencoder .* is not on"),
    "an autoencoder that leads to itself": Hostile(linked(VAE, "ae.safetensors"), "autoencoder .* is not on"),
    "a folder of parts that lies": Hostile(a_lying_folder, "are not on this machine"),
}  # fmt: skip
# What no header tells.
FOUND_WHILE_LOADING = [FLOW[name] for name in FLOW if " of NaN" in name or "scale without" in name]


