"""What a weights file says of itself: a safetensors header, read without trust and before anything else is read."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from paintdiff.generation.errors import UserError

LONGEST = 8 * 2**20  # bytes of a header: that of FLUX takes 0.2 MiB, that of a LoRA with training notes a few
MOST_TENSORS = 100_000
MOST_AXES = 16
LARGEST = 2**63 - 1
BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "F8_E8M0": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8, "C64": 8,
}  # fmt: skip
CONVERT = (
    "a pickle can run any program and is never opened; have it saved again as safetensors by who made it, or convert "
    "it on a machine that you can lose (torch.load with weights_only=True, then safetensors.torch.save_file: "
    "docs/checkpoints.md has the lines)"
)
# What people save under the wrong name, by its first bytes.
DISGUISES = (
    (b"version https://git-lfs", "a git-lfs pointer, in place of the file that it points to; fetch it with git lfs"),
    (b"<", "a web page: the download went wrong"),
    (b"PK\x03\x04", f"a zip file, as which pickles are kept: {CONVERT}"),
    (b"\x80", f"a pickle: {CONVERT}"),
    (b"GGUF", "a GGUF file: name it .gguf, and it is read as one"),
)


@dataclass(frozen=True)
class TensorInfo:
    """One tensor: `dtype` a key of `BYTES`, and where it lies, in bytes after the header of its file."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Header:
    """All that a weights file, or a set of shards, says of itself. `size` is what it takes on disk, in bytes.

    `start` is where the tensors begin in a file of its own, `prefix` is what their names begin with in the file.
    """

    path: Path
    tensors: dict[str, TensorInfo]
    metadata: dict[str, str]
    size: int
    start: int = 0
    prefix: str = ""

    def under(self, prefix: str) -> Header:
        """Only the tensors whose names begin so, by the rest of their names."""
        below = {name[len(prefix) :]: info for name, info in self.tensors.items() if name.startswith(prefix)}
        return replace(self, tensors=below, prefix=self.prefix + prefix)

    def shape(self, name: str) -> tuple[int, ...]:
        """The tensor's shape, or () where there is none of that name."""
        return self.tensors[name].shape if name in self.tensors else ()


def read_header(path: Path) -> Header:
    """The header of a .safetensors file, or of all shards that a .safetensors.index.json names.

    Reads at most `LONGEST` bytes of a file, never waits (a pipe is refused), and holds only what the file's size bears
    out: tensors of known types that lie one after the other, each as large as its shape says, up to the end of the
    file. Raises `UserError`.
    """
    return _shards(path) if path.suffix == ".json" else _single(path)


def read_object(path: Path, longest: int = LONGEST) -> dict[str, Any]:
    """A JSON file that holds an object, of at most `longest` bytes. Raises `UserError`; never waits.

    NaN and Infinity pass, which diffusers writes into the configs of some schedulers.
    """
    with opened(path) as file:
        text = file.read(longest + 1)
    if len(text) > longest:
        refuse(path, f"it is larger than the {longest} bytes that such a file may take")
    return _object(path, text, constants=True)


def shown(name: object) -> str:
    """A name from a file as a sentence can quote it: short, on one line, with nothing in it that a screen obeys."""
    text = repr(name[:80] if isinstance(name, str | list) else name)
    return text if len(text) <= 80 else f"{text[:77]}…{text[0]}"


def spoken(path: Path) -> str:
    """A path as a sentence can hold it: as it is where every sign of it can be printed, else escaped."""
    return str(path) if str(path).isprintable() else ascii(str(path))


def _single(path: Path) -> Header:
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(64)
        for magic, what in DISGUISES:
            # A sound header may begin with any byte, since that is a length; what follows it is always an object.
            if start.lstrip().startswith(magic) and start[8:9] != b"{":
                refuse(path, f"it is {what}")
        if size < 8:
            refuse(path, "it is empty" if size == 0 else f"it has {size} bytes and ends before its header")
        length = int.from_bytes(start[:8], "little")
        if length > LONGEST:
            refuse(path, f"its header claims {length} bytes, where {LONGEST} are the most that is read")
        if length > size - 8:
            refuse(path, f"its header claims {length} bytes and the file has {size}; it is cut off, or no model")
        file.seek(8)
        text = file.read(length)
    if not text.startswith(b"{"):
        refuse(path, "its header is not a JSON object")
    entries = _object(path, text)
    metadata = _metadata(path, entries.pop("__metadata__", {}))
    if len(entries) > MOST_TENSORS:
        refuse(path, f"it lists {len(entries)} tensors, where {MOST_TENSORS} are the most that is read")
    tensors = {name: _tensor(path, name, entry) for name, entry in entries.items()}
    _check_order(path, tensors, size - 8 - length)
    return Header(path, tensors, metadata, size, 8 + length)


