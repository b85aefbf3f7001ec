"""What is said of a model, in a painter's words: pure functions from a card to sentences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from paintdiff.generation.model_card import Family, ModelCard, Place

if TYPE_CHECKING:
    from paintdiff.models.fit import Fit


def readable_bytes(count: int) -> str:
    """ "4.3 GB", "920 MB", "12 kB": decimal, as shops and hubs count."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}" if count < 10 * size else f"{count / size:.0f} {unit}"
    return f"{count} bytes"


def facts_of(card: ModelCard) -> str:
    """Family, kind of weights, size, side and licence, as far as they are known."""
    family = "Unknown kind" if card.family is Family.UNKNOWN else str(card.family)
    family = "" if family == card.name else family
    size = readable_bytes(card.size_bytes) if card.size_bytes else ""
    side = f"{card.side} px" if card.side else ""
    return " · ".join(part for part in (family, card.stored, size, side, card.licence) if part)


def abilities_of(card: ModelCard) -> str:
    """What it can do."""
    masks = "Made for masks" if card.inpaints else "Fills masks by constraint"
    return f"{masks} · {card.few_steps}" if card.few_steps else masks


def problem_of(card: ModelCard) -> str:
    """Why it cannot be opened, without the folder that stands beside it anyway."""
    return card.problem.replace(f"{Path(card.source).parent}/", "") if card.place is Place.FOLDER else card.problem


def place_of(card: ModelCard) -> str:
    """Where it lives: the folder that it is in, with ~ for the user's own, or the hub's cache."""
    if card.place is Place.FOLDER:
        return tilde(Path(card.source).parent)
    return "Ships with PaintDiff" if card.place is Place.BUNDLED else "Hub cache"


def source_of(card: ModelCard) -> str:
    """What opens it: its path with ~, its name on the hub, or that it ships."""
    if card.place is Place.FOLDER:
        return tilde(Path(card.source))
    return place_of(card) if card.place is Place.BUNDLED else f"{place_of(card)}: {card.source}"


def tilde(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)


def tooltip_of(card: ModelCard, fit: Fit | None) -> str:
    """All there is to say, a line each."""
    lines = [card.name, facts_of(card), source_of(card), problem_of(card) or abilities_of(card)]
    if fit is not None and not card.problem:
        lines.append(fit.whole)
    return "\n".join(lines)


def matches(card: ModelCard, search: str) -> bool:
    """Whether every word of `search` occurs in what is said of the model."""
    few = "few steps" if card.few_steps else ""
    said = f"{card.name} {facts_of(card)} {abilities_of(card)} {few} {card.source}".casefold()
    return all(word in said for word in search.casefold().split())
