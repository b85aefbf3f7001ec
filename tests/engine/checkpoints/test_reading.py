"""Weights in memory of their own: as they lie in the file, of any type, and whatever becomes of the file."""

import json
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from paintdiff.engine.checkpoints.reading import read_tensors
from paintdiff.engine.checkpoints.weights import check_finite, finite
from paintdiff.engine.model import load_model
from paintdiff.generation.errors import UserError
from tests.tiny_checkpoints import tiny_stable_diffusion

TYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.float8_e4m3fn, torch.float8_e5m2)


def tensors() -> dict[str, Tensor]:
    values = torch.randn(3, 4, 1, 2, generator=torch.Generator().manual_seed(1))
    floats = {f"a.{dtype}": values.to(dtype) for dtype in TYPES}
    return floats | {
        "b.flags": values > 0,
        "b.counts": torch.arange(5),
        "b.one": torch.tensor(3.5),
        "none": torch.zeros(0),
    }


def test_tensors_of_every_type_are_what_the_library_reads(tmp_path: Path) -> None:
    save_file(tensors(), tmp_path / "all.safetensors")
    read = read_tensors(tmp_path / "all.safetensors", torch.float32)
    assert read.keys() == tensors().keys()
    for name, tensor in tensors().items():
        expected = tensor.float() if tensor.is_floating_point() else tensor
        assert torch.equal(read[name], expected), name
        assert read[name].dtype == expected.dtype


def test_only_the_tensors_under_a_prefix_are_read(tmp_path: Path) -> None:
    save_file(tensors(), tmp_path / "all.safetensors")
    read = read_tensors(tmp_path / "all.safetensors", torch.float32, "b.")
    assert set(read) == {"b.flags", "b.counts", "b.one"}


def test_shards_are_read_as_one(tmp_path: Path) -> None:
    shards = {"one.safetensors": {"x": torch.ones(2)}, "two.safetensors": {"y": torch.zeros(3), "z": torch.ones(1)}}
    for name, held in shards.items():
        save_file(held, tmp_path / name)
    index = {"weight_map": {tensor: name for name, held in shards.items() for tensor in held}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    read = read_tensors(tmp_path / "model.safetensors.index.json", torch.bfloat16)
    assert {name: (tensor.shape, tensor.dtype) for name, tensor in read.items()} == {
        "x": ((2,), torch.bfloat16), "y": ((3,), torch.bfloat16), "z": ((1,), torch.bfloat16),
    }  # fmt: skip


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    save_file(tensors(), path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match="cut off"):
        read_tensors(path, torch.float32)


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux says of a process")
def test_a_loaded_unet_and_autoencoder_keep_no_copy_of_their_files_beside_them(tmp_path: Path) -> None:
    folder = tiny_stable_diffusion(tmp_path / "model")
    model = load_model(str(folder), "cpu", torch.float32)
    mapped = Path("/proc/self/maps").read_text()
    assert model.parts is not None
    for part in ("unet", "vae"):
        assert str(folder / part) not in mapped


def test_a_model_stays_what_it_was_when_its_file_is_written_over(tmp_path: Path) -> None:
    folder = tiny_stable_diffusion(tmp_path / "model")
    unet = load_model(str(folder), "cpu", torch.float32).parts.denoiser
    before = {name: tensor.clone() for name, tensor in unet.state_dict().items()}
    file = folder / "unet" / "diffusion_pytorch_model.safetensors"
    with file.open("r+b") as opened:  # as some programs save: into the same file
        opened.truncate(100)
    assert all(torch.equal(tensor, before[name]) for name, tensor in unet.state_dict().items())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", TYPES)
def test_one_value_that_is_not_a_number_is_found_among_many(value: float, dtype: torch.dtype) -> None:
    sound = torch.full((1000,), torch.finfo(dtype).max, dtype=dtype)
    assert finite(sound), "large ones are numbers too"
    broken = sound.clone()
    broken[617] = value
    if (dtype == torch.float8_e4m3fn and value != value) or dtype != torch.float8_e4m3fn:  # which has no infinity
        assert not finite(broken)


def test_a_damaged_weight_is_named(tmp_path: Path) -> None:
    network = nn.Linear(3, 2)
    with torch.no_grad():
        network.weight[1, 2] = float("nan")
    with pytest.raises(UserError, match="'weight' holds values that are not numbers"):
        check_finite(network, tmp_path)
