"""A network that is asked again, more carefully, when half precision overflows or the memory runs out."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from types import TracebackType

import torch
from torch import Tensor, nn

from paintdiff.engine.denoiser import Condition, Network
from paintdiff.engine.hardware.device import free_memory

HALVED = "Memory ran out, so the network was asked for half of each batch at a time; that is slower."
PRECISE = "Half precision gave no numbers, so the rest was computed in float32; that is slower."
OUT_OF_MEMORY = (
    "out of memory", "can't allocate memory", "not enough memory", "alloc failed", "out of device memory",
    "out of host memory", "out of resources", "invalid buffer size",
)  # fmt: skip
_HALF = (torch.float16, torch.bfloat16)


class SturdyNetwork:
    """Calls `network`; what it had to do about its answers stands in `notices`, one line each.

    An answer that is not a number: the module `weights` behind the network is cast to float32 and the call repeated,
    once; if that helps, the rest of the job stays in float32. If not, or if it was no half precision, the answer is
    passed on, and `NetworkDenoiser` makes an error of it. Out of memory: from then on each batch goes through in two
    halves; if that is not enough either, the error is raised. Leaving the `with` block casts the weights back, which
    changes none of them.
    """

    def __init__(self, network: Network, weights: nn.Module | None) -> None:
        self._network = network
        self._weights = weights
        self._own = None if weights is None else next((p.dtype for p in weights.parameters()), None)
        self._halved = self._precise = False
        self.notices: list[str] = []

    def __enter__(self) -> SturdyNetwork:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._cast(precise=False)

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Tensor:
        out = self._answer(x_t, t, condition)
        if self._own not in _HALF or self._precise or math.isfinite(float(out.detach().sum())):
            return out
        self._cast(precise=True)
        out = self._answer(x_t, t, condition)
        if math.isfinite(float(out.sum())):
            self.notices.append(PRECISE)
        return out

    def _answer(self, x_t: Tensor, t: float, condition: Condition) -> Tensor:
        if not self._halved or len(x_t) < 2:
            try:
                return self._network(x_t, t, condition)
            except RuntimeError as error:
                if not ran_out(error) or len(x_t) < 2:
                    raise
            # outside the handler, which would hold on to what the failed call had allocated
            self._halved = True
            self.notices.append(HALVED)
            free_memory()
        middle = len(x_t) // 2
        parts = [slice(0, middle), slice(middle, len(x_t))]
        return torch.cat([self._network(x_t[part], t, _part(condition, part, len(x_t))) for part in parts])

    def _cast(self, precise: bool) -> None:
        if self._weights is not None and self._precise != precise:
            self._weights.to(torch.float32 if precise else self._own)
            self._precise = precise


def ran_out(error: BaseException) -> bool:
    """Whether `error` says that there was no memory left.

    Not all say so by their class: the CPU, MPS (also for one buffer that is larger than any may be), Level Zero, and
    the libraries that CUDA and ROCm call raise plain RuntimeErrors.
    """
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower().replace("_", " ")
    return isinstance(error, RuntimeError) and any(words in text for words in OUT_OF_MEMORY)


def _part(condition: Condition, part: slice, count: int) -> Condition:
    """`condition` for some rows of a batch of `count`; what all rows share stays as it is."""
    own = {item.name: getattr(condition, item.name) for item in fields(condition)}
    return replace(condition, **{name: x[part] for name, x in own.items() if x is not None and len(x) == count})
