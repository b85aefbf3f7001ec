"""Whether weights are those of a network: by names and shapes before they are loaded, by value as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from paintdiff.generation.errors import UserError
from paintdiff.models.bounds import check_network, check_types
from paintdiff.models.header import Header, read_object, shown, spoken

# What files hold beside the weights of their network, from earlier versions and by habit.
SPARE = ("position_ids", "logit_scale", "text_projection.weight", "v_pred", "ztsnr")
# Names that diffusers and transformers read as others: of attention in old autoencoders, and of CLIP.
_RENAMED = (
    (".query.", ".to_q."), (".key.", ".to_k."), (".value.", ".to_v."), (".proj_attn.", ".to_out.0."),
    ("vision_model.vision_model.", "vision_model."),
)  # fmt: skip


def check_fit(kind: type, folder: Path, header: Header) -> None:
    """Raise `UserError` unless the tensors of `header` are those of a `kind` built from the config in `folder`.

    The network is built without memory, on the meta device, once its config is known to be within bounds.
    """
    path = folder / "config.json"
    config = read_object(path)
    check_network(path, config, header)
    check_types(path, config, {name: each.annotation for name, each in signature(kind).parameters.items()})
    try:
        network = _empty(kind, folder)
    except Exception as error:  # whatever an odd config makes them raise
        why = " ".join(str(error).split())[:200]
        how = f"like it ({why})" if why.isprintable() else "like it"
        raise UserError(f"{spoken(folder)} is not a compatible model: no {kind.__name__} is built {how}.") from error
    compare(network, header)


def compare(network: nn.Module, header: Header) -> None:
    """Raise `UserError` unless `header` lists the tensors of `network`, in their shapes and no others."""
    needed = {_name(name): tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    given = {_name(name): tensor.shape for name, tensor in header.tensors.items()}
    tied = getattr(network, "_tied_weights_keys", None)
    twins = {(_name(a), _name(b)) for a, b in tied.items()} if isinstance(tied, dict) else set()
    both = {one: other for pair in twins for one, other in (pair, pair[::-1])}
    missing = [name for name in needed if name not in given and both.get(name) not in given and not _spare(name)]
    extra = [name for name in given if name not in needed and not _spare(name)]
    other = [name for name in given if name in needed and given[name] != needed[name]]
    for names, what in ((missing, "missing"), (extra, "more than it has"), (other, "of another shape")):
        if names:
            example = shown(names[0])
            raise UserError(
                f"{spoken(header.path)} is not a compatible model: the weights are not those of its config: "
                f"{len(names)} of {len(needed)} are {what}, such as {example}."
            )


def built(kind: Any, folder: Path, tensors: dict[str, Tensor]) -> Any:
    """A `kind` of diffusers from the config in `folder` with `tensors` as its weights, as they are and where they are.

    Raises `UserError` where one is missing or of another shape.
    """
    from accelerate import init_empty_weights

    with init_empty_weights(include_buffers=False):
        network = kind.from_config(kind.load_config(str(folder), local_files_only=True))
    given, needed = {_name(name): tensor for name, tensor in tensors.items()}, network.state_dict()
    own = {name: given[_name(name)] for name in needed if _name(name) in given}
    wrong = [name for name, tensor in needed.items() if name not in own or own[name].shape != tensor.shape]
    if wrong:
        raise UserError(
            f"The weights in {spoken(folder)} are not those of its config: {len(wrong)} are missing or of another "
            "shape."
        )
    network.load_state_dict(own, assign=True)
    return network.eval()


def check_finite(network: nn.Module, where: Path) -> None:
    """Raise `UserError` where a weight is not a number."""
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        if not finite(tensor):
            raise UserError(
                f"{spoken(where)} is not a valid model: {shown(name)} holds values that are not numbers (NaN or "
                "infinite); it is damaged."
            )


def finite(tensor: Tensor) -> bool:
    """Whether every value is a number; without a copy of the tensor where it is."""
    if tensor.is_meta or not tensor.is_floating_point() or tensor.numel() == 0:
        return True
    if tensor.element_size() == 1:  # the eight-bit floats cannot be compared
        tensor = tensor.to(torch.bfloat16)
    return all(bool(end.isfinite()) for end in tensor.aminmax())  # one that is not a number is both ends


@contextmanager
def without_memory() -> Iterator[None]:
    """Networks that are built within have shapes and no numbers: none are drawn, which on the meta device would import
    torch's compiler first, a second and more."""
    with torch.device("meta"), _Undrawn():
        yield


class _Undrawn(TorchFunctionMode):
    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else given["tensor"]
        return func(*args, **given)


def _empty(kind: Any, folder: Path) -> nn.Module:
    with without_memory():
        if kind.__module__.startswith("diffusers.models"):
            return kind.from_config(kind.load_config(str(folder), local_files_only=True))
        return kind._from_config(kind.config_class.from_pretrained(str(folder), local_files_only=True))


def _name(name: str) -> str:
    name = name.removeprefix("text_model.")
    for old, new in _RENAMED:
        name = name.replace(old, new)
    return name


def _spare(name: str) -> bool:
    return name.endswith(SPARE)
