"""Checkpoints that lie, are damaged or set a trap, each made by a few lines from a sound one."""

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

# Is given a copy of a sound Stable Diffusion folder and gives what is to be opened, in it or beside it.
Build = Callable[[Path], Path]
GIGA = 10**9


@dataclass(frozen=True)
class Hostile:
    """What is opened, and what the refusal must say."""

    build: Build
    words: str


# One file

F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def written(folder: Path, content: bytes, name: str = "x.safetensors") -> Path:
    (folder.parent / name).write_bytes(content)
    return folder.parent / name


def weights_file(header: Any, data: bytes = b"", length: int | None = None) -> Build:
    """A file with this header, as JSON or as it is, that claims `length` bytes for it."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    begin = (len(text) if length is None else length).to_bytes(8, "little")
    return lambda folder: written(folder, begin + text + data)


def content(start: bytes, name: str = "x.safetensors") -> Build:
    return lambda folder: written(folder, start, name)


def bloated_header(folder: Path) -> Path:
    """A header that claims 100 MiB, in a file that has them (as a hole)."""
    path = written(folder, (100 * 2**20).to_bytes(8, "little") + b"{")
    os.truncate(path, 200 * 2**20)
    return path


def renamed_ckpt(folder: Path) -> Path:
    with zipfile.ZipFile(folder.parent / "x.safetensors", "w") as file:
        file.writestr("archive/data.pkl", b"\x80\x02cos\nsystem\n")
    return folder.parent / "x.safetensors"


def a_pipe(folder: Path) -> Path:
    os.mkfifo(folder.parent / "x.safetensors")
    return folder.parent / "x.safetensors"


def a_folder(folder: Path) -> Path:
    (folder.parent / "x.safetensors").mkdir()
    return folder.parent / "x.safetensors"


def link_to(target: str) -> Build:
    def build(folder: Path) -> Path:
        (folder.parent / "x.safetensors").symlink_to(target)
        return folder.parent / "x.safetensors"

    return build


def odd_names(folder: Path) -> Path:
    """Sound, but no model; its names end lines, turn the writing round and are a megabyte long."""
    names = ["two\nlines", "\u202egnp.exe", "\x1b[2J", "n" * 2**20, "\ud800"]
    header = json.dumps({name: {"dtype": "F32", "shape": [1, -1], "data_offsets": [0, 4]} for name in names})
    return weights_file(header.encode())(folder)


FILES = {
    "cut off in its data": Hostile(weights_file({"a": F32}, b"1234"), "cut off"),
    "cut off in its header": Hostile(weights_file({"a": F32}, length=500), "cut off"),
    "cut off in its length": Hostile(content(b"\x08\x00\x00"), "ends before its header"),
    "data after its last tensor": Hostile(weights_file({"a": F32}, b"0" * 99), "goes on for 91 bytes"),
    "tensors that overlap": Hostile(
        weights_file({"a": F32, "b": F32 | {"data_offsets": [4, 12]}}, b"0" * 12), "'b' overlaps another"
    ),
    "tensors with a gap": Hostile(weights_file({"a": F32, "b": F32 | {"data_offsets": [12, 20]}}, b"0" * 20), "a gap"),
    "a tensor that ends before it begins": Hostile(weights_file({"a": F32 | {"data_offsets": [8, 0]}}), "lies at"),
    "a bloated header": Hostile(bloated_header, "claims 104857600 bytes"),
    "a header of 2^63 bytes": Hostile(weights_file({"a": F32}, length=2**63), "claims 9223372036854775808 bytes"),
    "a negative shape": Hostile(weights_file({"a": F32 | {"shape": [-2]}}, b"0" * 8), "has the shape"),
    "a shape that overflows": Hostile(weights_file({"a": F32 | {"shape": [2**62, 2**62]}}, b"0" * 8), "not what its"),
    "a shape of a million axes": Hostile(weights_file({"a": F32 | {"shape": [1] * 10**6}}, b"0" * 8), "has the shape"),
    "a shape that is no number": Hostile(weights_file({"a": F32 | {"shape": [True, 2.0]}}, b"0" * 8), "has the shape"),
    "a shape of NaN": Hostile(
        weights_file(b'{"a": {"dtype": "F32", "shape": [NaN], "data_offsets": [0, 8]}}', b"0" * 8), "NaN is no number"
    ),
    "a number of a million digits": Hostile(weights_file(b'{"a": ' + b"9" * 10**6 + b"}"), "cannot be read"),
    "a type that is not known": Hostile(weights_file({"a": F32 | {"dtype": "OBJECT"}}, b"0" * 8), "'OBJECT'"),
    "a type that is a lie": Hostile(weights_file({"a": F32 | {"dtype": "F16"}}, b"0" * 8), "8 bytes, which is not"),
    "an entry with more in it": Hostile(weights_file({"a": F32 | {"code": "import os"}}, b"0" * 8), "that of a tensor"),
    "a name that stands there twice": Hostile(
        weights_file(b'{"a": %s, "a": %s}' % ((json.dumps(F32).encode(),) * 2), b"0" * 8), "'a' stands there twice"
    ),
    "a header that is a list": Hostile(weights_file([1, 2]), "not a JSON object"),
    "a header nested without end": Hostile(weights_file(b'{"a":' + b"[" * 10**6), "nested too deeply"),
    "metadata that is no text": Hostile(weights_file({"__metadata__": {"a": 1}, "a": F32}, b"0" * 8), "metadata"),
    "150,000 tensors": Hostile(weights_file({f"{i}": 0 for i in range(150_000)}), "lists 150000 tensors"),
    "names that play with the screen": Hostile(odd_names, "has the shape"),
    "no tensors": Hostile(weights_file({}), "not a compatible model"),
    "only a LoRA": Hostile(
        weights_file({"lora_unet_mid.lora_down.weight": F32}, b"0" * 8), "not a compatible model: .* only a LoRA"
    ),
    "a pickle by its name": Hostile(content(b"\x80\x02", "x.ckpt"), "is a pickle: .* safetensors"),
    "a zipped pickle renamed": Hostile(renamed_ckpt, "as which pickles are kept: .* safetensors"),
    "an old pickle renamed": Hostile(content(b"\x80\x02}q\x01."), "is a pickle"),
    "a web page": Hostile(content(b"<!DOCTYPE html><html><body>404</body></html>"), "a web page"),
    "a git-lfs pointer": Hostile(content(b"version https://git-lfs.github.com/spec/v1\noid sha256:0"), "git-lfs"),
    "an empty file": Hostile(content(b""), "is empty"),
    "a folder by the name of a file": Hostile(a_folder, "model_index.json nor a config.json"),
    "a pipe": Hostile(a_pipe, "not a regular file"),
    "a link to an endless device": Hostile(link_to("/dev/zero"), "not a regular file"),
    "a link to itself": Hostile(link_to("x.safetensors"), "x.safetensors is a link to what is not there"),
    "a link to nothing": Hostile(link_to("nothing.safetensors"), "x.safetensors is a link to what is not there"),
}


# A folder

UNET, TEXT = "unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"


def told(name: str, **entries: Any) -> Build:
    """A JSON file of the folder with other entries."""

    def build(folder: Path) -> Path:
        values = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(values | entries))
        return folder

    return build


def unet(**entries: Any) -> Build:
    return told("unet/config.json", **entries)


def scheduler(**entries: Any) -> Build:
    return told("scheduler/scheduler_config.json", **entries)


def replaced(name: str, text: str) -> Build:
    def build(folder: Path) -> Path:
        (folder / name).write_text(text)
        return folder

    return build


def reweighed(name: str, change: Callable[[dict[str, torch.Tensor]], Any]) -> Build:
    """Weights of the folder, changed."""

    def build(folder: Path) -> Path:
        tensors = load_file(folder / name)
        change(tensors)
        save_file(tensors, folder / name, {"format": "pt"})
        return folder

    return build


def moved_out(name: str) -> Build:
    """A part of the folder lies elsewhere, and a link leads there."""

    def build(folder: Path) -> Path:
        outside = folder.parent / "outside"
        shutil.move(folder / name, outside)
        (folder / name).symlink_to(outside)
        return folder

    return build


def sharded(names: Callable[[Path], str], tensor: str | None = None) -> Build:
    """The denoiser's weights in a shard of that name, which lies where it says; or an index that tells of `tensor`."""

    def build(folder: Path) -> Path:
        weights = folder / UNET
        name = names(weights)
        weight_map = dict.fromkeys([tensor] if tensor else load_file(weights), name)
        shutil.move(weights, weights.parent / name)
        Path(f"{weights}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
        return folder

    return build


def other_file(source: str, name: str) -> Build:
    def build(folder: Path) -> Path:
        shutil.copy(folder / source, folder / name)
        return folder

    return build


def pickled(folder: Path) -> Path:
    (folder / UNET).unlink()
    (folder / "unet/diffusion_pytorch_model.bin").write_bytes(b"\x80\x02cos\nsystem\n")
    return folder


def piped(name: str) -> Build:
    def build(folder: Path) -> Path:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)
        return folder

    return build


