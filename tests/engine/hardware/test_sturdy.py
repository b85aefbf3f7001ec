"""Networks that really overflow and really run out of memory."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from paintdiff.engine.denoiser import Condition
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.hardware.sturdy import HALVED, PRECISE, SturdyNetwork
from paintdiff.engine.job import Job
from paintdiff.engine.model import Model, load_model
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Request
from paintdiff.generation.result import Result
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from tests.tiny_model import tiny_model


@pytest.fixture
def model(tmp_path) -> Model:
    loaded = load_model(str(tiny_model(tmp_path / "tiny")), "cpu")
    loaded.weights.to(torch.float32)
    return loaded


def made(model: Model, **sampling) -> Result:
    frame = Rect(0, 0, 16, 16)
    picture = np.random.default_rng(0).integers(0, 256, (16, 16, 4), np.uint8)
    picture[..., 3] = 255
    change_map = np.zeros((16, 16), np.uint8)
    change_map[4:12, 4:12] = 255
    sampling = {"steps": 3, "candidates": 1, "prompt": "a cat"} | sampling
    request = Request("inpaint", frame, frame, picture, change_map, Sampling(**sampling), "tiny", "cpu", feather=0)
    job = Job(request, model, model.encode_text, lambda progress: None, CancelToken())
    with torch.no_grad():
        return job.run()


def overflow_in_half_precision(model: Model) -> None:
    """Inner numbers beyond the largest float16 of 65,504, and well within float32."""
    with torch.no_grad():
        model.weights.enter.weight *= 4e4
        model.weights.enter.bias *= 4e4
    model.weights.to(torch.float16)


def hungry(model: Model, most: int) -> list[int]:
    """The network asks for more memory than there is whenever it is given over `most` pictures; returns what it saw."""
    seen: list[int] = []

    def before(module, arguments) -> None:
        seen.append(len(arguments[0]))
        if len(arguments[0]) > most:
            torch.empty(2**60)

    model.weights.register_forward_pre_hook(before)
    return seen


def test_half_precision_that_overflows_is_computed_again_in_float32_and_said_so(model) -> None:
    overflow_in_half_precision(model)
    with torch.no_grad():
        mask = torch.ones(1, 1, 16, 16)
        asked = replace(model.encode_text("a cat"), mask=mask, known=torch.zeros(1, 3, 16, 16))
        assert not torch.isfinite(model.network(torch.randn(1, 3, 16, 16), 1.0, asked)).all(), "it does overflow"
    result = made(model)
    assert result.report.notices == (PRECISE,)
    assert result.report.network_evaluations == 2 * (3 + 1), "one pair was asked twice, and later ones once"
    assert {p.dtype for p in model.weights.parameters()} == {torch.float16}, "and the weights are as they were"
    model.weights.to(torch.float32)
    expected = made(model)
    assert expected.report.notices == ()
    difference = result.candidates[0].patch.astype(int) - expected.candidates[0].patch
    assert abs(difference).max() <= 2  # the prompt was read in half precision


def test_a_network_that_is_broken_in_float32_too_is_a_clear_error(model) -> None:
    with torch.no_grad():
        model.weights.leave.bias[:] = float("nan")
    model.weights.to(torch.bfloat16)
    with pytest.raises(UserError, match="not a number"):
        made(model)
    assert {p.dtype for p in model.weights.parameters()} == {torch.bfloat16}


def test_casting_to_float32_and_back_changes_no_weight(model) -> None:
    model.weights.to(torch.bfloat16)
    before = {name: value.clone() for name, value in model.weights.state_dict().items()}
    with SturdyNetwork(model.network, model.weights) as network:
        network._cast(precise=True)
        assert {p.dtype for p in model.weights.parameters()} == {torch.float32}
    assert all(torch.equal(value, before[name]) for name, value in model.weights.state_dict().items())


def test_without_memory_for_the_guided_pair_its_halves_go_one_after_the_other(model) -> None:
    whole = made(model)
    seen = hungry(model, most=1)
    halves = made(model)
    assert seen == [2] + [1, 1] * 3, "the pair was tried once"
    assert halves.report.notices == (HALVED,)
    assert np.abs(halves.candidates[0].patch.astype(int) - whole.candidates[0].patch).max() <= 1


def test_without_memory_for_one_picture_there_is_a_clear_error_and_the_next_job_works(tmp_path) -> None:
    engine = DiffusionEngine()
    folder = str(tiny_model(tmp_path / "tiny"))
    engine.load(folder, "cpu")
    assert engine._model is not None
    seen = hungry(engine._model, most=0)
    frame = Rect(0, 0, 16, 16)
    picture, asked = np.full((16, 16, 4), 255, np.uint8), Sampling(prompt="a cat", steps=2, candidates=1)
    request = Request(
        "inpaint", frame, frame, picture, np.full((16, 16), 255, np.uint8), asked, folder,
        "cpu", feather=0,
    )  # fmt: skip
    with pytest.raises(UserError, match="ran out of memory"):
        engine.generate(request, lambda progress: None, CancelToken())
    assert seen == [2, 1]
    engine._model.weights._forward_pre_hooks.clear()  # the other program has been closed
    result = engine.generate(request, lambda progress: None, CancelToken())
    assert result.candidates[0].patch.any()
    assert result.report.notices == ()


def test_halves_share_what_the_whole_batch_shared(model) -> None:
    seen = hungry(model, most=2)
    words = model.encode_text("a cat")
    mask, known = torch.ones(4, 1, 16, 16), torch.zeros(4, 3, 16, 16)
    one = replace(words, mask=mask, known=known)
    four = replace(one, text=words.text.expand(4, -1, -1), text_mask=words.text_mask.expand(4, -1))
    x_t = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad(), SturdyNetwork(model.network, model.weights) as network:
        split = network(x_t, 0.5, four)
        model.weights._forward_pre_hooks.clear()
        torch.testing.assert_close(split, model.network(x_t, 0.5, four), rtol=1e-4, atol=1e-4)
    assert seen == [4, 2, 2]


def test_other_errors_pass_through(model) -> None:
    def broken(x_t, t, condition):
        raise RuntimeError("shapes do not fit")

    with SturdyNetwork(broken, None) as network, pytest.raises(RuntimeError, match="shapes"):
        network(torch.zeros(2, 3, 16, 16), 0.5, Condition())
    assert network.notices == []
