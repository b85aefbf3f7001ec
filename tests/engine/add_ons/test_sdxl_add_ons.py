"""LoRAs and weighted prompts where there are two text encoders, as in diffusers and compel."""

from pathlib import Path

import pytest
import torch
from compel import CompelForSDXL
from diffusers import StableDiffusionXLPipeline
from torch import Tensor

from paintdiff.engine.add_ons.lora import Loras
from paintdiff.engine.model import Model, load_model
from paintdiff.generation.add_ons import Lora
from tests.tiny_add_ons import tiny_lora
from tests.tiny_checkpoints import (
    stable_diffusion_xl_unet,
    tiny_stable_diffusion_xl,
    tiny_text_encoder,
    tiny_text_encoder_with_projection,
)

PROMPT = "a red apple"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_stable_diffusion_xl(tmp_path_factory.mktemp("sdxl") / "model")


@pytest.fixture(scope="module")
def model(folder) -> Model:
    return load_model(str(folder), "cpu", torch.float32)


@pytest.fixture(scope="module")
def pipeline(folder) -> StableDiffusionXLPipeline:
    return StableDiffusionXLPipeline.from_pretrained(folder, local_files_only=True)


def noise(model: Model) -> Tensor:
    return torch.randn(model.space.shape, generator=torch.Generator().manual_seed(4))


@pytest.mark.parametrize("layout", ["kohya", "diffusers"])
def test_a_lora_changes_all_three_networks_as_in_diffusers(model, pipeline, tmp_path, layout) -> None:
    networks = tiny_text_encoder(), tiny_text_encoder_with_projection()
    file = tiny_lora(tmp_path / "lora.safetensors", stable_diffusion_xl_unet(4), networks, layout)
    loras = Loras(model.parts)
    with torch.no_grad():
        base = model.network(noise(model), 0.6, model.encode_text(PROMPT))
        loras.put([Lora(str(file), 0.7)])
        words = model.encode_text(PROMPT)
        answer = model.network(noise(model), 0.6, words)
        pipeline.load_lora_weights(str(tmp_path), weight_name=file.name, adapter_name="a")
        pipeline.set_adapters(["a"], [0.7])
        text, _, pooled, _ = pipeline.encode_prompt(PROMPT, device="cpu", do_classifier_free_guidance=False)
        expected = pipeline.unet(
            noise(model), torch.tensor([model.schedule.level(0.6)]), encoder_hidden_states=text,
            added_cond_kwargs={"text_embeds": pooled, "time_ids": words.sizes},
        ).sample  # fmt: skip
        pipeline.unload_lora_weights()
        loras.remove()
        again = model.network(noise(model), 0.6, model.encode_text(PROMPT))
    torch.testing.assert_close(words.text, text)
    torch.testing.assert_close(words.pooled, pooled)
    torch.testing.assert_close(answer, expected)
    assert float((answer - base).abs().max()) > 0.05
    assert torch.equal(again, base)


WEIGHTED = [("a (red:1.3) apple", "a (red)1.3 apple"), ("a (red:0.6) apple", "a (red)0.6 apple")]


@pytest.mark.parametrize(("ours", "theirs"), WEIGHTED)
def test_weights_count_in_both_encoders_as_in_compel_and_not_in_the_one_vector(model, pipeline, ours, theirs) -> None:
    with torch.no_grad():
        expected = CompelForSDXL(pipeline)(theirs)
    read = model.encode_text(ours)
    torch.testing.assert_close(read.text, expected.embeds[:, :77], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(read.pooled, model.encode_text(PROMPT).pooled)


def test_a_long_prompt_has_as_many_chunks_for_both_and_the_vector_of_the_first(model) -> None:
    read = model.encode_text("red car, " * 40)
    assert read.text.shape[1] % 77 == 0
    assert read.text.shape[1] > 77
    assert read.text.shape[2] == 28
    assert read.pooled.shape == model.encode_text("red").pooled.shape
