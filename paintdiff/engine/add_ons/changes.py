"""What a file changes of one layer, in any kind that people train: LoRA, LoCon, LoHa, LoKr, DoRA or a difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paintdiff.engine.add_ons.layer_names import Place, shape_of
from paintdiff.generation.errors import UserError

# What the tensors of one layer are called, behind its name: by LyCORIS and kohya's trainer, and by peft and diffusers.
_ENDINGS = {
    "lora_down.weight": "down", "lora_up.weight": "up", "lora_mid.weight": "mid", "lora_A.weight": "down",
    "lora_B.weight": "up", "lora_A.default.weight": "down", "lora_B.default.weight": "up",
    "lora.down.weight": "down", "lora.up.weight": "up", "lora_linear_layer.down.weight": "down",
    "lora_linear_layer.up.weight": "up", "lora_B.bias": "diff_b", "alpha": "alpha", "dora_scale": "magnitude",
    "lora_magnitude_vector": "magnitude", "lora_magnitude_vector.weight": "magnitude", "diff": "diff",
    "diff_b": "diff_b",
} | {
    name: name for name in (
        "hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "hada_t1", "hada_t2", "lokr_w1", "lokr_w1_a", "lokr_w1_b",
        "lokr_w2", "lokr_w2_a", "lokr_w2_b", "lokr_t2",
    )
}  # fmt: skip
_KINDS: tuple[tuple[set[str], set[str]], ...] = (
    ({"down", "up"}, {"mid"}), ({"hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"}, {"hada_t1", "hada_t2"}),
    ({"lokr_w1", "lokr_w2"}, set()), ({"lokr_w1_a", "lokr_w1_b", "lokr_w2"}, set()),
    ({"lokr_w1", "lokr_w2_a", "lokr_w2_b"}, {"lokr_t2"}),
    ({"lokr_w1_a", "lokr_w1_b", "lokr_w2_a", "lokr_w2_b"}, {"lokr_t2"}), ({"diff"}, set()),
)  # fmt: skip
_BESIDES = {"alpha", "magnitude", "diff_b"}
_ROWS = ("up", "diff", "diff_b", "magnitude")  # of which a stacked layer's part takes its rows


def split_name(key: str) -> tuple[str, str]:
    """The layer that a tensor's name is about, and what of its change it is; "" for what is not known here."""
    for ending, what in _ENDINGS.items():
        if key.endswith(f".{ending}"):
            return key[: -len(ending) - 1], what
    return key, ""


def is_whole(tensors: Mapping[str, Tensor]) -> bool:
    """Whether these are all of one kind's tensors for a layer, and no others."""
    own = set(tensors) - _BESIDES
    return any(needed <= own <= needed | more for needed, more in _KINDS)


def difference(tensors: Mapping[str, Tensor]) -> Tensor:
    """What is added to a layer's weight, of as many numbers as it has and of as many rows, before any strength.

    LoRA (Hu et al. 2021), with a core in between as LoCon has it; LoHa, a product of two by elements (Hyeon-Woo et al.
    2022, *FedPara*), LoKr, a Kronecker product (Edalati et al. 2022, *KronA*), and the difference itself. Scaled by
    alpha over rank, as LyCORIS does (Yeh et al. 2024). Raises RuntimeError for factors that do not fit together.
    """
    x = {name: tensor.float() for name, tensor in tensors.items()}
    if "diff" in x:
        return x["diff"]
    if "up" in x:
        core, up, down = x.get("mid"), x["up"], x["down"]
        change = _product(up, down) if core is None else _tucker(core, up.flatten(1).T, down.flatten(1))
    elif "hada_w1_a" in x:
        one, other = (_factors(x, f"hada_w{i}", x.get(f"hada_t{i}")) for i in (1, 2))
        change = one * other
    else:
        one = x["lokr_w1"] if "lokr_w1" in x else _product(x["lokr_w1_a"], x["lokr_w1_b"])
        other = x["lokr_w2"] if "lokr_w2" in x else _factors(x, "lokr_w2", x.get("lokr_t2"))
        change = torch.kron(one[(..., *(None,) * (other.ndim - one.ndim))], other.contiguous())
    return change * scale_of(tensors)