def huge(name: str) -> Build:
    """A file of 5 GiB that takes no room."""

    def build(folder: Path) -> Path:
        os.truncate(folder / name, 5 * 2**30)
        return folder

    return build


def billionth_word(folder: Path) -> Path:
    values = json.loads((folder / "tokenizer/tokenizer.json").read_text())
    values["model"]["vocab"]["red</w>"] = GIGA
    (folder / "tokenizer/tokenizer.json").write_text(json.dumps(values))
    return folder


def crowded(folder: Path) -> Path:
    for i in range(1500):
        (folder / "tokenizer" / str(i)).touch()
    return folder


def of_our_kind(**entries: Any) -> Build:
    """A folder in the format of the bundled model."""

    def build(folder: Path) -> Path:
        config = {
            "kind": "fill", "size": 16, "prediction": "x0", "schedule": {"kind": "flow"}, "tokenizer": "tokenizer.json",
            "weights": "model.safetensors", "network": {"vocabulary": 5},
        }  # fmt: skip
        (folder / "model_index.json").unlink()
        (folder / "config.json").write_text(json.dumps(config | entries))
        return folder

    return build


FOLDERS = {
    "a billion channels": Hostile(unet(block_out_channels=[GIGA, GIGA]), f"block_out_channels is .{GIGA}"),
    "a billion layers": Hostile(unet(layers_per_block=GIGA), "more layers than any model"),
    "layers in layers": Hostile(unet(transformer_layers_per_block=[[900], [900]]), "more layers than any model"),
    "negative channels": Hostile(unet(in_channels=-4), "in_channels is -4"),
    "a billion words": Hostile(told("text_encoder/config.json", vocab_size=GIGA), "vocab_size"),
    "a picture of a billion pixels": Hostile(unet(sample_size=GIGA), "sample_size"),
    "a picture of no pixels": Hostile(unet(sample_size=0), "sample_size"),
    "a list of a million": Hostile(unet(down_block_types=[""] * 10**6), "1000000 entries"),
    "a config nested deeply": Hostile(replaced("unet/config.json", '{"a":' + "[" * 50 + "]" * 50 + "}"), "too deeply"),
    "a config nested without end": Hostile(replaced("unet/config.json", '{"a":' + "[" * 10**6), "too deeply"),
    "a config of 5 GiB": Hostile(huge("unet/config.json"), "5120 MiB"),
    "a config that is a list": Hostile(replaced("vae/config.json", "[]"), "not a JSON object"),
    "a config that is a web page": Hostile(replaced("vae/config.json", "<html></html>"), "cannot be read"),
    "a config of NaN": Hostile(told("vae/config.json", scaling_factor=float("nan")), "scaling_factor is nan"),
    "another network's config": Hostile(unet(block_out_channels=[8, 8]), "not those of its config"),
    "attention from elsewhere": Hostile(
        told("text_encoder/config.json", _attn_implementation="owner/kernel"), "'owner/kernel'"
    ),
    "weights under another name": Hostile(
        told("text_encoder/config.json", transformers_weights="../../x.safetensors"), "transformers_weights"
    ),
    "more layers within": Hostile(
        told("text_encoder/config.json", vision_config={"num_hidden_layers": GIGA}), "more layers than any model"
    ),
    "quantized weights": Hostile(unet(quantization_config={"quant_method": "gguf"}), "quantization_config"),
    "an adapter that leads elsewhere": Hostile(
        replaced("text_encoder/adapter_config.json", '{"base_model_name_or_path": "owner/other"}'), "another place"
    ),
    "a part of any module": Hostile(told("model_index.json", unet=["os", "system"]), "'system'"),
    "a pipeline of any module": Hostile(told("model_index.json", _class_name=["pipeline", "Mine"]), "cannot open"),
    "a pipeline of its own": Hostile(told("model_index.json", _class_name="MyPipeline"), "'MyPipeline'"),
    "one more part": Hostile(told("model_index.json", helper=["subprocess", "Popen"]), "'Popen'"),
    "a part outside by its name": Hostile(
        told("model_index.json", **{"../vae": ["diffusers", "AutoencoderKL"]}), "'../vae'"
    ),
    "no part at all": Hostile(replaced("model_index.json", '{"_class_name": "DDPMPipeline"}'), "has no unet"),
    "an index of 5 GiB": Hostile(huge("model_index.json"), "larger than"),
    "an index that is a pipe": Hostile(piped("model_index.json"), "neither a model_index.json nor"),
    "missing tensors": Hostile(reweighed(UNET, lambda tensors: tensors.pop("conv_out.weight")), "1 of 208 are missing"),
    "extra tensors": Hostile(
        reweighed(UNET, lambda tensors: tensors.update(secret=torch.zeros(2))), "more than it has, such as 'secret'"
    ),
    "a tensor of another shape": Hostile(
        reweighed(UNET, lambda tensors: tensors.update({"conv_norm_out.bias": torch.zeros(9)})), "another shape"
    ),
    "an autoencoder as the denoiser": Hostile(
        other_file("vae/diffusion_pytorch_model.safetensors", UNET), "not a compatible model: .* an autoencoder"
    ),
    "a denoiser as the text encoder": Hostile(other_file(UNET, TEXT), "not a compatible model: .* a denoiser"),
    "weights that are NaN": Hostile(
        reweighed(UNET, lambda tensors: tensors["conv_norm_out.bias"].fill_(float("nan"))), "'conv_norm_out.bias' holds"
    ),
    "weights that are infinite": Hostile(
        reweighed(TEXT, lambda tensors: tensors["final_layer_norm.bias"][:1].fill_(float("inf"))), "not numbers"
    ),
    "weights of which there are only pickles": Hostile(pickled, "are pickles: .* safetensors"),
    "weights that are a pipe": Hostile(piped(UNET), "not a regular file"),
    "a pipe that nobody asked for": Hostile(piped("tokenizer/special_tokens_map.json"), "not a regular file"),
    "weights behind a link": Hostile(moved_out(UNET), "leads out of the model's folder"),
    "a part behind a link": Hostile(moved_out("vae"), "leads out of the model's folder"),
    "a config behind a link": Hostile(moved_out("scheduler/scheduler_config.json"), "leads out of the model's folder"),
    "an index behind a link": Hostile(moved_out("model_index.json"), "leads out of the model's folder"),
    "a shard in the folder above": Hostile(sharded(lambda weights: "../shard.safetensors"), "not the plain name"),
    "a shard by its whole path": Hostile(
        sharded(lambda weights: str(weights.with_name("shard.safetensors"))), "not the plain name"
    ),
    "a shard that is a pickle": Hostile(sharded(lambda weights: "shard.bin"), "not the plain name"),
    "a shard without its tensor": Hostile(
        sharded(lambda weights: "shard.safetensors", "absent"), "'absent' lies in shard.safetensors"
    ),
    "a shard index of numbers": Hostile(
        replaced(f"{UNET}.index.json", '{"weight_map": {"a": 1}}'), "which tensor lies in which file"
    ),
    "a folder of 1,500 files": Hostile(crowded, "more than 1000 files"),
    "a word by the number of a billion": Hostile(billionth_word, "words beyond the 516"),
    "a tokenizer of 5 GiB": Hostile(huge("tokenizer/tokenizer.json"), "5120 MiB"),
    "a tokenizer of another make": Hostile(
        told("tokenizer/tokenizer.json", post_processor={"type": "Mine"}), "not a valid model"
    ),
    "a last word that is not known": Hostile(
        told("tokenizer/tokenizer_config.json", eos_token="../.."), "words beyond the 516"
    ),
    "a tokenizer that cannot fill up": Hostile(
        told("tokenizer/tokenizer_config.json", pad_token=None), "not a valid model"
    ),
    "a scale that is a list": Hostile(unet(mid_block_scale_factor=[0]), "mid_block_scale_factor is"),
    "a margin of a billion pixels": Hostile(unet(downsample_padding=GIGA), "downsample_padding is"),
    "a spread for too many channels": Hostile(told("vae/config.json", latents_std=[1.0] * 9), "latents_std is"),
    "a text that plays with the screen": Hostile(unet(out_channels="\u202e\n"), "conv_out.weight is"),
    "a trillion noise levels": Hostile(scheduler(num_train_timesteps=10**12), "num_train_timesteps"),
    "no noise levels": Hostile(scheduler(num_train_timesteps=0), "num_train_timesteps is 0"),
    "noise of NaN": Hostile(scheduler(beta_end=float("nan")), "share nan of noise"),
    "noise that is text": Hostile(scheduler(trained_betas=["a lot"]), "share 'a lot' of noise"),
    "more noise than all": Hostile(scheduler(trained_betas=[0.5, 1.5]), "share 1.5 of noise"),
    "our own kind, a billion wide": Hostile(of_our_kind(network={"vocabulary": 5, "widths": [GIGA] * 3}), "widths is"),
    "our own kind, a billion deep": Hostile(of_our_kind(network={"vocabulary": 5, "blocks": [GIGA]}), "blocks is"),
    "our own kind, of a billion pixels": Hostile(of_our_kind(size=8 * GIGA), "size is"),
    "our own kind, with weights elsewhere": Hostile(of_our_kind(weights="../x.safetensors"), "not a plain file name"),
}


