"""LoRAs on SD 3 and FLUX: what they do is what they do in diffusers' pipelines, in whatever layout they come."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from diffusers import DiffusionPipeline, FluxPipeline, StableDiffusion3Pipeline
from safetensors.torch import load_file, save_file
from torch import Tensor

from paintdiff.engine.add_ons.lora import Loras
from paintdiff.engine.model import Model
from paintdiff.engine.noise import Noise
from paintdiff.generation.add_ons import Lora
from paintdiff.generation.errors import UserError
from tests import flow_files
from tests.engine.side_by_side import NEGATIVE, PROMPT, W, close, opened, ours, theirs
from tests.tiny_flow_add_ons import tiny_flow_lora
from tests.tiny_flow_checkpoints import tiny_flux, tiny_stable_diffusion_3

STEPS, STRENGTH = 3, 0.7


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("flow-loras")
    return {
        "sd3": tiny_stable_diffusion_3(root / "sd3"), "flux": tiny_flux(root / "flux"),
        "fill": tiny_flux(root / "fill", fills=True),
    }  # fmt: skip


@pytest.fixture(scope="module")
def models(folders) -> dict[str, Model]:
    return {kind: opened(folder) for kind, folder in folders.items()}


@pytest.fixture(scope="module")
def loras(models) -> Iterator[dict[str, Loras]]:
    bare = {kind: answer(model) for kind, model in models.items() if kind != "fill"}
    found = {kind: Loras(model.parts) for kind, model in models.items()}
    yield found
    for kind, each in found.items():
        each.put([])
        assert kind == "fill" or torch.equal(answer(models[kind]), bare[kind])


def answer(model: Model) -> Tensor:
    """What a short run ends with."""
    times = [1.0, 0.6, 0.3, 0.0]
    told = None if not model.reads_guidance else W
    return ours(model, Noise(3, model.space.shape)(0), times, w=1.0 if told else W, sampler="euler", guidance=told)


def file_for(model: Model, file: Path, layout: str, **more: object) -> Path:
    clips = [each for each in model.parts.text_encoders if not type(each).__name__.startswith("T5")]
    return tiny_flow_lora(file, model.parts.denoiser, tuple(clips), layout, **more)


def close_to_pipeline(model: Model, pipeline: DiffusionPipeline, file: Path) -> bool:
    """The same prompt, levels and noise through both, diffusers with its own loader."""
    pipeline.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name="a")
    pipeline.set_adapters(["a"], [STRENGTH])
    said = {"prompt": PROMPT, "num_inference_steps": STEPS, "height": 32, "width": 32, "output_type": "latent"}
    noise = Noise(3, model.space.shape)(0)
    if model.reads_guidance:
        from paintdiff.engine.checkpoints.flow_transformer import packed_tokens

        expected = pipeline(**said, guidance_scale=W, latents=packed_tokens(noise)).images
        shift = model.schedule.shift
        times = [s / (shift - (shift - 1) * s) for s in pipeline.scheduler.sigmas.double().tolist()]
        found = packed_tokens(ours(model, noise, times, w=1.0, sampler="euler", guidance=W))
    else:
        expected = pipeline(**said, guidance_scale=W, negative_prompt=NEGATIVE, latents=noise).images
        shift = model.schedule.shift
        times = [s / (shift - (shift - 1) * s) for s in pipeline.scheduler.sigmas.double().tolist()]
        found = ours(model, noise, times, sampler="euler")
    pipeline.unload_lora_weights()
    return close(found, expected)


@pytest.mark.parametrize(("kind", "pipeline"), [("sd3", StableDiffusion3Pipeline), ("flux", FluxPipeline)])
def test_a_lora_does_what_it_does_in_diffusers(folders, models, loras, kind, pipeline, tmp_path) -> None:
    model, file = models[kind], file_for(models[kind], tmp_path / "lora.safetensors", "diffusers")
    before = answer(model)
    assert loras[kind].put([Lora(str(file), STRENGTH)]) == []
    assert close_to_pipeline(model, theirs(pipeline, folders[kind]), file)
    assert not close(answer(model), before, 0.02)
    loras[kind].put([])
    assert torch.equal(answer(model), before)
    assert not any(name.startswith("lora_") for name, _ in model.parts.denoiser.named_modules())


def test_a_lora_of_kohya_s_for_flux_does_what_it_does_in_diffusers(folders, models, loras, tmp_path) -> None:
    """But for the single blocks, which diffusers only splits at their full size."""
    file = file_for(models["flux"], tmp_path / "lora.safetensors", "kohya", single=False)
    save_file({k: x for k, x in load_file(file).items() if "final_layer" not in k}, file)  # theirs forgets its alpha
    loras["flux"].put([Lora(str(file), STRENGTH)])
    assert close_to_pipeline(models["flux"], theirs(FluxPipeline, folders["flux"]), file)


@pytest.mark.parametrize("layout", ["kohya", "comfy"])
@pytest.mark.parametrize("kind", ["sd3", "flux"])
def test_each_layout_of_a_lora_does_the_same(models, loras, kind, layout, tmp_path) -> None:
    model = models[kind]
    plain = file_for(model, tmp_path / "diffusers.safetensors", "diffusers")
    other = file_for(model, tmp_path / "other.safetensors", layout)
    loras[kind].put([Lora(str(plain), STRENGTH)])
    expected = answer(model)
    loras[kind].put([Lora(str(other), STRENGTH)])
    assert close(answer(model), expected, 1e-5)


def test_what_xlabs_trains_for_flux_does_what_it_does_in_diffusers(folders, models, loras, tmp_path) -> None:
    model, g = models["flux"], torch.Generator().manual_seed(2)
    width, tensors = model.parts.denoiser.transformer_blocks[0].attn.to_q.in_features, {}
    for name, rows in (("qkv_lora1", 3), ("qkv_lora2", 3), ("proj_lora1", 1), ("proj_lora2", 1)):
        stem = f"double_blocks.0.processor.{name}"
        tensors[f"{stem}.down.weight"] = torch.randn(2, width, generator=g) * 0.3
        tensors[f"{stem}.up.weight"] = torch.randn(rows * width, 2, generator=g) * 0.3
    save_file(tensors, file := tmp_path / "xlabs.safetensors")
    assert loras["flux"].put([Lora(str(file), STRENGTH)]) == []
    assert close_to_pipeline(model, theirs(FluxPipeline, folders["flux"]), file)


def test_what_diffusers_saves_beside_a_lora_counts(folders, models, loras, tmp_path) -> None:
    """Its alpha, in the notes of the file."""
    file = file_for(models["sd3"], tmp_path / "lora.safetensors", "diffusers")
    names = sorted({key.rpartition(".lora_")[0].removeprefix("transformer.") for key in load_file(file)
                    if key.startswith("transformer.")})  # fmt: skip
    said = {"transformer.r": 3, "transformer.lora_alpha": 6, "transformer.target_modules": names,
            "transformer.alpha_pattern": {"transformer_blocks.0.attn.to_q": 1}}  # fmt: skip
    tensors = {key: x for key, x in load_file(file).items() if key.startswith("transformer.")}
    save_file(tensors, file, {"lora_adapter_metadata": json.dumps(said)})
    loras["sd3"].put([Lora(str(file), STRENGTH)])
    assert close_to_pipeline(models["sd3"], theirs(StableDiffusion3Pipeline, folders["sd3"]), file)


def test_t5_is_changed_too_where_a_file_says_so(models, loras, tmp_path) -> None:
    g = torch.Generator().manual_seed(1)
    name = "lora_te3_encoder_block_0_layer_0_SelfAttention_q"
    tensors = {f"{name}.lora_down.weight": torch.randn(2, 32, generator=g)}
    tensors[f"{name}.lora_up.weight"] = torch.randn(16, 2, generator=g)
    save_file(tensors, tmp_path / "t5.safetensors")
    for kind in ("sd3", "flux"):
        loras[kind].put([])
        before = models[kind].encode_text(PROMPT).text
        assert loras[kind].put([Lora(str(tmp_path / "t5.safetensors"))]) == []
        assert not torch.equal(models[kind].encode_text(PROMPT).text, before)


def test_a_lora_for_flux_goes_onto_fill_whose_first_layer_reads_more(models, loras, tmp_path) -> None:
    g = torch.Generator().manual_seed(1)
    tensors = {"transformer.x_embedder.lora_A.weight": torch.randn(2, 16, generator=g),
               "transformer.x_embedder.lora_B.weight": torch.randn(32, 2, generator=g)}  # fmt: skip
    save_file(tensors, tmp_path / "first.safetensors")
    assert loras["fill"].put([Lora(str(tmp_path / "first.safetensors"))]) == []
    layer = models["fill"].parts.denoiser.x_embedder
    x = torch.randn(1, 96, generator=g)
    with torch.no_grad():
        added = layer(x) - torch.nn.functional.linear(x, layer.weight, layer.bias)
    one, other = tensors.values()
    torch.testing.assert_close(added, x[:, :16] @ one.T @ other.T)


def test_quantized_weights_take_a_lora_but_no_dora(tmp_path) -> None:
    own = flow_files.flux()
    flow_files.save_parts(own, tmp_path / "models", "ae.safetensors")
    file = flow_files.save_gguf(flow_files.denoiser(own), tmp_path / "models" / "unet" / "painter-Q8_0.gguf")
    model, g = opened(file), torch.Generator().manual_seed(1)
    before, loras = answer(model), Loras(model.parts)
    inner = model.parts.denoiser.transformer_blocks[0].attn.to_q.in_features
    name = "lora_unet_double_blocks_0_img_attn_qkv"
    tensors = {f"{name}.lora_down.weight": torch.randn(2, inner, generator=g),
               f"{name}.lora_up.weight": torch.randn(3 * inner, 2, generator=g)}  # fmt: skip
    save_file(tensors, tmp_path / "plain.safetensors")
    assert loras.put([Lora(str(tmp_path / "plain.safetensors"))]) == []
    assert not close(answer(model), before, 0.01)
    tensors[f"{name}.dora_scale"] = torch.ones(3 * inner, 1)
    save_file(tensors, tmp_path / "dora.safetensors")
    with pytest.raises(UserError, match="where they are quantized"):
        loras.put([Lora(str(tmp_path / "dora.safetensors"))])
    assert torch.equal(answer(model), before)


def test_what_does_not_go_is_told_in_a_sentence(models, loras, tmp_path) -> None:
    loras["sd3"].put([])
    before = answer(models["sd3"])
    for_flux = file_for(models["flux"], tmp_path / "flux.safetensors", "kohya")
    with pytest.raises(UserError, match="was made for FLUX, and this model is Stable Diffusion 3"):
        loras["sd3"].put([Lora(str(for_flux))])
    tensors = load_file(file_for(models["sd3"], tmp_path / "wide.safetensors", "kohya"))
    wide = {key: torch.cat([x, x], 1) if "qkv.lora_down" in key else x for key, x in tensors.items()}
    save_file(wide, tmp_path / "wide.safetensors")
    with pytest.raises(UserError, match="another shape than in this Stable Diffusion 3"):
        loras["sd3"].put([Lora(str(tmp_path / "wide.safetensors"))])
    half = {key: x for key, x in tensors.items() if "qkv.lora_up" not in key}
    save_file(half, tmp_path / "half.safetensors")
    with pytest.raises(UserError, match=r"a part of what it says of .* is missing"):
        loras["sd3"].put([Lora(str(tmp_path / "half.safetensors"))])
    control = {"double_blocks.0.img_attn.norm.query_norm.scale": torch.zeros(4)}
    save_file(control, tmp_path / "control.safetensors")
    with pytest.raises(UserError, match="is a control LoRA of FLUX"):
        loras["flux"].put([Lora(str(tmp_path / "control.safetensors"))])
    assert torch.equal(answer(models["sd3"]), before)
