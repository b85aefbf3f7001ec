"""Which device a model runs on, in which precision, and how much memory is free there."""

from __future__ import annotations

import os

import torch

from paintdiff.generation.errors import UserError
from paintdiff.generation.placing import AUTO
from paintdiff.models.fitting import free_main_memory

ORDER = ("cuda", "xpu", "mps", "cpu")
ROCM = "rocm"  # what AMD calls it; torch calls it cuda
CORES = torch.get_num_threads()  # as long as nobody has set it: physical cores


def find_device(name: str) -> torch.device:
    """The device that `name` says; "auto" takes the first that is there. Raises `UserError` for one that is not."""
    here = [kind for kind in ORDER if _is_here(kind)]
    if name == AUTO:
        return torch.device(here[0])
    if name == ROCM and "cuda" in here and torch.version.hip is not None:
        return torch.device("cuda")
    if name not in (*ORDER, ROCM):
        several = "; of several cards CUDA_VISIBLE_DEVICES says which" if ":" in name else ""
        raise UserError(f"Device {name!r} is not known; choose auto, cuda, {ROCM}, xpu, mps or cpu{several}.")
    if name not in here:
        raise UserError(f"There is no {name} device on this machine; choose auto or {' or '.join(here)}.")
    return torch.device(name)


def dtype_of(precision: str, device: torch.device) -> torch.dtype:
    """What a network computes in on `device`; `precision` is one of `PRECISIONS`. Weights of "float8" are widened for
    each layer, to half precision or what comes nearest.

    Raises `UserError` for one that the device cannot do.
    """
    if precision == "float8":
        if device.type == "mps":
            raise UserError("Apple's devices keep no float8 weights; choose the precision float16.")
        return _half(device)
    return fastest_dtype(device) if precision == AUTO else getattr(torch, precision)


def fastest_dtype(device: torch.device) -> torch.dtype:
    """Half precision where the hardware multiplies it faster than float32 (twice as fast on a CPU with AMX).

    bfloat16 goes before float16, for it overflows no sooner than float32 does.
    """
    if device.type == "cpu" and not torch.cpu._is_amx_tile_supported():
        return torch.float32
    return _half(device)


def _half(device: torch.device) -> torch.dtype:
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.float16 if device.type == "mps" else torch.bfloat16


def free_bytes(device: torch.device) -> int:
    """Bytes that a model may still take on `device`: measured, with what torch keeps there for later."""
    if device.type in ("cuda", "xpu"):
        module = torch.get_device_module(device)
        reserved = module.memory_reserved(device)
        kept = reserved - module.memory_allocated(device)
        try:
            return module.mem_get_info(device)[0] + kept
        except RuntimeError:  # Intel's graphics within a processor do not tell; they compute in main memory
            total = module.get_device_properties(device).total_memory
            return min(total - reserved, free_main_memory()) + kept
    if device.type == "mps":
        allocated = torch.mps.current_allocated_memory()
        kept = torch.mps.driver_allocated_memory() - allocated
        return min(torch.mps.recommended_max_memory() - allocated, free_main_memory() + kept)
    return free_main_memory()


def free_memory() -> None:
    """Give the device back what torch only keeps for later."""
    here = torch.accelerator.current_accelerator(check_available=True)
    if here is not None:
        torch.get_device_module(here).empty_cache()  # torch.accelerator has one too, which fails on Apple's devices


def layout(device: torch.device) -> torch.memory_format:
    """How the weights of convolutions lie: with channels last, as the fast kernels want them.

    On Apple's devices they are not faster so, and have been wrong where they were given some channels of a picture.
    """
    return torch.contiguous_format if device.type == "mps" else torch.channels_last


def leave_a_core() -> None:
    """Let the calling thread compute on all cores but one, unless OMP_NUM_THREADS says otherwise.

    The last core is the window's. Where all are taken, every operator waits for the thread that lost its core: on two
    cores beside one busy process a run took seven times as long with two threads, and as long as ever with one.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, CORES - 1))


def _is_here(kind: str) -> bool:
    if kind == "cuda":
        return torch.cuda.is_available()
    if kind == "xpu":
        return torch.xpu.is_available()
    if kind == "mps":
        return torch.backends.mps.is_available()
    return kind == "cpu"
