"""The pictures that the model looks at: which one a prompt finds, and where it is laid."""

import zipfile

import numpy as np
import pytest

from paintdiff.engine.bundled.colours import HUED, commonest_word, repainted
from paintdiff.engine.bundled.picture_library import Entry, PictureLibrary, fitted, laid, load_library
from paintdiff.training.library import save_library


def disc(colour: tuple[int, int, int], side: int = 128) -> np.ndarray:
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    alpha = (x * x + y * y < (side / 2) ** 2).astype(np.uint8) * 255
    return np.dstack([*(alpha // 255 * c for c in colour), alpha]).astype(np.uint8)


NAMED = [
    Entry("apple", (), ""), Entry("apple", (), "flat"), Entry("automobile", ("car",), ""),
    Entry("hot air balloon", (), ""), Entry("balloon", (), ""), Entry("tangerine", ("orange",), ""),
]  # fmt: skip
COLOURS = [(200, 0, 0), (250, 0, 0), (0, 0, 200), (0, 200, 0), (200, 200, 0), (250, 130, 0)]
LIBRARY = PictureLibrary(NAMED, [disc(colour) for colour in COLOURS])


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("a red apple", [0, 1]), ("Flat APPLES, please", [1]), ("the car", [2]), ("hot air balloon over an apple", [3]),
        ("a balloon", [4]), ("a car and an apple", [2]), ("carpet", []), ("", []),
        ("orange apple", [0, 1]), ("an orange", [5]),
    ],
)  # fmt: skip
def test_a_prompt_finds_what_it_names(prompt: str, found: list[int]) -> None:
    assert LIBRARY.find(prompt) == found


def test_a_thing_is_shown_in_the_colour_that_is_asked_for() -> None:
    assert commonest_word(LIBRARY.choose("apple", 0)) == "red"
    for word in HUED:
        assert commonest_word(LIBRARY.choose(f"a {word} apple", 0)) == word
    assert commonest_word(LIBRARY.choose("an apple on a blue ground", 0)) == "red"
    grey = PictureLibrary([Entry("cloud", (), "")], [disc((180, 180, 180))])
    assert commonest_word(grey.choose("a purple cloud", 0)) == "purple"


def test_far_hues_keep_their_colour() -> None:
    apple = disc((200, 0, 0))
    apple[:40][apple[:40, :, 3] > 0] = (30, 160, 30, 255)
    blue = repainted(apple, "blue", np.random.default_rng(0))
    assert np.array_equal(blue[:39], apple[:39])
    assert commonest_word(blue) == "blue"


def test_seeds_choose_different_pictures_and_each_always_the_same() -> None:
    one, other, again = (LIBRARY.choose("apple", seed) for seed in (1, 2, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    small = PictureLibrary(NAMED[:2], [disc(COLOURS[0]), disc(COLOURS[1], 64)])
    assert {len(small.choose("apple", seed)) for seed in range(20)} == {64, 128}
    assert LIBRARY.choose("unheard of", 0) is None


def test_a_picture_fills_the_box_of_the_mask_and_keeps_its_shape() -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[10:50, 20:40] = 1
    reference = laid(disc((9, 9, 9)), 64, *fitted(disc((9, 9, 9)), mask, fit=1.0))
    ys, xs = np.nonzero(reference[..., 3] > 128)
    assert abs(xs.min() - 20) <= 1
    assert abs(xs.max() - 39) <= 1
    assert abs((ys.min() + ys.max()) / 2 - 29.5) <= 1
    assert abs(np.ptp(ys) - np.ptp(xs)) <= 1


def test_a_picture_of_a_mask_at_the_edge_is_cut_and_of_no_mask_empty() -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[:, 60:] = 1
    assert laid(disc((9, 9, 9)), 64, *fitted(disc((9, 9, 9)), mask, fit=4.0)).any()
    assert not laid(disc((9, 9, 9)), 64, *fitted(disc((9, 9, 9)), np.zeros((64, 64), np.uint8), 0.8)).any()


def test_a_library_survives_the_disk(tmp_path) -> None:
    save_library(LIBRARY, tmp_path / "pictures.zip")
    library = load_library(tmp_path / "pictures.zip")
    assert library.entries == LIBRARY.entries
    for index in range(len(NAMED)):
        difference = library.pictures[index].astype(int) - LIBRARY.pictures[index]
        assert np.abs(difference).mean() < 4


def test_a_library_that_lacks_pictures_is_refused(tmp_path) -> None:
    save_library(LIBRARY, tmp_path / "whole.zip")

    with zipfile.ZipFile(tmp_path / "whole.zip") as whole, zipfile.ZipFile(tmp_path / "part.zip", "w") as part:
        for name in whole.namelist()[:-2]:
            part.writestr(name, whole.read(name))
    with pytest.raises(ValueError, match="lacks 2 of its 6"):
        load_library(tmp_path / "part.zip")
