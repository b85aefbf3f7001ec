"""How the judge learns: described scenes, contrastive steps, and the file that the engine opens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from paintdiff.engine.bundled.judge import JUDGE, NOTHING, load_judge
from paintdiff.engine.bundled.judge_network import JudgeConfig
from paintdiff.engine.bundled.text import Tokenizer
from paintdiff.resource_files import resource
from paintdiff.training import checkpoint, shapes
from paintdiff.training.__main__ import main
from paintdiff.training.judge import BATCH, JudgeBatch, JudgeBatches, JudgeStep, as_tensor, hits, nouns, trimmed
from paintdiff.training.scenes import Scene, SceneMaker
from paintdiff.training.sources import Sprite, save_sprites
from paintdiff.training.vocabulary import learn_vocabulary, own_words


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared cache folder, as `prepare` leaves it."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    names = list(shapes.SHAPES)[:4]
    sprites = [Sprite(name, (), "", f"{k:x}", shapes.draw(name, "red", rng)) for k, name in enumerate(names)]
    save_sprites(sprites, folder / "sprites.npz")
    learn_vocabulary(own_words(), size=800).save(str(folder / "tokenizer.json"))
    return folder


def tiny(tokenizer: Tokenizer) -> JudgeConfig:
    return JudgeConfig(
        tokenizer.vocabulary_size, (16, 16, 32), (1, 1, 1), 32, 2, 32, text_width=32, text_depth=1, text_heads=2
    )


def test_a_described_scene_shows_what_its_prompt_says_or_nothing() -> None:
    maker, rng = SceneMaker((), size=64), np.random.default_rng(0)
    scenes = [maker.described(rng) for _ in range(200)]
    assert all(scene.prompt and scene.picture.shape == (64, 64, 3) for scene in scenes)
    bare = [scene for scene in scenes if scene.prompt == NOTHING]
    assert 5 < len(bare) < 40
    assert any(" on a " in scene.prompt or ", " in scene.prompt for scene in scenes), "some grounds are named too"


def test_batches_depend_on_seed_and_step_alone_and_hold_noise_free_guesses() -> None:
    maker = SceneMaker((), size=64)
    batch, again = JudgeBatches(maker, 1, 5)[2], JudgeBatches(maker, 1, 7)[0]
    assert torch.equal(batch.x0, again.x0)
    assert (batch.prompts, batch.t.tolist()) == (again.prompts, again.t.tolist())
    assert len(batch.prompts) == BATCH
    assert 0.1 < (batch.t == 0).float().mean() < 0.6
    assert batch.t.max() <= 1


def _batch_of(scenes: list[Scene]) -> JudgeBatch:
    t = torch.linspace(0, 0.6, len(scenes))
    return JudgeBatch(as_tensor([scene.picture for scene in scenes]), t, [scene.prompt for scene in scenes])


def test_steps_teach_which_text_belongs_to_which_picture(data) -> None:
    tokenizer = Tokenizer.from_file(data / "tokenizer.json")
    run = checkpoint.new_judge_run(tiny(tokenizer), torch.device("cpu"), seed=0, learning_rate=1e-3)
    grounds = {"red": (255, 0, 0), "green": (0, 200, 0), "blue": (0, 0, 255), NOTHING: (128, 128, 128)}
    scenes = [
        Scene(np.full((16, 16, 3), colour, np.uint8), np.ones((16, 16), np.uint8), name)
        for name, colour in grounds.items()
    ]
    step = JudgeStep(tokenizer, tuple(grounds))
    losses = [float(step(run, _batch_of(scenes * 4), seed=1, rate=2e-3)[1].mean()) for _ in range(60)]
    assert losses[-1] < 0.5 * losses[0]
    shares = hits(run.network, tokenizer, scenes, list(grounds))
    assert shares[0.0] == 1.0


def test_rows_of_tokens_lose_the_padding_that_all_share() -> None:
    tokens = torch.tensor([[1, 5, 0, 0, 0], [1, 5, 6, 0, 0]])
    assert trimmed(tokens).tolist() == [[1, 5, 0], [1, 5, 6]]


def test_a_toy_run_can_be_resumed_and_ends_in_a_file_that_the_engine_opens(data, tmp_path, capsys) -> None:
    common = ["judge", "--data", str(data), "--workers", "0", "--device", "cpu", "--pictures", "1"]
    common += ["--out", str(tmp_path)]
    assert main([*common, "--steps", "1"]) == 0
    assert main([*common, "--steps", "1", "--resume"]) == 0
    assert "step 2: best of" in capsys.readouterr().out
    assert (tmp_path / JUDGE).stat().st_size < 5_000_000
    judge = load_judge(tmp_path / JUDGE, Tokenizer.from_file(data / "tokenizer.json"), torch.device("cpu"))
    assert judge.nouns == nouns()
    assert NOTHING in judge.nouns
    x_t = torch.zeros(1, 3, 64, 64)
    assert 0 < float(judge.classifier("a red star")(x_t, 0.3).exp()) < 1


BUNDLED = resource("models", "first-light") / JUDGE


@pytest.mark.skipif(not BUNDLED.is_file(), reason="the bundled model's judge is not here")
def test_the_bundled_judge_is_small_and_knows_drawn_things() -> None:
    assert BUNDLED.stat().st_size < 5_000_000
    judge = load_judge(BUNDLED, Tokenizer.from_file(BUNDLED.parent / "tokenizer.json"), torch.device("cpu"))
    drawn = {"a red heart": ("heart", "red"), "a green tree": ("tree", "green"), "a blue fish": ("fish", "blue"),
             "a yellow star": ("star", "yellow"), "a brown house": ("house", "brown")}  # fmt: skip
    rng = np.random.default_rng(0)
    pictures = []
    for name, colour in drawn.values():
        thing = shapes.draw(name, colour, rng)[4:68, 4:68].astype(np.float32)
        pictures.append((thing[..., :3] + (1 - thing[..., 3:] / 255) * 210).astype(np.uint8))
    x0 = as_tensor(pictures)
    eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(0))
    for t in (0.0, 0.5):
        x_t = (1 - t) * x0 + t * eps
        p = torch.stack([judge.classifier(prompt)(x_t, t) for prompt in drawn])  # (prompts, pictures)
        assert (p.argmax(dim=0) == torch.arange(len(drawn))).float().mean() >= 0.8
        alike = judge.embed_picture(x0) @ torch.cat([judge.embed_text(prompt) for prompt in drawn]).T
        assert (alike.argmax(dim=1) == torch.arange(len(drawn))).float().mean() >= 0.8
