"""Where parameters stand until the user sets them: what the program, the model and the mode say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from paintdiff.generation.errors import UserError
from paintdiff.generation.modes import MODES
from paintdiff.generation.sampling import Sampling, check, parameters

NOT_OF_A_MODEL = ("seed", "variation_seed", "label", "strength")


def of_a_model() -> tuple[str, ...]:
    """The parameters that a model may have a word in: no texts, seeds or classes, nor what each mode says itself."""
    return tuple(
        name for name, parameter in parameters().items() if parameter.kind != "text" and name not in NOT_OF_A_MODEL
    )


def base_of(name: str, defaults: Mapping[str, object], mode: str = "") -> object:
    """Where parameter `name` stands with a model that wants `defaults`; in `mode`, where that has a value of its own.

    A mode asks for less than is usual, since it has much to do: a model that asks for less yet gets that.
    """
    usual = defaults.get(name, getattr(Sampling(), name))
    if name not in (MODES[mode].defaults if mode else {}):
        return usual
    own = MODES[mode].defaults[name]
    return min(own, usual) if name in defaults and isinstance(usual, int | float) else own


def valid(defaults: Mapping[str, object]) -> dict[str, object]:
    """Those of `defaults` that fit a parameter which a model may have a word in."""
    known, fitting = parameters(), {}
    for name in of_a_model():
        if name in defaults:
            try:
                check(name, known[name], defaults[name])
            except UserError:
                continue  # of another version, or nonsense in a checkpoint: as if it had said nothing
            fitting[name] = defaults[name]
    return fitting


def suited(sampling: Sampling, defaults: Mapping[str, object], mode: str, given: Collection[str]) -> Sampling:
    """`sampling` for a model that wants `defaults`, but for the parameters that the user has `given` himself."""
    wanted = valid(defaults)
    values: dict[str, Any] = {name: base_of(name, wanted, mode) for name in wanted if name not in given}
    return replace(sampling, **values)