# What looks bad and does no harm, since nothing of it is ever read


def code_beside(folder: Path) -> Path:
    for part in (folder, folder / "unet", folder / "text_encoder"):
        (part / "pipeline.py").write_text("raise SystemExit('code from the folder was run')")
    told("text_encoder/config.json", auto_map={"AutoModel": "pipeline.Mine"}, trust_remote_code=True)(folder)
    return told("model_index.json", _module="pipeline")(folder)


def pickle_beside(folder: Path) -> Path:
    (folder / "unet/diffusion_pytorch_model.bin").write_bytes(b"\x80\x02cos\nsystem\n")
    return folder


def hub_cache(folder: Path) -> Path:
    """The folder as it lies in a hub cache: every file a link to a blob of the repository."""
    blobs = folder.parent / "models--owner--name/blobs"
    snapshot = blobs.parent / "snapshots/0123abc"
    blobs.mkdir(parents=True)
    for i, file in enumerate(path for path in sorted(folder.rglob("*")) if path.is_file()):
        shutil.copy(file, blobs / str(i))
        link = snapshot / file.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blobs / str(i), link.parent))
    return snapshot


def linked_within(folder: Path) -> Path:
    (folder / "vae/config.json").rename(folder / "vae.json")
    (folder / "vae/config.json").symlink_to("../vae.json")
    return folder


def older_names(folder: Path) -> Path:
    """Tensors by the names that released checkpoints have, and with what they hold beside them."""

    def of_text(tensors: dict[str, torch.Tensor]) -> None:
        for name in list(tensors):
            tensors[f"text_model.{name}"] = tensors.pop(name)
        tensors["text_model.embeddings.position_ids"] = torch.arange(77)[None]

    def of_attention(tensors: dict[str, torch.Tensor]) -> None:
        for name in list(tensors):
            older = name.replace(".to_q.", ".query.").replace(".to_k.", ".key.").replace(".to_v.", ".value.")
            tensors[older.replace(".to_out.0.", ".proj_attn.")] = tensors.pop(name)

    return reweighed("vae/diffusion_pytorch_model.safetensors", of_attention)(reweighed(TEXT, of_text)(folder))


HARMLESS = {
    "names of earlier versions": older_names,
    "code beside": code_beside,
    "a pickle beside": pickle_beside,
    "links of the hub's cache": hub_cache,
    "links within the folder": linked_within,
    "sound shards": sharded(lambda weights: "shard-1.safetensors"),
    "an unbounded log-SNR": scheduler(lambda_min_clipped=float("-inf")),
}
