"""The comparison with diffusers' pipelines, on a tiny checkpoint; at full size with `-m slow`."""

import time
from pathlib import Path

import pytest
import torch

from paintdiff.bench.__main__ import LONG, benchmarks
from paintdiff.bench.against_pipelines import CASES, against_pipelines
from paintdiff.bench.full_size import write_inpainting
from paintdiff.bench.inpainting import Ours, Theirs
from paintdiff.engine.model import load_model
from paintdiff.generation.placing import GROUP, SEQUENTIAL, Placing
from tests.tiny_checkpoints import tiny_stable_diffusion

SIDE = 256


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_stable_diffusion(tmp_path_factory.mktemp("bench") / "inpaint", mask_channels=True)


def test_both_sides_paint_and_are_cancelled_on_the_same_weights(folder) -> None:
    with torch.no_grad():
        for kind in (Ours, Theirs):
            painter = kind(str(folder), "cpu", 2)
            painter.paint(SIDE, 1)
            assert painter.cancelled(SIDE, time.perf_counter) >= 0


def test_the_comparison_runs_when_it_is_asked_for_by_name_alone() -> None:
    assert set(LONG) <= set(benchmarks())


@pytest.mark.slow
def test_every_case_is_measured_in_processes_of_its_own(folder) -> None:
    measured = against_pipelines(folder=folder, side=SIDE)
    assert len(measured) == len(CASES) + 2
    assert all(item.value > 0 for item in measured)


@pytest.mark.slow
def test_a_full_size_model_takes_no_more_memory_than_diffusers_and_goes_through_every_rung(tmp_path: Path) -> None:
    model = write_inpainting(tmp_path / "full")
    for item in against_pipelines(steps=1, folder=model, side=512):
        if item.what.startswith("peak"):
            assert item.value < 1.1, item.detail
    for rung in (GROUP, SEQUENTIAL):
        info = load_model(str(model), "cpu", placing=Placing(rung, "bfloat16")).info
        assert (info.memory, info.size) == (rung, 512)
