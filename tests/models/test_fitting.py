"""What a card needs of the memory, against networks of full size that are counted without memory."""

import pytest

from paintdiff.bench.full_size import networks
from paintdiff.engine.checkpoints.parts import Parts
from paintdiff.engine.hardware.placement import needs_of_parts
from paintdiff.generation.model_card import Family, ModelCard, Place
from paintdiff.generation.placing import ALL, GROUP, RUNGS, SEQUENTIAL, TEXT_OFF
from paintdiff.models.fitting import GIB, free_main_memory, needs_of


def card(family: Family, side: int = 0, size: int = 0) -> ModelCard:
    return ModelCard("x", "X", family, Place.FOLDER, size, side)


@pytest.mark.parametrize(
    ("name", "family", "side"), [("sd15", Family.SD1, 512), ("sdxl", Family.SDXL, 1024)]
)
def test_the_table_of_families_is_what_their_networks_weigh(name, family, side) -> None:
    parts = networks(name)
    for network in parts.values():
        network.half()
    texts = tuple(network for part, network in parts.items() if part.startswith("text"))
    counted = needs_of_parts(Parts("x", family, parts["unet"], parts["vae"], (), texts, {}), side)
    told = needs_of(card(family, side))
    for part in ("network", "text", "autoencoder", "block", "layer"):
        assert getattr(told, part) == pytest.approx(getattr(counted, part), rel=0.02), part
    assert (told.step, told.picture, told.tile) == (counted.step, counted.picture, counted.tile)


@pytest.mark.parametrize("family", [Family.SD1, Family.SD2, Family.SDXL, Family.SD3, Family.FLUX])
def test_each_rung_takes_no_more_than_the_one_above(family) -> None:
    needs = needs_of(card(family))
    taken = [needs.at(rung) for rung in RUNGS]
    assert taken == sorted(taken, reverse=True)
    assert taken[0] > 1.3 * taken[-1]


def test_what_painters_know_of_their_cards_comes_out() -> None:
    assert needs_of(card(Family.SD1)).rung(4 * GIB) == ALL
    assert needs_of(card(Family.SDXL, 1024)).rung(24 * GIB) == ALL
    assert needs_of(card(Family.SDXL, 1024)).rung(10 * GIB) in (TEXT_OFF, "tiled")
    assert needs_of(card(Family.SDXL, 1024)).rung(6 * GIB) == GROUP
    assert needs_of(card(Family.FLUX, 1024)).rung(12 * GIB) in (GROUP, SEQUENTIAL)


def test_a_model_of_an_unknown_kind_is_counted_by_its_file() -> None:
    unknown = needs_of(card(Family.UNKNOWN, size=2 * GIB))
    assert unknown.at(ALL) == 3 * GIB
    assert unknown.rung(free_main_memory() + 100 * GIB) == ALL
    assert unknown.rung(GIB) is None
