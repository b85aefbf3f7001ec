"""A network built empty from a config and filled with the tensors of a file, in the numbers that the file keeps."""

from __future__ import annotations

from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from paintdiff.engine.checkpoints.tensor_file import TensorFile
from paintdiff.engine.checkpoints.weights import check_finite, finite
from paintdiff.generation.errors import UserError
from paintdiff.models.flow_names import Rows
from paintdiff.models.gguf_header import QUANTIZED, TYPES
from paintdiff.models.header import Header, shown, spoken

FLOAT8 = torch.float8_e4m3fn
# The bytes of each quantized block that are scales in float16.
SCALES = {
    "Q4_0": (0, 2), "Q4_1": (0, 4), "Q5_0": (0, 2), "Q5_1": (0, 4), "Q8_0": (0, 2), "Q2_K": (80, 84),
    "Q3_K": (108, 110), "Q4_K": (0, 4), "Q5_K": (0, 4), "Q6_K": (208, 210), "IQ4_NL": (0, 2), "IQ4_XS": (0, 2),
}  # fmt: skip


def empty(kind: Any, config: Mapping[str, Any]) -> nn.Module:
    """A `kind` of diffusers or transformers without memory for its weights."""
    from accelerate import init_empty_weights

    with init_empty_weights(include_buffers=False):
        if kind.__module__.startswith("diffusers"):
            return kind.from_config(dict(config))
        return kind(kind.config_class(**config))


def loaded(kind: Any, config: Mapping[str, Any], tensors: Mapping[str, Tensor], dtype: torch.dtype, path: Path) -> Any:
    """A `kind` of `config` with these weights. Raises `UserError` unless they are all of its weights, and finite."""
    network = empty(kind, config)
    needed = network.state_dict()
    wrong = [name for name, tensor in needed.items() if name not in tensors or tensors[name].shape != tensor.shape]
    if wrong:
        raise UserError(_other_weights(path, network, wrong))
    network.load_state_dict({name: tensors[name].to(dtype) for name in needed}, assign=True)
    check_finite(network, path)
    return network


def check_rows(network: nn.Module, header: Header, rows: Mapping[str, Rows], given: Container[str] = ()) -> None:
    """Raise `UserError` unless `rows` of `header` hold every weight of `network`, in its shape and in numbers that are
    read; more of them are passed over, and so are the names that are `given`."""
    tied = _tied(network)
    needed = {name: tensor for name, tensor in network.state_dict().items() if name not in given}
    wrong = [
        name for name, tensor in needed.items()
        if tied.get(name, name) not in rows or rows[tied.get(name, name)].shape != tuple(tensor.shape)
    ]  # fmt: skip
    if wrong:
        raise UserError(_other_weights(header.path, network, wrong))
    for name in needed:
        taken = rows[tied.get(name, name)]
        dtype = header.tensors[taken.name].dtype
        if dtype in QUANTIZED and len(taken.shape) < 2:
            raise UserError(f"{spoken(header.path)} is not a compatible model: {shown(name)} is a list in {dtype}.")
        if dtype not in QUANTIZED and dtype not in ("F32", "F16", "BF16", "F64", "F8_E4M3", "F8_E5M2"):
            raise UserError(f"{spoken(header.path)} is not a compatible model: {shown(name)} is in {dtype}.")


def filled(
    network: nn.Module, header: Header, rows: Mapping[str, Rows], dtype: torch.dtype, keep_float8: bool = False,
    given: Mapping[str, Tensor] | None = None,
) -> Any:  # fmt: skip
    """`network`, built empty, with its weights from `rows` of `header`, which `check_rows` has passed, and `given`.

    Quantized weights of linear layers stay so and are widened to `dtype` for each use; so do float8 ones if
    `keep_float8`. All others are in `dtype`. Raises `UserError` where one is not a number.
    """
    from diffusers.quantizers.gguf.utils import GGUFLinear, GGUFParameter, dequantize_gguf_tensor

    file, tied = TensorFile(header), _tied(network)
    modules = dict(network.named_modules())
    weights = {name: tensor.to(dtype) for name, tensor in (given or {}).items()}
    for name in [name for name in network.state_dict() if name not in weights and name not in tied]:
        taken = rows[tied.get(name, name)]
        quantized = QUANTIZED.get(file.type_of(taken))
        tensor = file.rows(taken)
        layer, _, ending = name.rpartition(".")
        if quantized is not None:
            _check_scales(header, name, tensor, file.type_of(taken))
            tensor = GGUFParameter(tensor, quant_type=quantized)
            if type(modules[layer]) is nn.Linear and ending == "weight":
                _replace(network, layer, _quantized(modules[layer], tensor, dtype, GGUFLinear))
                continue
            tensor = dequantize_gguf_tensor(tensor)
        kept = keep_float8 and tensor.dtype == FLOAT8 and isinstance(modules[layer], nn.Linear)
        weights[name] = tensor if kept else tensor.to(dtype)
    network.load_state_dict(weights, strict=False, assign=True)
    if tied:
        network.tie_weights()  # type: ignore[operator]
    network.requires_grad_(False)
    if keep_float8:
        _keep_in_float8(network, dtype)
    check_finite(network, header.path)
    return network.eval()


def _quantized(linear: nn.Module, weight: Any, dtype: torch.dtype, kind: Any) -> nn.Module:
    assert isinstance(linear, nn.Linear)
    with torch.device("meta"):
        made = kind(linear.in_features, linear.out_features, linear.bias is not None, compute_dtype=dtype)
    # As signed bytes: T5 casts what goes into a layer to the type of its weight unless that is int8.
    made.weight = type(weight)(weight.as_tensor().view(torch.int8), quant_type=weight.quant_type)
    made.source_cls = nn.Linear
    return made


def _check_scales(header: Header, name: str, blocks: Tensor, dtype: str) -> None:
    """Raise `UserError` where a block of quantized weights has a scale that is not a number."""
    begin, end = SCALES[dtype]
    _, _, width = TYPES[QUANTIZED[dtype]]
    if not finite(blocks.reshape(-1, width)[:, begin:end].contiguous().view(torch.float16)):
        raise UserError(
            f"{spoken(header.path)} is not a valid model: {shown(name)} holds values that are not numbers (NaN or "
            "infinite); it is damaged."
        )


def _other_weights(path: Path, network: nn.Module, wrong: list[str]) -> str:
    return (
        f"{spoken(path)} is not a compatible model: {len(wrong)} of {len(network.state_dict())} weights of its "
        f"{type(network).__name__} are missing or of another shape, such as {shown(wrong[0])}."
    )


def _replace(network: nn.Module, name: str, made: nn.Module) -> None:
    above, _, own = name.rpartition(".")
    setattr(network.get_submodule(above), own, made)


def _keep_in_float8(network: Any, dtype: torch.dtype) -> None:
    """Let layers be widened to `dtype` for each use, and for good those that diffusers never keeps in float8."""
    network.enable_layerwise_casting(FLOAT8, dtype)
    for module in network.modules():
        registry = getattr(module, "_diffusers_hook", None)
        if registry is None or registry.get_hook("layerwise_casting") is None:
            for own in module.parameters(recurse=False):
                own.data = own.data.to(dtype) if own.dtype == FLOAT8 else own.data


def _tied(network: nn.Module) -> dict[str, str]:
    """Names of weights that are others under a second name."""
    tied = getattr(network, "_tied_weights_keys", None)
    return dict(tied) if isinstance(tied, dict) else {}
