import math
from dataclasses import replace

import pytest
import torch

from paintdiff.engine.bundled.judge import JUDGE, find_judge, rivals
from paintdiff.engine.bundled.judge_network import averaged
from paintdiff.engine.bundled.text import Tokenizer
from paintdiff.engine.conditions.classifier_guidance import gradient
from paintdiff.engine.model import load_model
from paintdiff.generation.errors import UserError
from tests.tiny_model import tiny_judge, tiny_model


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    model = load_model(str(tiny_judge(tiny_model(tmp_path_factory.mktemp("models") / "tiny"))), "cpu")
    return model.judge()


def test_a_prompt_is_weighed_against_the_nouns_that_it_does_not_name() -> None:
    nouns = ["nothing", "apple", "pine", "t rex"]
    assert rivals("a red Apple", nouns) == ["nothing", "pine", "t rex"]
    assert rivals("pineapple", nouns) == nouns
    assert rivals("green t  rex", nouns) == ["nothing", "apple", "pine"]


def test_the_probabilities_of_the_prompt_and_its_rivals_add_up_to_1(judge) -> None:
    x_t = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    every = [judge.classifier(name)(x_t, 0.4).exp() for name in ("nothing", "cat", "tree")]
    torch.testing.assert_close(sum(every), torch.ones(2))
    assert judge.classifier("a horse")(x_t, 0.4).exp().max() < 1
    assert torch.equal(judge.classifier("  ")(x_t, 0.4), judge.classifier("nothing")(x_t, 0.4))


def test_time_the_picture_and_the_prompt_have_a_say(judge) -> None:
    x_t = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    p = judge.classifier("cat")(x_t, 0.4)
    assert not torch.equal(p, judge.classifier("cat")(x_t, 0.5))
    assert not torch.equal(p[:1], p[1:])
    assert not torch.equal(judge.embed_text("cat"), judge.embed_text("tree"))
    assert float(judge.embed_text("a cat").norm()) == pytest.approx(1)


def test_its_gradient_is_that_of_finite_differences(judge) -> None:
    network = judge.network.double()
    x_t = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    away = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    classifier = judge.classifier("cat")
    classifier = replace(classifier, words=classifier.words.double())
    slope = float((gradient(lambda x: classifier(x, 0.4), x_t) * away).sum())
    step = 1e-5
    difference = float(classifier(x_t + step * away, 0.4) - classifier(x_t - step * away, 0.4)) / (2 * step)
    network.float()
    assert slope == pytest.approx(difference, rel=1e-4)
    assert not math.isclose(slope, 0, abs_tol=1e-6)


def test_a_folder_without_a_judge_has_none_and_one_with_loads_it_once(tmp_path) -> None:
    folder = tiny_model(tmp_path / "tiny")
    assert load_model(str(folder), "cpu").judge is None
    model = load_model(str(tiny_judge(folder)), "cpu")
    assert model.judge() is model.judge()
    assert model.judge().nouns == ("nothing", "cat", "tree")


def test_a_damaged_judge_is_told_when_it_is_wanted(tmp_path) -> None:
    folder = tiny_model(tmp_path / "tiny")
    (folder / JUDGE).write_bytes(b"not weights")
    load = find_judge(folder, Tokenizer.from_file(folder / "tokenizer.json"), torch.device("cpu"))
    with pytest.raises(UserError, match=r"judge.*cannot be opened"):
        load()


def test_a_larger_picture_is_averaged_down_to_a_mixture_of_its_own_time() -> None:
    torch.manual_seed(0)
    x0 = torch.full((1, 3, 256, 256), 0.5)
    t = torch.tensor([0.6])
    small, time = averaged(0.4 * x0 + 0.6 * torch.randn(x0.shape), t, 2)
    assert small.shape == (1, 3, 128, 128)
    assert time.item() == pytest.approx(0.3 / 0.7)
    assert small.mean().item() == pytest.approx((1 - time.item()) * 0.5, abs=0.01)
    assert small.std().item() == pytest.approx(time.item(), rel=0.02)