def scale_of(tensors: Mapping[str, Tensor]) -> Tensor:
    """Alpha over rank; 1 where no alpha is said, and for a LoKr whose factors are whole, which has no rank."""
    narrow = next((tensors[name] for name in ("down", "hada_w1_b", "lokr_w2_b", "lokr_w1_b") if name in tensors), None)
    if narrow is None or "alpha" not in tensors:
        return torch.ones((), device=next(iter(tensors.values())).device)
    return tensors["alpha"].float().reshape(()) / narrow.shape[0]


def _factors(x: Mapping[str, Tensor], name: str, core: Tensor | None) -> Tensor:
    one, other = x[f"{name}_a"], x[f"{name}_b"]
    return _product(one, other) if core is None else _tucker(core, one, other)


def _product(one: Tensor, other: Tensor) -> Tensor:
    """(O, R, 1, 1) and (R, I, ...) -> (O, I, ...)"""
    return (one.flatten(1) @ other.flatten(1)).unflatten(1, other.shape[1:])


def _tucker(core: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """(R, R, k, k), (R, O) and (R, I) -> (O, I, k, k)"""
    return torch.einsum("ij..., io, jc -> oc...", core, one, other)


@dataclass(frozen=True, eq=False)
class LayerChange:
    """One layer of a model and what a file says of it. `stacked`: the file says it of several in one."""

    place: Place
    tensors: Mapping[str, Tensor]

    @property
    def fits(self) -> bool:
        """Whether the change has the shape of the layer's weight, told without computing it."""
        try:
            shapes = {name: tensor.to("meta") for name, tensor in self._own.items()}
            change = _rows(difference(shapes), self._late_rows)
        except (RuntimeError, IndexError):
            return False
        shape = shape_of(self.place.layer)
        return change.shape[0] == shape[0] and change.numel() == prod(shape)

    @property
    def _own(self) -> dict[str, Tensor]:
        """The tensors, of those that have the layer's rows only its own."""
        rows = self.place.rows
        return {name: _rows(x, rows) if name in _ROWS and x.shape[0] > 1 else x for name, x in self.tensors.items()}

    @property
    def _late_rows(self) -> tuple[slice, ...]:
        """The rows to take of the change itself, where no tensor has them."""
        return () if {"up", "diff"} & set(self.tensors) else self.place.rows

    def made(self) -> Change:
        return Change(self.place.layer, self._own, self._late_rows, self.place.network.dtype)


def _rows(x: Tensor, rows: tuple[slice, ...]) -> Tensor:
    return torch.cat([x[each] for each in rows]) if rows else x


class Change(nn.Module):
    """The change of one layer, `strength` times: of what comes out of the layer, given what goes in.

    A DoRA (Liu et al. 2024) turns the changed weights back to the lengths that it learned, those of the rows or, with
    LyCORIS before its third version, those of the columns; its strength leads from the layer's weights to these.
    """

    def __init__(
        self, layer: nn.Module, tensors: Mapping[str, Tensor], rows: tuple[slice, ...], dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.strength = 1.0
        self._layer, self._rows, self._names = (layer,), rows, tuple(tensors)  # in a tuple it is no module of this one
        self._shape = shape_of(layer)
        for name, tensor in tensors.items():
            self._keep(name, tensor, torch.float32 if name == "alpha" else dtype)
        if "magnitude" in tensors:
            self._decompose(tensors["magnitude"].float(), _rows(difference(tensors), rows), dtype)

    def forward(self, x: Tensor, y: Tensor, again: Any) -> Tensor:
        """What is to be added to `y`, the layer's answer to x; `again` is the layer alone."""
        if "magnitude" not in self._names:
            change = self._through(x)
        elif self._by_rows:
            excess = self.get_parameter("excess").to(y.dtype)
            change = (1 + excess) * self._through(x) + excess * (y - self._bias(y))
        else:
            excess = self.get_parameter("excess").to(x.dtype)
            change = self._through((1 + excess) * x) + again(excess * x) - self._bias(y)
        if "diff_b" in self._names:
            change = change + self._along(self.get_parameter("diff_b"), y)
        return self.strength * change

    def _through(self, x: Tensor) -> Tensor:
        """The layer's operation with the change in place of its weight."""
        layer: Any = self._layer[0]
        tensors = {name: self.get_parameter(name) for name in self._names}
        if isinstance(layer, nn.Linear):
            if "up" in tensors and "mid" not in tensors:  # through few numbers, where all of the weight would cost time
                up, down = (tensors[name].flatten(1).to(x.dtype) for name in ("up", "down"))
                return F.linear(F.linear(x, down), up) * scale_of(tensors).to(x.dtype)
            return F.linear(x, self._weight(tensors).to(x.dtype))
        return F.conv2d(
            x, self._weight(tensors).to(x.dtype), None, layer.stride, layer.padding, layer.dilation, layer.groups
        )

    def _weight(self, tensors: Mapping[str, Tensor]) -> Tensor:
        return _rows(difference(tensors), self._rows).reshape(self._shape)

    def _decompose(self, magnitude: Tensor, change: Tensor, dtype: torch.dtype) -> None:
        """Keep how much longer than 1 the learned lengths are, over those of the changed weight.

        Raises `UserError` for a quantized weight, of which they cannot be told.
        """
        layer: Any = self._layer[0]
        if not layer.weight.is_floating_point():
            raise UserError("A DoRA measures the model's weights, which cannot be done where they are quantized.")
        weight = layer.weight.detach().float()
        weight = weight + change.reshape(weight.shape).to(weight.device)
        magnitude = magnitude.to(weight.device)
        self._by_rows = magnitude.shape[0] > 1 or weight.shape[0] == 1
        axis = 0 if self._by_rows else 1
        lengths = weight.transpose(0, axis).flatten(1).norm(dim=1)
        excess = magnitude.flatten() / lengths.clamp(min=torch.finfo(torch.float32).eps) - 1
        self._keep("excess", excess.reshape(-1, *(1,) * (weight.ndim - 2)), dtype)
        if layer.bias is not None:
            self._keep("bias", layer.bias.detach(), dtype)

    def _bias(self, y: Tensor) -> Tensor | float:
        return self._along(self.get_parameter("bias"), y) if "bias" in self._parameters else 0.0

    def _along(self, values: Tensor, y: Tensor) -> Tensor:
        """One value for each of the layer's outputs, laid along them."""
        return values.to(y.dtype).reshape(-1, *(1,) * (len(self._shape) - 2))

    def _keep(self, name: str, values: Tensor, dtype: torch.dtype) -> None:
        self.register_parameter(name, nn.Parameter(values.detach().to(dtype, copy=True), requires_grad=False))


class Overlay:
    """What several files change of one layer, added to what comes out of it; `removed` leaves the layer as it was."""

    def __init__(self, layer: nn.Module) -> None:
        self.changes: list[Change] = []
        self._alone = False
        self._handle = layer.register_forward_hook(self._added)

    def removed(self) -> None:
        self._handle.remove()

    def _added(self, layer: nn.Module, given: tuple[Tensor, ...], y: Tensor) -> Tensor:
        if self._alone:
            return y
        x = given[0]

        def again(other: Tensor) -> Tensor:
            self._alone = True
            try:
                answer = layer(other)
            finally:
                self._alone = False
            assert isinstance(answer, Tensor)
            return answer

        return y + sum((change(x, y, again) for change in self.changes if change.strength), torch.zeros_like(y))


def by_layer(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """The tensors of each layer by what they are, those of unknown names under ""."""
    found: dict[str, dict[str, Tensor]] = {}
    for key, x in tensors.items():
        layer, what = split_name(key)
        if "lora_magnitude_vector" in key:
            x = x.reshape(-1, 1)  # peft's are always of rows
        found.setdefault(layer, {})[what] = x
    return found
