"""Tensors of a .safetensors or .gguf file, one at a time: a network takes its own as they are needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

from paintdiff.models.flow_names import Rows
from paintdiff.models.gguf_header import QUANTIZED, SUFFIX
from paintdiff.models.header import Header

_TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


class TensorFile:
    """The tensors that a `header` lists, by its names. They are mapped from the file, not copied out of it."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self._file: Any = None if self._is_gguf else safe_open(header.path, framework="pt")

    @property
    def _is_gguf(self) -> bool:
        return self._header.path.suffix.lower() == SUFFIX

    def get(self, name: str) -> Tensor:
        """The whole tensor; one that is quantized as bytes (..., bytes of a row)."""
        if self._file is not None:
            return self._file.get_tensor(self._header.prefix + name)
        info = self._header.tensors[name]
        begin, count = self._header.start + info.begin, info.end - info.begin
        if not count:
            return torch.empty(info.shape, dtype=_TYPES.get(info.dtype, torch.uint8))
        data = torch.from_numpy(np.memmap(self._header.path, np.uint8, "c", begin, (count,)))  # never written back
        if info.dtype in QUANTIZED:
            return data.reshape(*info.shape[:-1], -1)
        return data.view(_TYPES[info.dtype]).reshape(info.shape)

    def rows(self, rows: Rows) -> Tensor:
        """The rows of a tensor, in the file's own numbers; scaled ones in float32."""
        tensor = self.get(rows.name)[rows.begin : rows.end]
        if rows.turned:
            half = len(tensor) // 2
            tensor = torch.cat([tensor[half:], tensor[:half]])
        if rows.scale:
            tensor = tensor.float() * self.get(rows.scale).float().reshape(-1)[0]
        return tensor

    def type_of(self, rows: Rows) -> str:
        """The type of the tensor that the rows are of, as its header has it."""
        return self._header.tensors[rows.name].dtype
