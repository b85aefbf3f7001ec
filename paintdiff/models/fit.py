"""How well a model fits this machine, said before it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from paintdiff.generation.model_card import ModelCard
from paintdiff.generation.placing import ALL, GROUP, RUNGS, SEQUENTIAL
from paintdiff.models.fitting import GIB, Needs, gigabytes, needs_of
from paintdiff.models.machine import Machine

QUICK_ON_CPU = 500_000_000  # bytes of weights; a model that small needs no graphics card


class Fits(Enum):
    """From good to bad."""

    WELL = "well"
    WITH_CARE = "with care"
    NOT = "not"


@dataclass(frozen=True)
class Fit:
    """`short` stands on a card, `whole` is the sentence behind it."""

    fits: Fits
    short: str
    whole: str


def fit_of(card: ModelCard, machine: Machine) -> Fit | None:
    """None where the card does not say how large the model is."""
    if not card.size_bytes:
        return None
    on_card = _on_graphics_card(card, machine) if machine.graphics else None
    return on_card or _on_cpu(card, machine)


def _on_graphics_card(card: ModelCard, machine: Machine) -> Fit | None:
    needs, free = needs_of(card), _amount(machine.graphics)
    rung = needs.rung(machine.graphics)
    if rung is None or (rung != ALL and _left_in_main_memory(needs, rung) > machine.main):
        return None
    taken = _amount(needs.at(rung))
    if rung == ALL:
        return Fit(
            Fits.WELL, f"Fits on the GPU: {taken} of {free}",
            f"Fits on the GPU: it needs about {taken}, and {machine.card} has {free} free.",
        )  # fmt: skip
    whole = _amount(needs.at(ALL))
    return Fit(
        Fits.WITH_CARE, f"Fits with offloading: {whole} on {free}",
        f"Fits with offloading, which is slower: it needs about {whole}, and {machine.card} has {free} free "
        f"({RUNGS[rung]}, then it takes {taken}).",
    )  # fmt: skip


def _left_in_main_memory(needs: Needs, rung: str) -> int:
    """Bytes of weights that wait there while they are not on the card."""
    return needs.text + (needs.network if rung in (GROUP, SEQUENTIAL) else 0)


def _on_cpu(card: ModelCard, machine: Machine) -> Fit:
    needs, free = needs_of(card).at(ALL), _amount(machine.main)
    if needs > machine.main:
        least = needs_of(card).at(SEQUENTIAL)
        beside = f", and {machine.card} not the {_amount(least)} that are the least" if machine.card else ""
        return Fit(
            Fits.NOT, f"Does not fit: {_amount(needs)}, {free} free",
            f"Does not fit: it needs about {_amount(needs)}, and this machine has {free} of memory free{beside}.",
        )  # fmt: skip
    if card.size_bytes <= QUICK_ON_CPU:
        return Fit(
            Fits.WELL, f"Fits: {_amount(needs)} of {free}",
            f"Fits: it needs about {_amount(needs)}, and this machine has {free} of memory free.",
        )  # fmt: skip
    why = f"{machine.card} has too little memory" if machine.card else "there is no graphics card that we can ask"
    return Fit(
        Fits.WITH_CARE, f"Only on the CPU, slow: {_amount(needs)} of {free}",
        f"Only on the CPU, which is slow: it needs about {_amount(needs)} of the {free} of memory free; {why}.",
    )  # fmt: skip


def _amount(count: int) -> str:
    """ "4.2 GB", or megabytes where that would be none."""
    return gigabytes(count) if count >= GIB / 10 else f"{max(1, round(count / 2**20))} MB"