def _shards(index: Path) -> Header:
    """The header of all shards together; offsets are those within each tensor's own shard."""
    values = read_object(index)
    weight_map = values.get("weight_map")
    if not isinstance(weight_map, dict) or not all(isinstance(name, str) for name in weight_map.values()):
        refuse(index, "it does not say which tensor lies in which file (weight_map)")
    headers: dict[str, Header] = {}
    for name in dict.fromkeys(weight_map.values()):
        if not is_plain(name) or not name.endswith(".safetensors"):
            refuse(index, f"it names {shown(name)}, which is not the plain name of a .safetensors file beside it")
        headers[name] = _single(index.parent / name)
    tensors = {}
    for tensor, name in weight_map.items():
        if tensor not in headers[name].tensors:
            refuse(index, f"it says that {shown(tensor)} lies in {name}, which has none of that name")
        tensors[tensor] = headers[name].tensors[tensor]
    for name, header in headers.items():
        for tensor in header.tensors:
            if weight_map.get(tensor) != name:
                refuse(index, f"{name} holds {shown(tensor)}, of which it does not say so")
    metadata = {key: text for header in headers.values() for key, text in header.metadata.items()}
    return Header(index, tensors, metadata, sum(header.size for header in headers.values()))


def is_plain(name: str) -> bool:
    """Whether `name` is that of a file in a folder, on any system: no path, no drive, nothing hidden, nothing odd."""
    return name.isprintable() and not any(sign in name for sign in '/\\:*?"<>|') and name.strip(". ") not in ("",)


def opened(path: Path) -> BinaryIO:
    """A file to read. Raises `UserError` for anything but a regular one: a pipe would keep us waiting."""
    try:
        # Looked at before it is opened, since opening some devices does something, and after it, since it may have been
        # exchanged in between; with O_NONBLOCK even a pipe is opened at once.
        if not stat.S_ISREG(os.stat(path).st_mode):
            refuse(path, "it is a folder" if path.is_dir() else "it is not a regular file")
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        file = os.fdopen(os.open(path, flags), "rb")
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            refuse(path, "it is not a regular file")
        return file
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{spoken(path)} is not a valid model: it cannot be read ({reason}).") from error


def _object(path: Path, text: bytes, constants: bool = False) -> dict[str, Any]:
    parse_constant = float if constants else _no_constant
    try:
        values = json.loads(text.decode("utf-8"), object_pairs_hook=_without_doubles, parse_constant=parse_constant)
    except RecursionError:
        refuse(path, "its JSON is nested too deeply")
    except ValueError as error:
        refuse(path, f"its JSON cannot be read ({str(error).splitlines()[0][:120]})")
    if not isinstance(values, dict):
        refuse(path, "it is not a JSON object")
    return values


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        seen: set[str] = set()
        double = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"{shown(double)} stands there twice")
    return values


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _metadata(path: Path, values: Any) -> dict[str, str]:
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        refuse(path, "its metadata is not made of texts")
    return values


def _tensor(path: Path, name: str, entry: Any) -> TensorInfo:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        refuse(path, f"its entry for {shown(name)} is not that of a tensor")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BYTES:
        refuse(path, f"{shown(name)} is of a type {shown(dtype)} that is not known")
    if not _whole_numbers(shape, MOST_AXES):
        refuse(path, f"{shown(name)} has the shape {shown(shape)}")
    if not _whole_numbers(offsets, 2) or len(offsets) != 2 or offsets[0] > offsets[1]:
        refuse(path, f"{shown(name)} lies at {shown(offsets)}")
    if prod(shape) * BYTES[dtype] != offsets[1] - offsets[0]:
        refuse(path, f"{shown(name)} has {offsets[1] - offsets[0]} bytes, which is not what its shape and type take")
    return TensorInfo(dtype, tuple(shape), offsets[0], offsets[1])


def _whole_numbers(values: Any, most: int) -> bool:
    """Whether it is a list of at most `most` of them, none negative."""
    if not isinstance(values, list) or len(values) > most:
        return False
    return all(type(value) is int and 0 <= value <= LARGEST for value in values)


def _check_order(path: Path, tensors: dict[str, TensorInfo], size: int) -> None:
    """Refuse tensors that overlap, leave gaps or end elsewhere than the file."""
    end = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if tensor.begin != end:
            refuse(path, f"{shown(name)} {'overlaps another' if tensor.begin < end else 'comes after a gap'}")
        end = tensor.end
    if end > size:
        refuse(path, f"it is cut off: its tensors take {end} bytes and {size} are there")
    if end < size:
        refuse(path, f"it goes on for {size - end} bytes after its last tensor")


def refuse(path: Path, why: str) -> NoReturn:
    raise UserError(f"{spoken(path)} is not a valid model: {why}.")
