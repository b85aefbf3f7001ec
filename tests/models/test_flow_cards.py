"""What is told of SD 3 and FLUX files before they are loaded: their weights' kind, their need, and what they lack."""

from pathlib import Path

import pytest
import torch
from diffusers import FluxTransformer2DModel, SD3Transformer2DModel

from paintdiff.generation.model_card import Family, ModelCard, Place
from paintdiff.models.catalogue import look_at, scan
from paintdiff.models.families import Part, identify
from paintdiff.models.fitting import GIB, needs_of
from paintdiff.models.flow_architecture import transformer_config
from paintdiff.models.flow_names import rows_of
from paintdiff.models.header import Header, TensorInfo
from paintdiff.models.storage import held_bytes
from tests.flow_files import denoiser, flux, in_float8, save, save_gguf, save_parts, sd3

SD3 = {
    "sample_size": 128, "joint_attention_dim": 4096, "caption_projection_dim": 1536, "pooled_projection_dim": 2048,
    "out_channels": 16, "pos_embed_max_size": 192,
}  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ComfyUI with FLUX in three kinds of numbers, and a language model that lies about there."""
    models = tmp_path_factory.mktemp("cards") / "ComfyUI" / "models"
    tensors = denoiser(flux())
    save(tensors, models / "diffusion_models" / "flux-dev.safetensors")
    save(in_float8(tensors), models / "diffusion_models" / "flux-dev-fp8.safetensors")
    save_gguf(tensors, models / "unet" / "flux-dev-Q8_0.gguf")
    save_gguf({"token_embd.weight": tensors["txt_in.weight"]}, models / "llm" / "chat.gguf")
    return models


def cards(models: Path) -> dict[str, ModelCard]:
    return {card.name: card for card in scan([models]) if card.place is Place.FOLDER}


def test_a_transformer_is_listed_with_what_it_lacks_until_that_is_there(models, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = cards(models)
    assert set(found) == {"flux-dev", "flux-dev-fp8", "flux-dev-Q8_0"}
    for card in found.values():
        assert card.family is Family.FLUX
        assert "ae.safetensors" in card.problem
        assert "t5xxl" in card.problem
    save_parts(flux(), models, "ae.safetensors")
    there = cards(models)
    assert set(there) == set(found)
    assert not any(card.problem for card in there.values())
    assert look_at(str(models / "unet" / "flux-dev-Q8_0.gguf")).problem == ""


def test_weights_that_stay_in_few_bits_are_named_and_counted_as_they_are(models) -> None:
    plain, float8, quantized = (cards(models)[name] for name in ("flux-dev", "flux-dev-fp8", "flux-dev-Q8_0"))
    assert [card.stored for card in (plain, float8, quantized)] == ["", "float8", "Q8_0"]
    assert plain.held_bytes == 2 * float8.held_bytes
    assert 0.5 < quantized.held_bytes / plain.held_bytes < 0.6
    assert needs_of(plain).network > needs_of(quantized).network > needs_of(float8).network
    assert needs_of(float8, width=4).network == float8.held_bytes


def test_a_flux_of_four_bits_fits_where_one_of_sixteen_does_not() -> None:
    """Of 11.9 billion numbers: 6.8 GB in Q4_K_S, 23.8 in bfloat16."""
    card = ModelCard("x", "X", Family.FLUX, Place.FOLDER, 6_800_000_000, 1024, held_bytes=6_800_000_000, stored="Q4_K")
    assert needs_of(card).rung(12 * GIB) == "text-off"
    whole = ModelCard("x", "X", Family.FLUX, Place.FOLDER, 23_800_000_000, 1024, held_bytes=23_800_000_000)
    assert needs_of(whole).rung(12 * GIB) in ("group", "sequential")


def test_the_parts_of_another_family_are_not_taken(tmp_path) -> None:
    models = tmp_path / "models"
    save(denoiser(sd3()), models / "unet" / "sd3.safetensors")
    save_parts(flux(), models, "ae.safetensors")
    assert "CLIP-G text encoder (clip_g.safetensors)" in cards(models)["sd3"].problem
    assert "autoencoder (sd3_vae.safetensors)" in cards(models)["sd3"].problem


RELEASED = {
    "FLUX dev": (Family.FLUX, FluxTransformer2DModel, {"guidance_embeds": True, "out_channels": 64}),
    "FLUX Fill": (
        Family.FLUX, FluxTransformer2DModel, {"guidance_embeds": True, "in_channels": 384, "out_channels": 64}
    ),
    "SD 3 medium": (Family.SD3, SD3Transformer2DModel, SD3 | {"num_layers": 24, "num_attention_heads": 24}),
    "SD 3.5 large": (
        Family.SD3, SD3Transformer2DModel,
        SD3 | {"num_layers": 38, "num_attention_heads": 38, "caption_projection_dim": 2432, "qk_norm": "rms_norm"},
    ),
    "SD 3.5 medium": (
        Family.SD3, SD3Transformer2DModel,
        SD3 | {"num_layers": 24, "num_attention_heads": 24, "pos_embed_max_size": 384, "qk_norm": "rms_norm",
               "dual_attention_layers": list(range(13))},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RELEASED)
def test_the_configs_of_released_transformers_are_told_from_their_shapes(name) -> None:
    family, kind, config = RELEASED[name]
    with torch.device("meta"):
        network = kind.from_config(config)
    infos = {
        name: TensorInfo("BF16", tuple(tensor.shape), 0, 2 * tensor.numel())
        for name, tensor in denoiser({"transformer": network}).items()
    }
    header = Header(Path("x.safetensors"), infos, {}, 0)
    found = identify(header)
    assert (found.part, found.family, found.inpaints) == (Part.DENOISER, family, name == "FLUX Fill")
    told = transformer_config(header, rows_of(header, family), family, 128)
    for key, value in told.items():
        own = network.config[key]
        assert value == (list(own) if isinstance(own, tuple) else own), key
    assert held_bytes(header) == 2 * sum(tensor.numel() for tensor in network.state_dict().values())
