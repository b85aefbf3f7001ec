"""Weights read from a file into memory of their own, one tensor at a time: no copy of the file stays beside them."""

from __future__ import annotations

from io import BufferedReader
from pathlib import Path

import torch
from torch import Tensor

from paintdiff.generation.errors import UserError
from paintdiff.models.header import TensorInfo, read_header, read_object, spoken

_TYPES = {
    "BOOL": torch.bool, "U8": torch.uint8, "I8": torch.int8, "F8_E5M2": torch.float8_e5m2,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E8M0": torch.float8_e8m0fnu, "I16": torch.int16, "U16": torch.uint16,
    "F16": torch.float16, "BF16": torch.bfloat16, "I32": torch.int32, "U32": torch.uint32, "F32": torch.float32,
    "I64": torch.int64, "U64": torch.uint64, "F64": torch.float64, "C64": torch.complex64,
}  # fmt: skip


def read_tensors(path: Path, dtype: torch.dtype, prefix: str = "") -> dict[str, Tensor]:
    """The tensors of a .safetensors file whose names begin with `prefix`, or those of all shards that an index names.

    Floating-point ones in `dtype`. Other readers map the file into memory: weights that are then cast or laid out
    anew stand there twice, and a file that another program changes meanwhile changes the model or ends the program.
    Raises `UserError` for a file that is unsound or ends too soon.
    """
    tensors: dict[str, Tensor] = {}
    for file in _files(path):
        header = read_header(file)
        with file.open("rb") as opened:
            for name, info in header.tensors.items():
                if name.startswith(prefix):
                    tensors[name] = _read(opened, header.start, info, dtype)
    return tensors


def _files(path: Path) -> list[Path]:
    if path.suffix != ".json":
        return [path]
    read_header(path)  # refuses an index that leads elsewhere
    return [path.parent / name for name in dict.fromkeys(read_object(path)["weight_map"].values())]


def _read(file: BufferedReader, start: int, info: TensorInfo, dtype: torch.dtype) -> Tensor:
    tensor = torch.empty(info.shape, dtype=_TYPES[info.dtype])
    if tensor.numel():
        memory = tensor.view(-1).view(torch.uint8).numpy().data
        file.seek(start + info.begin)
        if file.readinto(memory) != len(memory):
            raise UserError(f"{spoken(Path(file.name))} is not a valid model: it was cut off while it was read.")
    return tensor.to(dtype) if tensor.is_floating_point() else tensor
