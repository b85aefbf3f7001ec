"""Headers of weights: read as they are when sound, refused when not, and never more than the header is read."""

import json
import os
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some
from safetensors.torch import load_file, save_file

from paintdiff.generation.errors import UserError
from paintdiff.models.header import BYTES, LONGEST, is_plain, read_header, read_object, shown, spoken

TYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
    "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2,
}  # fmt: skip


def test_a_sound_file_says_what_it_holds(tmp_path) -> None:
    tensors = {name: torch.zeros(2, 3, dtype=kind) for name, kind in TYPES.items()}
    tensors |= {"scalar": torch.tensor(1.0), "empty": torch.zeros(0, 4)}
    save_file(tensors, tmp_path / "a.safetensors", {"title": "äöü"})
    header = read_header(tmp_path / "a.safetensors")
    assert header.size == (tmp_path / "a.safetensors").stat().st_size
    assert header.metadata == {"title": "äöü"}
    assert set(header.tensors) == set(tensors)
    for name in TYPES:
        found = header.tensors[name]
        assert (found.dtype, found.shape, found.end - found.begin) == (name, (2, 3), 6 * BYTES[name])
    assert header.shape("scalar") == ()
    assert header.shape("empty") == (0, 4)
    assert header.shape("absent") == ()


def test_shards_are_one_header(tmp_path) -> None:
    parts = {"one.safetensors": {"a": torch.zeros(2), "b": torch.zeros(3)}, "two.safetensors": {"c": torch.zeros(4)}}
    for name, tensors in parts.items():
        save_file(tensors, tmp_path / name)
    index = tmp_path / "model.safetensors.index.json"
    weight_map = {tensor: name for name, tensors in parts.items() for tensor in tensors}
    index.write_text(json.dumps({"weight_map": weight_map}))
    header = read_header(index)
    assert {name: tensor.shape for name, tensor in header.tensors.items()} == {"a": (2,), "b": (3,), "c": (4,)}
    assert header.size == sum((tmp_path / name).stat().st_size for name in parts)
    for wrong, words in [
        ({"a": "one.safetensors", "c": "two.safetensors"}, "holds 'b', of which it does not say so"),
        (weight_map | {"c": "one.safetensors"}, "'c' lies in one.safetensors"),
        (weight_map | {"d": "three.safetensors"}, "three.safetensors"),
    ]:
        index.write_text(json.dumps({"weight_map": wrong}))
        with pytest.raises(UserError, match=words):
            read_header(index)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../a", "/a", "a/b", "a\\b", "C:a", "a\0b", "a\nb", "\u202ea", "a*", "a?", "a|b", "<a>", " . "],
)
def test_a_path_is_no_plain_name(name) -> None:
    assert not is_plain(name)


@pytest.mark.parametrize("name", ["a.safetensors", "model-00001-of-00002.safetensors", "ünïcode 模型.safetensors"])
def test_a_file_name_is_plain(name) -> None:
    assert is_plain(name)


def test_nothing_beyond_the_header_is_read(tmp_path) -> None:
    path = tmp_path / "a.safetensors"
    text = json.dumps({"a": {"dtype": "U8", "shape": [2**40], "data_offsets": [0, 2**40]}}).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    os.truncate(path, 8 + len(text) + 2**40)  # a terabyte, of which the disk holds nothing
    assert read_header(path).tensors["a"].shape == (2**40,)


def test_an_object_may_hold_the_infinities_of_schedulers_but_not_more_than_it_may(tmp_path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"lambda_min_clipped": -Infinity}')
    assert read_object(path) == {"lambda_min_clipped": float("-inf")}
    path.write_text(json.dumps({"a": "x" * LONGEST}))
    with pytest.raises(UserError, match="larger than"):
        read_object(path)
    with pytest.raises(UserError, match="larger than the 4 bytes"):
        read_object(path, longest=4)


def test_a_header_of_lies_is_never_believed_where_the_library_would_not(tmp_path) -> None:
    """Whatever opens by our reading opens by that of safetensors, with the same names and shapes."""
    path = tmp_path / "a.safetensors"
    path.write_bytes(sound(tmp_path))

    @hypothesis_settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(some.integers(0, len(sound(tmp_path)) - 1), some.integers(0, 255), some.integers(-40, 40))
    def changed_anywhere(place: int, byte: int, longer: int) -> None:
        content = bytearray(sound(tmp_path))
        content[place] = byte
        path.write_bytes(bytes(content[: len(content) + min(longer, 0)]) + b"\0" * max(longer, 0))
        try:
            header = read_header(path)
        except UserError:
            return
        theirs = load_file(path)
        assert {name: tuple(tensor.shape) for name, tensor in theirs.items()} == {
            name: tensor.shape for name, tensor in header.tensors.items()
        }

    changed_anywhere()


def sound(folder: Path) -> bytes:
    path = folder / "sound.safetensors"
    if not path.exists():
        save_file({"a": torch.zeros(2, 3), "b": torch.zeros(4, dtype=torch.int16)}, path, {"k": "v"})
    return path.read_bytes()


@given(some.text())
def test_any_name_can_be_quoted_in_a_sentence(name) -> None:
    assert shown(name).isprintable()
    assert len(shown(name)) <= 80
    assert spoken(Path(name)).isprintable()
