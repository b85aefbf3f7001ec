"""The comparison with diffusers' pipelines, on a tiny checkpoint; at full size with `-m slow`."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from paintdiff.bench.__main__ import LONG, WHERE, benchmark
from paintdiff.bench.against_pipelines import CASES, Setting, against_pipelines, settings_on
from paintdiff.bench.full_size import write_inpainting
from paintdiff.bench.inpainting import Ours, Theirs
from paintdiff.engine.model import load_model
from paintdiff.generation.errors import UserError
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


def test_the_comparison_runs_when_it_is_asked_for_by_name_alone_and_needs_no_window() -> None:
    assert set(LONG) <= set(WHERE)
    assert benchmark(LONG[0]) is against_pipelines
    code = (
        "import sys; sys.modules['PySide6'] = None\n"
        "from paintdiff.bench.__main__ import benchmark\n"
        f"benchmark({LONG[0]!r})\nprint(any(name.startswith('PySide6.') for name in sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


def test_both_pictures_are_compared_on_every_device() -> None:
    for device in ("cpu", "cuda"):
        whole, masked = settings_on(device)
        assert (whole.side, masked.side) == (512, 2048)
        assert whole.again
        assert whole.cancel


@pytest.mark.slow
def test_every_case_is_measured_in_processes_of_its_own(folder) -> None:
    measured = against_pipelines(folder, (Setting("a picture", SIDE, 2, again=True, cancel=True),))
    assert len(measured) == len(CASES) + 1
    assert all(item.value > 0 for item in measured)
    assert all("2 steps" in item.detail for item in measured[:-1])


@pytest.mark.slow
def test_a_side_that_fails_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="broke off at inpainting ours"):
        against_pipelines(tmp_path, (Setting("nothing", SIDE, 1),))


@pytest.mark.slow
def test_a_full_size_model_takes_no_more_memory_than_diffusers_and_goes_through_every_rung(tmp_path: Path) -> None:
    model = write_inpainting(tmp_path / "full")
    for item in against_pipelines(model, (Setting("a whole frame", 512, 1),)):
        if item.what.startswith("peak"):
            assert item.met, item.detail
    for rung in (GROUP, SEQUENTIAL):
        info = load_model(str(model), "cpu", placing=Placing(rung, "bfloat16")).info
        assert (info.memory, info.size) == (rung, 512)
