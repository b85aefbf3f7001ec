"""Which device a model runs on, and in which precision."""

from __future__ import annotations

import os

import torch

from paintdiff.generation.errors import UserError

ORDER = ("cuda", "xpu", "mps", "cpu")
CORES = torch.get_num_threads()  # as long as nobody has set it: physical cores


def find_device(name: str) -> torch.device:
    """The device that `name` says; "auto" takes the first that is there. Raises `UserError` for one that is not."""
    here = [kind for kind in ORDER if _is_here(kind)]
    if name == "auto":
        return torch.device(here[0])
    if name not in ORDER:
        raise UserError(f"Device {name!r} is not known; choose auto, {', '.join(ORDER)}.")
    if name not in here:
        raise UserError(f"There is no {name} device on this machine; choose auto or {' or '.join(here)}.")
    return torch.device(name)


def fastest_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware multiplies it faster than float32 (twice as fast on a CPU with AMX), else float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if device.type == "cpu":
        return torch.bfloat16 if torch.cpu._is_amx_tile_supported() else torch.float32
    return torch.float32


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
