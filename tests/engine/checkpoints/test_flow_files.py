"""SD 3 and FLUX in one file, whole or without their other parts: the same model as the folder with the same weights."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.loaders.single_file_utils import (
    convert_flux_transformer_checkpoint_to_diffusers,
    convert_sd3_transformer_checkpoint_to_diffusers,
)
from torch import Tensor

from paintdiff.engine.checkpoints.t5_vocabulary import t5_tokenizer
from paintdiff.engine.model import Model, load_model
from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family
from paintdiff.models.flow_names import rows_of
from paintdiff.models.header import Header, TensorInfo
from tests import flow_files
from tests.flow_files import denoiser, in_float8, save, save_folder, save_gguf, save_parts, save_whole, text_encoders

KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "dev": (flow_files.flux, {}), "schnell": (flow_files.flux, {"guidance": False}),
    "fill": (flow_files.flux, {"fills": True}), "sd3": (flow_files.sd3, {}),
    "sd3.5": (flow_files.sd3, {"newer": True, "t5": False}),
}  # fmt: skip
REPEATING = ("dev", "schnell", "sd3")  # what the others show together


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("flow-files")


@pytest.fixture(scope="module")
def parts() -> dict[str, Any]:
    return flow_files.flux()


@pytest.fixture(scope="module")
def comfy(root: Path, parts: dict[str, Any]) -> Path:
    """The models folder of a ComfyUI with the parts that FLUX needs beside its transformer."""
    save_parts(parts, root / "ComfyUI" / "models", "ae.safetensors")
    return root / "ComfyUI" / "models"


@pytest.fixture(scope="module")
def whole(root: Path, parts: dict[str, Any]) -> Model:
    return opened(save_folder(parts, root / "folder"))


def opened(source: Path) -> Model:
    return load_model(str(source), "cpu", torch.float32)


def answer(model: Model, prompt: str = "a red apple") -> Tensor:
    """What the network says of some latents, fewer than it was made for."""
    x_t = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(2))
    condition = replace(model.encode_text(prompt), guidance=torch.tensor([3.5]))
    if model.mask_channels:
        condition = replace(condition, mask=torch.ones(1, 1, 8, 8), known=x_t / 2)
    with torch.no_grad():
        return model.network(x_t, 0.5, condition)


def same(one: Model, other: Model) -> None:
    assert torch.equal(answer(one), answer(other))
    for prompt in ("A café, ﬁne", ""):
        mine, theirs = one.encode_text(prompt), other.encode_text(prompt)
        assert torch.equal(mine.text, theirs.text)
        assert torch.equal(mine.pooled, theirs.pooled)
    with torch.no_grad():
        latents = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(4))
        assert torch.equal(one.space.to_pixels(latents), other.space.to_pixels(latents))


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.slow if kind in REPEATING else ()) for kind in KINDS]
)
def test_a_whole_file_is_the_same_model_as_the_folder_with_its_weights(root, kind) -> None:
    make, options = KINDS[kind]
    parts = make(**options)
    one, other = opened(save_whole(parts, root / f"{kind}.safetensors")), opened(save_folder(parts, root / kind))
    same(one, other)
    assert one.schedule == other.schedule
    assert one.info == replace(other.info, name=one.info.name)
    assert one.info.mask_channels == (kind == "fill")
    pixels = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(3)) * 2 - 1
    with torch.no_grad():
        assert torch.equal(one.space.from_pixels(pixels), other.space.from_pixels(pixels))


@pytest.mark.parametrize("layout", [pytest.param("first", marks=pytest.mark.slow), "prefixed", "diffusers"])
def test_a_transformer_alone_takes_its_other_parts_from_beside_it(parts, comfy, whole, layout) -> None:
    tensors = denoiser(parts)
    if layout == "prefixed":
        tensors = {f"model.diffusion_model.{name}": tensor for name, tensor in tensors.items()}
    elif layout == "diffusers":
        tensors = parts["transformer"].state_dict()
    same(opened(save(tensors, comfy / "diffusion_models" / f"{layout}.safetensors")), whole)


def test_a_transformer_alone_takes_its_other_parts_from_a_folder_of_its_family(root, parts, whole, monkeypatch) -> None:
    lone = save(denoiser(parts), root / "lone" / "flux.safetensors")
    with pytest.raises(UserError, match=r"autoencoder \(ae.safetensors\), the CLIP-L .* and the T5 .* text_encoders"):
        opened(lone)
    monkeypatch.setattr("paintdiff.models.companions.model_folders", lambda: (root / "folder",))
    same(opened(lone), whole)


def test_sd3_paints_without_t5_and_without_it_says_what_else_is_missing(root) -> None:
    parts = flow_files.sd3(t5=False)
    models = root / "small" / "models"
    lone = save(denoiser(parts), models / "unet" / "sd3.safetensors")
    save_parts(parts, models, "sd3_vae.safetensors")
    same(opened(lone), opened(save_folder(parts, root / "small" / "folder")))
    (models / "vae" / "sd3_vae.safetensors").rename(models / "vae" / "ae.safetensors")  # that of FLUX by its name
    with pytest.raises(UserError, match=r"the autoencoder .* is not on this machine"):
        opened(lone)


@pytest.mark.parametrize("family", [Family.SD3, Family.FLUX])
def test_tensors_are_taken_apart_as_diffusers_does(family) -> None:
    """On columns that number the rows, at the widths of a real FLUX, which theirs takes for granted."""
    parts = flow_files.flux() if family is Family.FLUX else flow_files.sd3(newer=True)
    scale = 3072 // 64 if family is Family.FLUX else 1
    tensors: dict[str, Tensor] = {}
    for name, tensor in denoiser(parts).items():
        count = tensor.shape[0] * scale if name not in ("pos_embed", "img_in.weight") else tensor.shape[0]
        count = 3072 if name == "img_in.weight" else count
        rows = torch.arange(count, dtype=torch.float32)
        tensors[name] = rows if tensor.ndim == 1 else rows.reshape(-1, *[1] * (tensor.ndim - 1))
        if name == "context_embedder.weight":
            tensors[name] = tensors[name].expand(-1, 1)
    infos = {name: TensorInfo("F32", tuple(tensor.shape), 0, 0) for name, tensor in tensors.items()}
    found = rows_of(Header(Path("x"), infos, {}, 0), family)
    convert = convert_flux_transformer_checkpoint_to_diffusers
    if family is Family.SD3:
        convert = convert_sd3_transformer_checkpoint_to_diffusers
    expected = convert(dict(tensors))
    assert set(found) == set(expected)
    for name, rows in found.items():
        taken = tensors[rows.name][rows.begin : rows.end]
        if rows.turned:
            taken = torch.cat(taken.chunk(2)[::-1])
        assert torch.equal(taken, expected[name]), name


def test_the_vocabulary_that_ships_is_that_of_t5() -> None:
    """The numbers are those of the sentence in T5's own documentation."""
    assert t5_tokenizer()("translate English to German: The house is wonderful.").input_ids == [
        13959, 1566, 12, 2968, 10, 37, 629, 19, 1627, 5, 1
    ]  # fmt: skip
    assert t5_tokenizer()("ﬁne ½ Ａ").input_ids == t5_tokenizer()("fine 1⁄2 A").input_ids


