"""Training: it learns, it stops where told, and resuming is the same as never having stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import tokenizers
import torch

from paintdiff.engine.bundled.fill_network import FillNetworkConfig
from paintdiff.engine.bundled.text import Tokenizer
from paintdiff.training import checkpoint
from paintdiff.training.batches import SceneBatches, batch_size, stream
from paintdiff.training.checkpoint import Run
from paintdiff.training.scenes import SceneMaker
from paintdiff.training.trainer import TrainingPlan, train, train_step
from paintdiff.training.vocabulary import learn_vocabulary, own_words

CPU = torch.device("cpu")
TINY = FillNetworkConfig(
    vocabulary=800, widths=(16, 16, 16), blocks=(1, 1), tokens_depth=1, heads=1, condition=16, text_width=16,
    text_depth=1, text_heads=1, reference=True, trust=True,
)  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(tokenizers.Tokenizer.from_str(learn_vocabulary(own_words(), 800).to_str()))


def batches(tokenizer: Tokenizer, first: int = 0) -> SceneBatches:
    return SceneBatches((SceneMaker((), size=16),), tokenizer, seed=1, first=first)


def go(run: Run, tokenizer: Tokenizer, folder: Path, steps: int) -> None:
    plan = TrainingPlan(minutes=0, steps=steps, workers=0)
    train(run, batches(tokenizer, run.step), plan, folder, sheet=lambda run: None)


def test_resuming_equals_continuing(tokenizer: Tokenizer, tmp_path: Path) -> None:
    straight = checkpoint.new_run(TINY, CPU, seed=3)
    go(straight, tokenizer, tmp_path / "straight", steps=5)
    go(checkpoint.new_run(TINY, CPU, seed=3), tokenizer, tmp_path / "halved", steps=2)
    resumed = checkpoint.load(tmp_path / "halved/checkpoint.safetensors", CPU)
    assert (resumed.step, resumed.samples) == (2, 32)
    go(resumed, tokenizer, tmp_path / "halved", steps=3)
    assert (resumed.step, resumed.samples) == (straight.step, straight.samples) == (5, 80)
    for one, two in ((resumed.network, straight.network), (resumed.average, straight.average)):
        for name, value in one.state_dict().items():
            assert torch.equal(value, two.state_dict()[name]), name


def test_a_run_from_before_pictures_and_trust_goes_on_with_them(tokenizer: Tokenizer, tmp_path: Path) -> None:
    go(checkpoint.new_run(replace(TINY, reference=False, trust=False), CPU, seed=3), tokenizer, tmp_path, steps=1)
    run = checkpoint.load(tmp_path / "checkpoint.safetensors", CPU)
    assert run.network.config == TINY
    assert not run.network.enter.weight.view(16, 4, 11, 3, 3)[:, :, 7:].any()
    go(run, tokenizer, tmp_path, steps=1)
    assert run.network.trust.weight.any()


def test_a_checkpoint_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing-here"):
        checkpoint.load(tmp_path / "nothing-here.safetensors", CPU)


def test_the_loss_falls_on_one_batch(tokenizer: Tokenizer) -> None:
    run, batch = checkpoint.new_run(TINY, CPU, seed=0), batches(tokenizer)[0]
    losses = [train_step(run, batch, seed=1, rate=0.05)[1].mean().item() for _ in range(60)]
    assert sum(losses[-10:]) < 0.9 * sum(losses[:10])


def test_the_average_follows_the_weights(tokenizer: Tokenizer) -> None:
    run = checkpoint.new_run(TINY, CPU, seed=0)
    before = run.average.leave.weight.clone()
    for step in range(3):
        train_step(run, batches(tokenizer)[step], seed=1, rate=4e-4)
    now = run.average.leave.weight
    assert not torch.equal(now, before)
    assert (now - run.network.leave.weight).abs().max() < (before - run.network.leave.weight).abs().max()


def test_a_batch_depends_on_its_step_alone(tokenizer: Tokenizer) -> None:
    early, late = batches(tokenizer, first=0)[7], batches(tokenizer, first=7)[0]
    assert torch.equal(early.x0, late.x0)
    assert torch.equal(early.tokens, late.tokens)
    assert not torch.equal(early.x0, batches(tokenizer)[8].x0)


def test_batches_composed_in_another_process_are_the_same(tokenizer: Tokenizer) -> None:
    given = batches(tokenizer)
    ahead = stream(given, workers=1)
    assert torch.equal(next(ahead).x0, given[0].x0)
    assert torch.equal(next(ahead).mask, given[1].mask)


def test_the_learning_rate_falls_to_zero_over_the_cool_down(tokenizer: Tokenizer, tmp_path: Path) -> None:
    run, seen = checkpoint.new_run(TINY, CPU, seed=0), []
    run.optimizer.register_step_pre_hook(lambda *_: seen.append(run.optimizer.param_groups[0]["lr"]))
    plan = TrainingPlan(minutes=0, steps=10, workers=0, cool_down=0.5, learning_rate=1.0)
    run.step = 1000  # past the warm-up
    train(run, batches(tokenizer, 1000), plan, tmp_path, sheet=lambda run: None)
    assert seen == pytest.approx([1, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2])


def test_batches_grow(tokenizer: Tokenizer) -> None:
    sizes = [batch_size(step) for step in (0, 20_000, 90_000)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_the_log_has_the_loss_by_time(tokenizer: Tokenizer, tmp_path: Path) -> None:
    go(checkpoint.new_run(TINY, CPU, seed=0), tokenizer, tmp_path, steps=100)
    (line,) = (json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines())
    assert line["step"] == 100
    assert len(line["by_time"]) == 5
    assert line["loss"] > 0
