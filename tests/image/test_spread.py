"""Colours brushed here and there fill what looks alike and stop at its edges."""

import numpy as np

from paintdiff.image.spread import FADE, spread


def test_two_fields_are_filled_with_the_colour_brushed_in_each() -> None:
    guide = np.full((30, 40), 60.0)
    guide[:, 20:] = 180
    colours, given = np.zeros((30, 40, 3), np.float32), np.zeros((30, 40), bool)
    colours[5, 3:9], given[5, 3:9] = (40, -20, 0), True
    colours[25, 30:36], given[25, 30:36] = (-30, 10, 25), True
    out = spread(colours, given, guide)
    assert np.abs(out[:, :20] - (40, -20, 0)).max() < 15
    assert np.abs(out[:, 20:] - (-30, 10, 25)).max() < 15
    assert np.abs(out[given] - colours[given]).max() < 0.5


def test_a_field_without_a_hint_stays_nearly_without_colour() -> None:
    guide = np.full((30, 40), 60.0)
    guide[:, 20:] = 180
    colours, given = np.zeros((30, 40, 3), np.float32), np.zeros((30, 40), bool)
    colours[10:14, 3:9], given[10:14, 3:9] = (40, -20, 0), True
    assert np.abs(spread(colours, given, guide)[:, 21:]).max() < 1


def test_it_is_the_least_squares_solution() -> None:
    rng = np.random.default_rng(0)
    guide, colours = rng.uniform(100, 120, (5, 6)), rng.normal(0, 30, (5, 6, 1)).astype(np.float32)
    given = rng.random((5, 6)) < 0.3
    weight = np.where(given, 100, FADE).ravel()
    system = np.diag(weight)
    flat = guide.ravel()
    for a in range(30):
        for b in (a + 1,) * (a % 6 < 5) + (a + 6,) * (a < 24):
            likeness = np.exp(-(((flat[a] - flat[b]) / 5) ** 2) / 2)
            system[[a, b], [a, b]] += likeness
            system[[a, b], [b, a]] -= likeness
    expected = np.linalg.solve(system, weight * np.where(given, colours[..., 0], 0).ravel())
    assert np.abs(spread(colours, given, guide)[..., 0].ravel() - expected).max() < 0.5


def test_nothing_given_is_nothing_and_one_row_works() -> None:
    assert not spread(np.ones((4, 5, 3), np.float32), np.zeros((4, 5), bool), np.zeros((4, 5))).any()
    out = spread(np.full((1, 9, 3), 7, np.float32), np.arange(9)[None] == 0, np.zeros((1, 9)))
    assert out[0, 8, 0] > 6
