"""Cancelling in the middle of a network: a step of a large one takes seconds, on a CPU a minute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from paintdiff.generation.cancel import CancelToken


@contextmanager
def stopping(networks: Iterable[nn.Module], cancel: CancelToken) -> Iterator[None]:
    """Within it, every block of `networks` looks at the token before it computes, and raises `Cancelled`.

    Blocks are the modules that consist of others. What was compiled is left whole: a look inside would undo it.
    """

    def look(module: nn.Module, arguments: Any) -> None:
        cancel.check()

    hooks = [block.register_forward_pre_hook(look) for network in networks for block in _blocks(network)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _blocks(module: nn.Module) -> Iterator[nn.Module]:
    children = list(module.children())
    if not children or module._compiled_call_impl is not None:
        return
    yield module
    for child in children:
        yield from _blocks(child)
