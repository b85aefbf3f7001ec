"""Words that stand for vectors in a file."""

from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from safetensors.torch import load_file, save_file

from paintdiff.engine.add_ons.embeddings import read_words
from paintdiff.engine.model import Model, load_model
from paintdiff.generation.add_ons import Word
from paintdiff.generation.errors import UserError
from tests.tiny_add_ons import tiny_embedding
from tests.tiny_checkpoints import tiny_stable_diffusion, tiny_stable_diffusion_xl


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_stable_diffusion(tmp_path_factory.mktemp("embeddings") / "sd")


@pytest.fixture(scope="module")
def model(folder) -> Model:
    return load_model(str(folder), "cpu", torch.float32)


def worded(model: Model, *words: Word):
    return model.encode_text.with_words(read_words(words, model.parts))


@pytest.mark.parametrize("layout", ["a1111", "diffusers"])
@pytest.mark.parametrize("count", [1, 3])
def test_a_word_is_read_as_in_diffusers(folder, model, tmp_path, layout, count) -> None:
    file = tiny_embedding(tmp_path / "moss.safetensors", layout, (12,), count)
    pipeline = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None, local_files_only=True)
    (vectors,) = load_file(file).values()
    pipeline.load_textual_inversion({"emb_params": vectors} if count > 1 else {"<moss>": vectors}, token="<moss>")
    with torch.no_grad():
        expected, _ = pipeline.encode_prompt("a <moss> apple, red", "cpu", 1, False)
    read = worded(model, Word("moss", str(file)))("a moss apple, red").text
    torch.testing.assert_close(read, expected)
    assert not torch.allclose(read, model.encode_text("a moss apple, red").text, atol=1e-2)


def test_a_word_can_be_weighed_and_stand_in_a_long_prompt(model, tmp_path) -> None:
    reader = worded(model, Word("moss", str(tiny_embedding(tmp_path / "moss.safetensors", "a1111", (12,)))))
    plain, strong, long = reader("a moss"), reader("a (moss:1.4)"), reader("red, " * 60 + "moss")
    assert not torch.allclose(plain.text, strong.text, atol=1e-3)
    assert long.text.shape[1] == 154
    assert not torch.allclose(long.text[:, 77:], model.encode_text("red, " * 60 + "moss").text[:, 77:], atol=1e-2)


def test_prompts_without_the_word_are_read_as_before_and_so_are_all_once_it_is_gone(model, tmp_path) -> None:
    reader = worded(model, Word("moss", str(tiny_embedding(tmp_path / "moss.safetensors", "a1111", (12,)))))
    before = model.encode_text("a red apple").text
    assert torch.equal(reader("a red apple").text, before)
    reader("a moss apple")
    assert torch.equal(model.encode_text("a red apple").text, before)
    assert not model.parts.text_encoders[0].get_input_embeddings()._forward_hooks


def test_sdxl_reads_a_word_in_both_encoders_as_in_diffusers(tmp_path) -> None:
    folder = tiny_stable_diffusion_xl(tmp_path / "xl")
    file = tiny_embedding(tmp_path / "moss.safetensors", "sdxl", (12, 16))
    pipeline = StableDiffusionXLPipeline.from_pretrained(folder, local_files_only=True)
    tensors = load_file(file)
    for name, tokenizer, encoder in (
        ("clip_l", pipeline.tokenizer, pipeline.text_encoder), ("clip_g", pipeline.tokenizer_2, pipeline.text_encoder_2)
    ):  # fmt: skip
        pipeline.load_textual_inversion({"emb_params": tensors[name]}, "<moss>", tokenizer, encoder)
    with torch.no_grad():
        text, _, pooled, _ = pipeline.encode_prompt("a <moss> apple", device="cpu", do_classifier_free_guidance=False)
    model = load_model(str(folder), "cpu", torch.float32)
    read = worded(model, Word("moss", str(file)))("a moss apple")
    torch.testing.assert_close(read.text, text)
    torch.testing.assert_close(read.pooled, pooled)


def test_files_that_do_not_go_are_told_in_a_sentence(model, tmp_path) -> None:
    def told(file: Path) -> str:
        with pytest.raises(UserError) as error:
            read_words((Word("moss", str(file)),), model.parts)
        assert "\n" not in str(error.value)
        return str(error.value)

    assert "is not there" in told(tmp_path / "gone.safetensors")
    assert "made for another model" in told(tiny_embedding(tmp_path / "wide.safetensors", "a1111", (16,)))
    assert "made for another model" in told(tiny_embedding(tmp_path / "two.safetensors", "sdxl", (12, 16)))
    save_file({"emb_params": torch.full((2, 12), float("nan"))}, tmp_path / "nan.safetensors")
    assert "not numbers" in told(tmp_path / "nan.safetensors")
    save_file({"emb_params": torch.zeros(80, 12)}, tmp_path / "many.safetensors")
    assert "80 vectors" in told(tmp_path / "many.safetensors")
    save_file({"a.weight": torch.zeros(8, 8, 3, 3)}, tmp_path / "other.safetensors")
    assert "no embedding" in told(tmp_path / "other.safetensors")
    torch.save({"string_to_param": {"*": torch.zeros(1, 12)}}, tmp_path / "moss.pt")
    assert "pickle" in told(tmp_path / "moss.pt")
