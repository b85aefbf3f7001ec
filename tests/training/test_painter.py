"""Fills by the real engine, in this process or in others."""

from __future__ import annotations

import numpy as np
import pytest

from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling
from paintdiff.training.painter import Painter
from tests.tiny_model import tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("models") / "tiny", size=32))


def requests(painter: Painter) -> list[Request]:
    picture, mask = np.full((32, 32, 3), 90, np.uint8), np.zeros((32, 32), np.uint8)
    mask[8:24, 8:24] = 1
    return [painter.request(picture, mask, Sampling(steps=2, seed=seed, candidates=2)) for seed in (0, 5)]


def test_every_request_gives_its_candidates_and_what_is_not_masked_stays(model: str) -> None:
    painter = Painter(model, "cpu", 0)
    assert painter.size == 32
    fills = painter.paint(requests(painter))
    assert [pictures.shape for pictures in fills] == [(2, 32, 32, 3)] * 2
    for pictures in fills:
        assert (pictures[:, :8] == 90).all()
        assert not np.array_equal(pictures[0], pictures[1])


@pytest.mark.slow
def test_other_processes_paint_the_same(model: str) -> None:
    painter = Painter(model, "cpu", 2)
    try:
        there = painter.paint(requests(painter))
    finally:
        painter.close()
    for a, b in zip(Painter(model, "cpu", 0).paint(requests(painter)), there, strict=True):
        assert np.abs(a.astype(int) - b).max() <= 1  # another number of threads may round otherwise
