"""The header of a .gguf file (quantized weights, as llama.cpp and ComfyUI-GGUF have them), read within bounds."""

from __future__ import annotations

import os
import struct
from math import prod
from pathlib import Path

from paintdiff.models.header import (
    LARGEST,
    LONGEST,
    MOST_TENSORS,
    Header,
    TensorInfo,
    opened,
    read_header,
    refuse,
    shown,
)

SUFFIX = ".gguf"
# Types of tensors by their numbers: name, numbers in a block, bytes that a block takes.
TYPES = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 20: ("IQ4_NL", 32, 18), 23: ("IQ4_XS", 256, 136),
    30: ("BF16", 1, 2),
}  # fmt: skip
QUANTIZED = {name: number for number, (name, block, _) in TYPES.items() if block > 1}
MOST_AXES = 4
MOST_ENTRIES = 10_000  # of metadata
LONGEST_TEXT = 1000  # that is kept of an entry
LARGEST_STEP = 4096  # bytes that tensors may be set apart by
_STRING, _ARRAY = 8, 9
_PLAIN = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d"}


def read_model_header(path: Path) -> Header:
    """The header of a .safetensors or a .gguf file. Raises `UserError`."""
    return read_gguf_header(path) if path.suffix.lower() == SUFFIX else read_header(path)


def read_gguf_header(path: Path) -> Header:
    """The header of a .gguf file; shapes as torch has them, `dtype` a name of `TYPES`, metadata only where it is text.

    Reads at most `LONGEST` bytes, never waits, and holds only what the file's size bears out: tensors of known types
    one after the other, each as large as its shape says. Raises `UserError`.
    """
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        text = file.read(LONGEST)
    reader = _Reader(path, text)
    if reader.take(4) != b"GGUF":
        refuse(path, "it does not begin as a GGUF file does")
    version = reader.number("I")
    if version not in (2, 3):
        refuse(path, f"it is a GGUF file of version {version}; 2 and 3 are read")
    tensors, entries = reader.number("Q"), reader.number("Q")
    if tensors > MOST_TENSORS or entries > MOST_ENTRIES:
        refuse(path, f"it claims {tensors} tensors and {entries} entries, where {MOST_TENSORS} and {MOST_ENTRIES} are "
               "the most that is read")  # fmt: skip
    metadata, step = reader.metadata(entries)
    listed = [reader.tensor() for _ in range(tensors)]
    start = -(-reader.place // step) * step
    found = dict(listed)
    if len(found) < len(listed):
        refuse(path, "a name stands there twice")
    _check_order(path, found, size - start, step)
    return Header(path, found, metadata, size, start)


class _Reader:
    """Numbers and texts of a GGUF header, one after the other. Raises `UserError` where it ends too early."""

    def __init__(self, path: Path, text: bytes) -> None:
        self._path, self._text, self.place = path, text, 0

    def take(self, count: int) -> bytes:
        if count > len(self._text) - self.place:
            whole = len(self._text) >= LONGEST
            refuse(self._path, f"its header takes more than {LONGEST} bytes" if whole else "its header is cut off")
        self.place += count
        return self._text[self.place - count : self.place]

    def number(self, kind: str) -> int:
        return struct.unpack(f"<{kind}", self.take(struct.calcsize(f"<{kind}")))[0]

    def text(self) -> str:
        return self.take(self.number("Q")).decode("utf-8", errors="replace")

    def metadata(self, count: int) -> tuple[dict[str, str], int]:
        """What is said in texts, and the step in bytes at which tensors begin."""
        said, step = {}, 32
        for _ in range(count):
            key, kind = self.text(), self.number("I")
            if kind == _STRING:
                said[key[:LONGEST_TEXT]] = self.text()[:LONGEST_TEXT]
            elif kind == _ARRAY:
                self._skip_list()
            else:
                value = self.number(self._plain(kind))
                step = value if key == "general.alignment" else step
        if type(step) is not int or not 1 <= step <= LARGEST_STEP:
            refuse(self._path, f"its tensors are set apart by {shown(step)} bytes")
        return said, step

    def tensor(self) -> tuple[str, TensorInfo]:
        name, axes = self.text(), self.number("I")
        if axes > MOST_AXES:
            refuse(self._path, f"{shown(name)} has {axes} axes")
        shape = tuple(self.number("Q") for _ in range(axes))[::-1]
        kind, begin = self.number("I"), self.number("Q")
        if kind not in TYPES:
            refuse(self._path, f"{shown(name)} is of the type {kind}, which is not known here")
        dtype, block, width = TYPES[kind]
        if any(axis > LARGEST for axis in shape) or (shape[-1] if shape else 1) % block:
            refuse(self._path, f"{shown(name)} has the shape {shown(list(shape))}, which does not go with {dtype}")
        return name, TensorInfo(dtype, shape, begin, begin + prod(shape) // block * width)

    def _skip_list(self) -> None:
        kind, count = self.number("I"), self.number("Q")
        if kind == _STRING:
            for _ in range(count):  # ends with the bytes that were read, at the latest
                self.take(self.number("Q"))
        else:
            self.take(struct.calcsize(self._plain(kind)) * count)

    def _plain(self, kind: int) -> str:
        if kind not in _PLAIN:
            refuse(self._path, f"an entry of its metadata is of the type {kind}")
        return _PLAIN[kind]


def _check_order(path: Path, tensors: dict[str, TensorInfo], size: int, step: int) -> None:
    """Refuse tensors that overlap, leave gaps or end elsewhere than the file."""
    end = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if tensor.begin % step or not 0 <= tensor.begin - end < step:
            refuse(path, f"{shown(name)} {'overlaps another' if tensor.begin < end else 'comes after a gap'}")
        end = tensor.end
    if end > size:
        refuse(path, f"it is cut off: its tensors take {end} bytes and {max(size, 0)} are there")
    if size - end >= step:
        refuse(path, f"it goes on for {size - end} bytes after its last tensor")
