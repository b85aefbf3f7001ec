"""Quantized transformers in .gguf files: what their blocks say, widened for each use, on every rung of the ladder."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from torch import Tensor

from paintdiff.engine.checkpoints.filling import SCALES
from paintdiff.engine.model import Model, load_model
from paintdiff.generation.errors import UserError
from paintdiff.generation.placing import GROUP, RUNGS, SEQUENTIAL, TEXT_OFF, Placing
from paintdiff.models.gguf_header import QUANTIZED, TYPES, read_gguf_header
from tests.flow_files import denoiser, flux, rounded, save, save_gguf, save_parts, text_encoders

T5_NAMES = (
    ("shared.weight", "token_embd.weight"), ("encoder.final_layer_norm.", "enc.output_norm."),
    ("encoder.block.", "enc.blk."), (".layer.0.SelfAttention.relative_attention_bias.", ".attn_rel_b."),
    (".layer.0.SelfAttention.", ".attn_"), (".layer.0.layer_norm.", ".attn_norm."),
    (".layer.1.DenseReluDense.wi_0.", ".ffn_gate."), (".layer.1.DenseReluDense.wi_1.", ".ffn_up."),
    (".layer.1.DenseReluDense.wo.", ".ffn_down."), (".layer.1.layer_norm.", ".ffn_norm."),
)  # fmt: skip


@pytest.fixture(scope="module")
def parts() -> dict[str, Any]:
    return flux()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, parts: dict[str, Any]) -> Path:
    models = tmp_path_factory.mktemp("quantized") / "models"
    save_parts(parts, models, "ae.safetensors")
    return models


@pytest.fixture(scope="module")
def file(models: Path, parts: dict[str, Any]) -> Path:
    return save_gguf(denoiser(parts), models / "unet" / "painter-Q8_0.gguf")


def opened(source: Path, memory: str = "auto") -> Model:
    return load_model(str(source), "cpu", torch.float32, Placing(memory=memory))


def answer(model: Model) -> Tensor:
    x_t = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(2))
    condition = replace(model.encode_text("a red apple"), guidance=torch.tensor([3.5]))
    with torch.no_grad():
        return model.network(x_t, 0.5, condition)


def test_a_quantized_transformer_is_the_one_with_its_numbers_rounded(models, file, parts) -> None:
    model = opened(file)
    expected = opened(save(rounded(denoiser(parts)), models / "unet" / "rounded.safetensors"))
    torch.testing.assert_close(answer(model), answer(expected), rtol=1e-4, atol=1e-4)
    assert model.info.precision == "Q8_0"
    assert model.parts.denoiser.single_transformer_blocks[0].proj_mlp.weight.dtype == torch.int8
    assert model.castable is None


@pytest.mark.parametrize("memory", [
    pytest.param(TEXT_OFF, marks=pytest.mark.slow), pytest.param("tiled", marks=pytest.mark.slow), GROUP, SEQUENTIAL
])  # fmt: skip
def test_a_quantized_transformer_says_the_same_on_every_rung(file, memory) -> None:
    model = opened(file, memory)
    assert model.info.memory == memory in RUNGS
    torch.testing.assert_close(answer(model), answer(opened(file)))
    torch.testing.assert_close(answer(model), answer(opened(file)))  # and again, when weights have come and gone


def test_float8_is_not_asked_of_what_is_quantized_already(file) -> None:
    assert load_model(str(file), "cpu", placing=Placing(precision="float8")).info.precision == "Q8_0"


def test_quantized_t5_reads_as_the_one_with_its_numbers_rounded(tmp_path, parts) -> None:
    models, other = tmp_path / "models", tmp_path / "other"
    for place in (models, other):
        save_parts(parts, place, "ae.safetensors")
        save(denoiser(parts), place / "unet" / "painter.safetensors")
    own = text_encoders(parts)["t5xxl"]
    renamed = {}
    for name, tensor in own.items():
        for new, old in T5_NAMES:
            name = name.replace(new, old)
        renamed[name] = tensor
    (models / "text_encoders" / "t5xxl.safetensors").unlink()
    save_gguf(renamed, models / "text_encoders" / "t5-encoder-Q8_0.gguf", architecture="t5encoder")
    save(rounded(own), other / "text_encoders" / "t5xxl.safetensors")
    one, two = (opened(place / "unet" / "painter.safetensors").encode_text("a red apple") for place in (models, other))
    torch.testing.assert_close(one.text, two.text, rtol=1e-4, atol=1e-4)


def test_types_and_their_blocks_are_those_of_the_format() -> None:
    for number, (name, block, width) in TYPES.items():
        kind = gguf.GGMLQuantizationType(number)
        assert (kind.name, gguf.GGML_QUANT_SIZES[kind]) == (name, (block, width))


@pytest.mark.parametrize("kind", sorted(QUANTIZED))
def test_the_scales_of_each_type_lie_where_they_are_looked_for(kind) -> None:
    """A block of zeros stands for numbers; with scales that are not, it does not."""
    from diffusers.quantizers.gguf.utils import GGUFParameter, dequantize_gguf_tensor

    block = torch.zeros(1, TYPES[QUANTIZED[kind]][2], dtype=torch.uint8)
    assert dequantize_gguf_tensor(GGUFParameter(block, quant_type=QUANTIZED[kind])).isfinite().all()
    begin, end = SCALES[kind]
    for place in range(begin, end, 2):
        broken = block.clone()
        broken[0, place : place + 2] = torch.from_numpy(np.array([np.nan], np.float16)).view(torch.uint8)
        assert not dequantize_gguf_tensor(GGUFParameter(broken, quant_type=QUANTIZED[kind])).isfinite().all()


@pytest.mark.parametrize("kind", ["Q4_0", "Q5_1", "BF16"])
def test_what_the_package_writes_is_read_as_it_was_meant(tmp_path, kind) -> None:
    tensors = {"a.weight": torch.randn(6, 64), "b.weight": torch.randn(5), "c.weight": torch.randn(2, 3, 4, 5)}
    header = read_gguf_header(save_gguf(tensors, tmp_path / "x.gguf", kind))
    for name, tensor in tensors.items():
        assert header.shape(name) == tensor.shape
    assert header.tensors["a.weight"].dtype == kind
    assert header.metadata["general.architecture"] == "flux"


def test_a_scale_that_is_not_a_number_is_found_while_the_file_is_loaded(tmp_path, parts, models) -> None:
    path = save_gguf(denoiser(parts), models / "unet" / "broken.gguf")
    header = read_gguf_header(path)
    info = header.tensors["double_blocks.1.img_mlp.2.weight"]
    with path.open("r+b") as file:
        file.seek(header.start + info.begin + 34 * 7)
        file.write(np.array([np.inf], np.float16).tobytes())
    with pytest.raises(UserError, match=r"ff.net.2.weight' holds values that are not numbers"):
        opened(path)
