"""Devices that are not here, as torch would describe them: what is asked of each, and what each is asked not to do."""

from types import SimpleNamespace

import pytest
import torch

from paintdiff.engine.hardware.device import dtype_of, find_device, free_bytes, free_memory, layout
from paintdiff.engine.hardware.sturdy import ran_out
from paintdiff.generation.errors import UserError
from paintdiff.models.fitting import free_main_memory

GIB = 2**30


def graphics(free: int | None, total: int, reserved: int, allocated: int) -> SimpleNamespace:
    """What torch.cuda and torch.xpu have; `free` is None for one that does not tell, as Intel's within a processor."""

    def mem_get_info(device: torch.device) -> tuple[int, int]:
        if free is None:
            raise RuntimeError("The device (Intel(R) Graphics) doesn't support querying the available free memory.")
        return free, total

    return SimpleNamespace(
        mem_get_info=mem_get_info, memory_reserved=lambda device: reserved, memory_allocated=lambda device: allocated,
        get_device_properties=lambda device: SimpleNamespace(total_memory=total),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["cuda", "xpu"])
def test_what_torch_keeps_for_later_counts_as_free_on_a_card(monkeypatch, kind) -> None:
    monkeypatch.setattr("torch.get_device_module", lambda device: graphics(10 * GIB, 24 * GIB, 6 * GIB, 4 * GIB))
    assert free_bytes(torch.device(kind)) == 12 * GIB


def test_graphics_that_do_not_tell_how_much_is_free_have_what_is_left_of_main_memory(monkeypatch) -> None:
    small = graphics(None, 2**20, 2**18, 2**18)
    monkeypatch.setattr("torch.get_device_module", lambda device: small)
    assert free_bytes(torch.device("xpu")) == 2**20 - 2**18
    endless = graphics(None, 2**60, 0, 0)
    monkeypatch.setattr("torch.get_device_module", lambda device: endless)
    assert free_bytes(torch.device("xpu")) == pytest.approx(free_main_memory(), rel=0.2)


def test_an_apple_device_has_no_more_than_main_memory_has_left(monkeypatch) -> None:
    def says(recommended: int) -> None:
        monkeypatch.setattr("torch.mps.recommended_max_memory", lambda: recommended)
        monkeypatch.setattr("torch.mps.driver_allocated_memory", lambda: 3 * 2**20)
        monkeypatch.setattr("torch.mps.current_allocated_memory", lambda: 2**20)

    says(2**22)
    assert free_bytes(torch.device("mps")) == 2**22 - 2**20
    says(2**60)
    assert free_bytes(torch.device("mps")) == pytest.approx(free_main_memory() + 2**21, rel=0.2)


@pytest.mark.parametrize("kind", ["cuda", "xpu", "mps"])
def test_memory_is_given_back_by_the_devices_own_module(monkeypatch, kind) -> None:
    """That of torch.accelerator ends in an internal error on Apple's devices."""
    given: list[str] = []
    monkeypatch.setattr("torch.accelerator.current_accelerator", lambda check_available: torch.device(kind))
    monkeypatch.setattr(f"torch.{kind}.empty_cache", lambda: given.append(kind))
    free_memory()
    assert given == [kind]


def test_without_a_device_there_is_nothing_to_give_back() -> None:
    if not torch.accelerator.is_available():
        free_memory()


@pytest.mark.parametrize(
    "said",
    [
        "CUDA out of memory. Tried to allocate 2.00 GiB.", "HIP out of memory. Tried to allocate 20.00 MiB.",
        "CUDA error: out of memory", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED", "XPU out of memory. Tried to allocate 1.00 GiB.",
        "level_zero backend failed with error: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)",
        "level_zero backend failed with error: 40 (UR_RESULT_ERROR_OUT_OF_RESOURCES)",
        "MPS backend out of memory (MPS allocated: 9.00 GiB, other allocations: 1.5 GiB, max allowed: 9.07 GiB).",
        "Invalid buffer size: 16.00 GiB", "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried",
        "DefaultCPUAllocator: not enough memory: you tried to allocate 4294967296 bytes.",
    ],
)  # fmt: skip
def test_every_way_of_saying_that_memory_ran_out_is_understood(said) -> None:
    assert ran_out(RuntimeError(said))


def test_other_errors_are_not_taken_for_it() -> None:
    assert ran_out(torch.OutOfMemoryError("nothing more is said"))
    assert ran_out(MemoryError())
    assert not ran_out(RuntimeError("Expected all tensors to be on the same device"))
    assert not ran_out(RuntimeError("CUDA error: an illegal memory access was encountered"))
    assert not ran_out(ValueError("out of memory"))


def test_the_first_device_that_is_there_is_taken(monkeypatch) -> None:
    for kind in ("cpu", "mps", "xpu", "cuda"):  # each goes before those that were there already
        module = "torch.backends.mps" if kind == "mps" else f"torch.{kind}"
        monkeypatch.setattr(f"{module}.is_available", lambda: True)
        assert find_device("auto").type == kind
    monkeypatch.setattr("torch.version.hip", "6.4")
    assert find_device("rocm").type == "cuda"
    assert find_device("mps").type == "mps"


def test_each_device_computes_in_what_it_multiplies_fast(monkeypatch) -> None:
    cuda, mps, xpu = map(torch.device, ("cuda", "mps", "xpu"))
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation: True)
    assert dtype_of("auto", cuda) is dtype_of("float8", cuda) is torch.bfloat16
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation: False)
    assert dtype_of("auto", cuda) is dtype_of("float8", cuda) is torch.float16, "cards before Ampere"
    assert dtype_of("auto", xpu) is torch.bfloat16
    assert dtype_of("auto", mps) is torch.float16
    with pytest.raises(UserError, match="float8"):
        dtype_of("float8", mps)


def test_channels_come_last_but_on_apple_devices() -> None:
    assert {layout(torch.device(kind)) for kind in ("cpu", "cuda", "xpu")} == {torch.channels_last}
    assert layout(torch.device("mps")) is torch.contiguous_format
