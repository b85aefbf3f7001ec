"""What a card says, and how cards are sorted, searched and filtered."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QAbstractItemModel
from PySide6.QtTest import QAbstractItemModelTester

from paintdiff.generation.model_card import Family, ModelCard, Place
from paintdiff.models.fit import Fits, fit_of
from paintdiff.models.machine import Machine
from paintdiff.ui.models.card_list import SHOWN, CardList
from paintdiff.ui.models.described import abilities_of, facts_of, place_of, problem_of, readable_bytes, tooltip_of

GB = 10**9
BUNDLED = ModelCard("first-light", "First Light", Family.BUNDLED, Place.BUNDLED, 80_000_000, 128, True)
SD1 = ModelCard("/models/dream.safetensors", "dream", Family.SD1, Place.FOLDER, 2 * GB, 512, licence="openrail")
XL = ModelCard("owner/turbo", "owner/turbo", Family.SDXL, Place.CACHE, 7 * GB, 1024, few_steps="Turbo")
BROKEN = ModelCard("/models/a.ckpt", "a", Family.UNKNOWN, Place.FOLDER, problem="a.ckpt is a pickle: convert it.")
FLUX = ModelCard("/models/flux", "flux", Family.FLUX, Place.FOLDER, 33 * GB, 1024, True)


@pytest.fixture
def cards(qtmodeltester) -> CardList:
    cards = CardList(lambda card: fit_of(card, Machine(16 * GB)))
    qtmodeltester.check(cards)
    cards.take([XL, BROKEN, SD1, BUNDLED])
    return cards


def names(cards: QAbstractItemModel) -> list[str]:
    return [cards.index(row, 0).data() for row in range(cards.rowCount())]


def test_a_card_says_what_painters_ask(cards) -> None:
    assert facts_of(SD1) == "Stable Diffusion 1 · 2.0 GB · 512 px · openrail"
    assert abilities_of(SD1) == "Fills masks by constraint"
    assert abilities_of(replace(XL, inpaints=True)) == "Made for masks · Turbo"
    assert facts_of(BROKEN) == "Unknown kind", "nothing is said of what is not known"
    assert "pickle" in tooltip_of(BROKEN, None)
    assert facts_of(BUNDLED) == "80 MB · 128 px", "its family is its name"


def test_a_problem_is_told_without_the_folder_that_stands_beside_it() -> None:
    cut = replace(SD1, problem="/models/dream.safetensors is not a valid model: it ends early.")
    assert problem_of(cut) == "dream.safetensors is not a valid model: it ends early."


def test_a_path_of_the_users_own_is_short(monkeypatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ada"))
    assert place_of(replace(SD1, source="/home/ada/sd/dream.safetensors")) == "~/sd"
    assert place_of(SD1) == "/models"


@pytest.mark.parametrize(
    ("count", "text"), [(12, "12 bytes"), (9_900, "9.9 kB"), (455_000_000, "455 MB"), (33 * GB, "33 GB")]
)
def test_sizes_are_rounded_as_people_say_them(count, text) -> None:
    assert readable_bytes(count) == text


def test_what_ships_comes_first_and_what_cannot_be_opened_last(cards) -> None:
    assert names(cards) == ["First Light", "dream", "owner/turbo", "a"]


def test_favourites_go_before_all(cards) -> None:
    cards.set_favourites([XL.source])
    assert names(cards) == ["owner/turbo", "First Light", "dream", "a"]
    assert cards.index(0).data(SHOWN).favourite


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("DREAM", ["dream"]), ("xl turbo", ["owner/turbo"]), ("openrail", ["dream"]), ("few", ["owner/turbo"]),
        ("models", ["dream", "a"]), ("nothing of that", []), ("  ", ["First Light", "dream", "owner/turbo", "a"]),
    ],
)  # fmt: skip
def test_every_word_of_a_search_must_be_found_somewhere(cards, search, found) -> None:
    cards.set_search(search, None)
    assert names(cards) == found


def test_a_family_filters_and_a_search_goes_on_within_it(cards) -> None:
    cards.set_search("", Family.SDXL)
    assert names(cards) == ["owner/turbo"]
    cards.set_search("dream", Family.SDXL)
    assert names(cards) == []
    assert cards.families == [Family.BUNDLED, Family.SD1, Family.SDXL, Family.UNKNOWN]


def test_cards_that_arrive_later_take_their_place_and_known_ones_are_renewed(cards) -> None:
    cards.take([replace(SD1, source="/b", name="b"), replace(SD1, licence="mit"), replace(XL, name="alpha")])
    assert names(cards) == ["First Light", "alpha", "b", "dream", "a"]
    assert cards.card_at(3).licence == "mit"
    cards.drop([SD1.source, "unheard of"])
    assert names(cards) == ["First Light", "alpha", "b", "a"]


def test_a_card_that_arrives_during_a_search_is_shown_only_if_it_fits(cards) -> None:
    cards.set_search("dream", None)
    cards.take([replace(SD1, source="/2", name="dream 2"), replace(SD1, source="/3", name="other")])
    assert names(cards) == ["dream", "dream 2"]
    assert cards.row_of("/3") == -1
    assert cards.total == 6


def test_the_list_stays_a_sound_model_through_all_changes(qtbot) -> None:
    cards = CardList(lambda card: None)
    tester = QAbstractItemModelTester(cards, QAbstractItemModelTester.FailureReportingMode.Fatal)
    cards.take([XL, BROKEN, SD1, BUNDLED])
    cards.take([replace(XL, name="a", problem="gone")])
    cards.set_search("d", None)
    cards.drop([SD1.source])
    cards.set_chosen(BUNDLED.source, True)
    assert tester is not None


def test_a_graphics_card_with_room_fits_and_the_sentence_has_both_numbers() -> None:
    fit = fit_of(SD1, Machine(32 * GB, "RTX", 24 * GB))
    assert fit.fits is Fits.WELL
    assert "on the GPU" in fit.short
    assert "22.4 GB" in fit.whole


def test_a_small_graphics_card_offloads_as_long_as_main_memory_holds_the_rest() -> None:
    assert fit_of(XL, Machine(32 * GB, "RTX", 6 * GB)).fits is Fits.WITH_CARE
    assert "offloading" in fit_of(XL, Machine(32 * GB, "RTX", 6 * GB)).short
    assert fit_of(FLUX, Machine(16 * GB, "RTX", 8 * GB)).fits is Fits.NOT


def test_without_a_graphics_card_large_models_are_said_to_be_slow_and_small_ones_are_not() -> None:
    slow = fit_of(SD1, Machine(16 * GB))
    assert slow.fits is Fits.WITH_CARE
    assert "Only on the CPU, slow" in slow.short
    quick = fit_of(BUNDLED, Machine(16 * GB))
    assert quick.fits is Fits.WELL
    assert "0.0 GB" not in fit_of(replace(BUNDLED, size_bytes=1000), Machine(16 * GB)).whole


def test_a_model_larger_than_all_memory_is_said_not_to_fit() -> None:
    fit = fit_of(FLUX, Machine(8 * GB))
    assert fit.fits is Fits.NOT
    assert fit.short.startswith("Does not fit")


def test_a_model_of_unknown_size_is_not_judged() -> None:
    assert fit_of(BROKEN, Machine(8 * GB)) is None
