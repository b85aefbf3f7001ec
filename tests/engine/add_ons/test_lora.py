"""LoRAs: what they do is what they do in diffusers, and what they leave behind is nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import load_file, save_file
from torch import Tensor

from paintdiff.engine.add_ons.lora import Loras
from paintdiff.engine.denoiser import Condition
from paintdiff.engine.model import Model, load_model
from paintdiff.generation.add_ons import Lora
from paintdiff.generation.errors import UserError
from tests.tiny_add_ons import tiny_lora
from tests.tiny_checkpoints import stable_diffusion_unet, tiny_stable_diffusion, tiny_text_encoder

PROMPT = "a red apple"


@dataclass(frozen=True)
class Files:
    checkpoint: Path
    kohya: Path
    diffusers: Path
    unet_only: Path


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    root = tmp_path_factory.mktemp("loras")
    unet, text = stable_diffusion_unet(4), tiny_text_encoder()
    return Files(
        tiny_stable_diffusion(root / "model"),
        tiny_lora(root / "kohya.safetensors", unet, (text,)),
        tiny_lora(root / "diffusers.safetensors", unet, (text,), "diffusers", seed=2),
        tiny_lora(root / "v1.5 unet.safetensors", unet, (), "peft", seed=3),
    )


@pytest.fixture(scope="module")
def model(files) -> Model:
    return load_model(str(files.checkpoint), "cpu", torch.float32)


@pytest.fixture(scope="module")
def base(model) -> Tensor:
    """The answer of the model without any LoRA."""
    return answer(model)


@pytest.fixture
def loras(model, base) -> Iterator[Loras]:
    """None yet, in the one model of these tests."""
    loras = Loras(model.parts)
    yield loras
    loras.remove()
    assert torch.equal(answer(model), base)


@pytest.fixture(scope="module")
def pipeline(files) -> StableDiffusionPipeline:
    return StableDiffusionPipeline.from_pretrained(files.checkpoint, safety_checker=None, local_files_only=True)


def answer(model: Model) -> Tensor:
    """What the model's network makes of noise and a prompt: the least that any LoRA in it changes."""
    x_t = torch.randn(model.space.shape, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        words: Condition = model.encode_text(PROMPT)
        return model.network(x_t, 0.6, words)


def theirs(pipeline: StableDiffusionPipeline, model: Model, *loras: tuple[Path, float]) -> Tensor:
    """The same of diffusers' own pipeline."""
    for i, (file, _) in enumerate(loras):
        pipeline.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name=f"a{i}")
    pipeline.set_adapters([f"a{i}" for i in range(len(loras))], [weight for _, weight in loras])
    x_t = torch.randn(model.space.shape, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        text, _ = pipeline.encode_prompt(PROMPT, "cpu", 1, False)
        found = pipeline.unet(x_t, torch.tensor([model.schedule.level(0.6)]), encoder_hidden_states=text).sample
    pipeline.unload_lora_weights()
    return found


@pytest.mark.parametrize("names", [("kohya",), ("diffusers",), ("kohya", "diffusers")])
def test_a_lora_does_what_it_does_in_diffusers(files, model, loras, base, pipeline, names) -> None:
    weights = [0.8, -0.5]
    chosen = [(getattr(files, name), weight) for name, weight in zip(names, weights, strict=False)]
    loras.put([Lora(str(file), weight) for file, weight in chosen])
    changed = answer(model)
    torch.testing.assert_close(changed, theirs(pipeline, model, *chosen))
    assert float((changed - base).abs().max()) > 0.05


def test_what_peft_itself_saves_is_read_as_the_same_lora_of_diffusers(files, model, loras, tmp_path) -> None:
    renamed = {key.replace("base_model.model.", "unet."): x for key, x in load_file(files.unet_only).items()}
    save_file(renamed, tmp_path / "same.safetensors")
    loras.put([Lora(str(files.unet_only))])
    first = answer(model)
    loras.put([Lora(str(tmp_path / "same.safetensors"))])
    assert torch.equal(first, answer(model))


def test_taking_loras_out_leaves_the_model_bit_for_bit_as_it_was(files, model, loras, base) -> None:
    names = [name for name, _ in model.parts.denoiser.named_modules()]
    loras.put([Lora(str(files.kohya), 0.8), Lora(str(files.diffusers), 1.2)])
    loras.put([])
    assert torch.equal(answer(model), base)
    assert [name for name, _ in model.parts.denoiser.named_modules()] == names
    assert not loras.any


def test_a_lora_of_weight_nothing_changes_nothing(files, model, loras, base) -> None:
    loras.put([Lora(str(files.kohya), 0.0)])
    assert torch.equal(answer(model), base)


def test_one_of_two_taken_out_leaves_what_the_other_does_alone(files, model, loras) -> None:
    loras.put([Lora(str(files.kohya), 0.8)])
    alone = answer(model)
    loras.put([Lora(str(files.diffusers), 0.4), Lora(str(files.kohya), 0.8)])
    assert not torch.equal(answer(model), alone)
    loras.put([Lora(str(files.kohya), 0.8)])
    assert torch.equal(answer(model), alone)


def test_other_weights_are_set_without_reading_the_file_again(files, model, loras, pipeline, tmp_path) -> None:
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(files.kohya.read_bytes())
    loras.put([Lora(str(copy), 0.8)])
    modules = set(map(id, model.parts.denoiser.modules()))
    assert not loras.lacks([Lora(str(copy), 0.3)])
    loras.put([Lora(str(copy), 0.3)])
    assert set(map(id, model.parts.denoiser.modules())) == modules
    torch.testing.assert_close(answer(model), theirs(pipeline, model, (files.kohya, 0.3)))


def test_a_file_that_was_written_anew_is_read_anew(files, model, loras, pipeline, tmp_path) -> None:
    file = tmp_path / "lora.safetensors"
    file.write_bytes(files.kohya.read_bytes())
    loras.put([Lora(str(file))])
    file.write_bytes(files.diffusers.read_bytes())
    loras.put([Lora(str(file))])
    torch.testing.assert_close(answer(model), theirs(pipeline, model, (files.diffusers, 1.0)))


def wider(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: torch.cat([x, x], -1) if "attn2_to_k.lora_down" in key else x for key, x in tensors.items()}


def elsewhere(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.replace("down_blocks_0", "down_blocks_7").replace("layers_", "layers_9"): x
            for key, x in tensors.items() if "up_blocks" not in key}  # fmt: skip


def not_numbers(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: torch.full_like(x, float("nan")) if key.endswith("up.weight") else x for key, x in tensors.items()}


def half_missing(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: x for key, x in tensors.items() if "to_q.lora_up" not in key}


def of_another_kind(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return tensors | {"lora_unet_mid_block_attentions_0_proj_in.oft_blocks": torch.zeros(2, 2, 2)}


def with_more(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    name = "lora_unet_mid_block_attentions_0_proj_in"
    return tensors | {f"{name}.lora_mid.weight": torch.zeros(2), f"{name}.scalar": torch.zeros(1)}


def sdxl(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.replace("lora_te_", "lora_te2_"): x for key, x in tensors.items()}


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (wider, "was made for another model"),
        (elsewhere, "layers that it changes are not in this"),
        (not_numbers, "not numbers"),
        (half_missing, "cannot be read"),
        (of_another_kind, "is an OFT, which cannot be used here; LoRA, LoCon, LoHa, LoKr and DoRA can"),
        (with_more, "it holds .*scalar"),
        (sdxl, "was made for Stable Diffusion XL, and this model is Stable Diffusion 1"),
        (lambda tensors: {"a.weight": torch.zeros(2, 2)}, "is no LoRA"),
    ],
)
def test_a_lora_that_does_not_go_is_told_in_a_sentence_and_leaves_the_model_clean(
    files, model, loras, base, pipeline, tmp_path, damage, sentence
) -> None:
    file = tmp_path / "bad.safetensors"
    save_file({key: x.contiguous() for key, x in damage(load_file(files.kohya)).items()}, file)
    with pytest.raises(UserError, match=sentence) as told:
        loras.put([Lora(str(files.diffusers), 0.7), Lora(str(file))])
    assert "bad.safetensors" in str(told.value)
    assert "\n" not in str(told.value)
    assert torch.equal(answer(model), base)
    loras.put([Lora(str(files.kohya), 0.8)])
    torch.testing.assert_close(answer(model), theirs(pipeline, model, (files.kohya, 0.8)))


def test_files_that_are_not_there_or_cut_off_or_pickles_are_told_in_a_sentence(files, loras, tmp_path) -> None:
    with pytest.raises(UserError, match=r"gone\.safetensors is not there"):
        loras.put([Lora(str(tmp_path / "gone.safetensors"))])
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(files.kohya.read_bytes()[:-100])
    with pytest.raises(UserError, match="cut"):
        loras.put([Lora(str(cut))])
    pickle = tmp_path / "pickle.safetensors"
    torch.save({"x": torch.zeros(1)}, pickle)
    with pytest.raises(UserError, match="pickle"):
        loras.put([Lora(str(pickle))])
    assert not loras.any


def test_layers_that_are_not_here_are_told_of_if_most_are(files, model, loras, pipeline, tmp_path) -> None:
    tensors = load_file(files.kohya)
    stem = "lora_te_text_model_encoder_layers_0_self_attn_q_proj"
    tensors |= {key.replace("layers_0", "layers_9"): x.clone() for key, x in tensors.items() if key.startswith(stem)}
    save_file(tensors, tmp_path / "more.safetensors")
    (notice,) = loras.put([Lora(str(tmp_path / "more.safetensors"))])
    assert notice.startswith("1 of the ")
    torch.testing.assert_close(answer(model), theirs(pipeline, model, (files.kohya, 1.0)))