def test_float8_weights_stay_so_unless_something_else_is_asked(parts, comfy) -> None:
    tensors = denoiser(parts)
    path = save(in_float8(tensors), comfy / "diffusion_models" / "float8.safetensors")
    model = load_model(str(path), "cpu")
    assert model.info.precision == "float8"
    assert model.parts.denoiser.transformer_blocks[0].ff.net[2].weight.dtype == torch.float8_e4m3fn
    rough = {name: tensor.float() for name, tensor in in_float8(tensors).items()}
    plain = save(rough, comfy / "diffusion_models" / "rough.safetensors")
    assert torch.equal(answer(model), answer(load_model(str(plain), "cpu", torch.bfloat16)))
    wide = opened(path)
    assert wide.info.precision == "float32"
    assert torch.equal(answer(wide), answer(opened(plain)))


def test_scaled_float8_weights_are_multiplied_by_their_scale(parts, comfy) -> None:
    layer = "single_blocks.0.linear2"
    tensors = denoiser(parts)
    plain = dict(tensors)
    tensors[f"{layer}.weight"] = (tensors[f"{layer}.weight"] * 4).to(torch.float8_e4m3fn)
    plain[f"{layer}.weight"] = tensors[f"{layer}.weight"].float() / 4
    tensors |= {f"{layer}.scale_weight": torch.tensor(0.25), "scaled_fp8": torch.zeros(2).to(torch.float8_e4m3fn)}
    one = opened(save(tensors, comfy / "diffusion_models" / "scaled.safetensors"))
    assert torch.equal(answer(one), answer(opened(save(plain, comfy / "diffusion_models" / "plain.safetensors"))))


def test_opening_a_file_and_its_companions_touches_no_network(parts, comfy) -> None:
    path = save_gguf(denoiser(parts), comfy / "diffusion_models" / "offline.gguf")
    code = """
import socket, sys
def refuse(*arguments, **options):
    raise SystemExit("the network was touched")
for name in ("connect", "connect_ex", "sendto", "listen"):
    setattr(socket.socket, name, refuse)
socket.getaddrinfo = socket.create_connection = refuse
from paintdiff.engine.model import load_model
print(load_model(sys.argv[1], "cpu").info.precision)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, cwd=Path(__file__).parents[3],
        timeout=300, env={"HF_HOME": "/nowhere", "PATH": "", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.stdout.strip() == "Q8_0", done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("double_blocks.1.img_attn.qkv.weight", "weights of its FluxTransformer2DModel are missing"),
        ("double_blocks.0.img_attn.proj.weight", "are missing"), ("img_in.weight", "no x_embedder.weight"),
        ("final_layer.linear.bias", "are missing"),
    ],
)  # fmt: skip
def test_a_transformer_that_lacks_something_is_one_clear_sentence(parts, comfy, name, words) -> None:
    tensors = denoiser(parts)
    del tensors[name]
    with pytest.raises(UserError, match=words) as raised:
        opened(save(tensors, comfy / "diffusion_models" / "cut.safetensors"))
    assert "\n" not in str(raised.value)


def test_text_encoders_have_the_names_of_comfyui(parts) -> None:
    """What the tests save is what ComfyUI has: the names by which it finds them."""
    found = text_encoders(parts)
    assert "text_model.embeddings.token_embedding.weight" in found["clip_l"]
    assert "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight" in found["t5xxl"]
