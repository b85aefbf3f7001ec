"""Each seed's own drawing: it differs, and stays whole."""

import numpy as np

from paintdiff.engine.bundled.posing import posed


def test_a_thing_stands_a_little_differently_for_each_seed() -> None:
    square = np.zeros((128, 128, 4), np.uint8)
    square[20:108, 20:108] = (200, 0, 0, 255)
    one, again, other = (posed(square, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert (one != other).any(-1).mean() > 0.02
    for stands in (one, other):
        assert 0.6 < (stands[..., 3] > 128).sum() / (square[..., 3] > 128).sum() < 1
        assert not stands[[0, -1]].any()
        assert not stands[:, [0, -1]].any()
