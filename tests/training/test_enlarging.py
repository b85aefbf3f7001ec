from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from paintdiff.engine.bundled.enlarger_network import EnlargerConfig
from paintdiff.engine.bundled.fill_network import FillNetwork
from paintdiff.engine.bundled.text import Tokenizer
from paintdiff.engine.model import load_model
from paintdiff.training import checkpoint
from paintdiff.training.enlarging import EnlargerBatches, enlarger_step, enlarging_loss
from paintdiff.training.scenes import SceneMaker
from tests.tiny_model import tiny_model


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> EnlargerBatches:
    folder: Path = tiny_model(tmp_path_factory.mktemp("models") / "tiny", size=32)
    network = load_model(str(folder), "cpu", torch.float32).weights
    assert isinstance(network, FillNetwork)
    return EnlargerBatches(SceneMaker((), 64), Tokenizer.from_file(folder / "tokenizer.json"), network, 1, 0)


def test_a_batch_is_a_function_of_seed_and_step(batches) -> None:
    once, again = batches[3], replace(batches, first=2)[1]
    for one, other in zip(vars(once).values(), vars(again).values(), strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(once.true, batches[4].true)


def test_the_small_picture_is_the_large_one_but_where_the_first_stage_painted(batches) -> None:
    changed = []
    for batch in (batches[k] for k in range(4)):
        assert batch.small.shape[-1] * 2 == batch.true.shape[-1] == batch.mask.shape[-1]
        shrunk = torch.nn.functional.avg_pool2d(batch.true, 2)
        painted = torch.nn.functional.max_pool2d(batch.mask, 2) > 0
        apart = (batch.small - shrunk).abs() * 127.5
        assert float((apart * ~painted).max()) <= 1.01
        changed += ((apart * painted).amax((1, 2, 3)) > 3).tolist()
    assert any(changed), "some are what the first stage made of them"
    assert not all(changed), "some are shown as they are"


def test_an_edge_that_is_blurred_costs_more_than_a_level_that_is_off() -> None:
    true = torch.zeros(1, 3, 16, 16)
    true[..., 8:] = 1
    mask = torch.ones(1, 1, 16, 16)
    blurred = true.clone()
    blurred[..., 7], blurred[..., 8] = 0.33, 0.67
    even = true + float((blurred - true).abs().mean())
    assert float(enlarging_loss(blurred, true, mask)) > 1.4 * float(enlarging_loss(even, true, mask))
    assert float(enlarging_loss(true, true, mask)) == 0
    outside = enlarging_loss(even, true, torch.where(torch.arange(16) < 8, 1.0, 0.0).expand(1, 1, 16, 16))
    torch.testing.assert_close(outside, 100 * (even - true).abs().mean()[None])


def test_some_steps_make_it_better_than_bicubic_interpolation(batches) -> None:
    torch.manual_seed(0)
    run = checkpoint.new_enlarger_run(EnlargerConfig((16, 16), (1, 1, 1)), torch.device("cpu"), 0)
    batch = batches[0]
    losses = [float(enlarger_step(run, batch, 1, 2e-2)[1].mean()) for _ in range(60)]
    assert np.mean(losses[-5:]) < 0.95 * losses[0]
    assert (run.step, run.samples) == (60, 60 * len(batch.small))
