"""Every way to hold the kept pixels, through the whole engine and with an exact denoiser."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paintdiff.document import change_map
from paintdiff.document.edits import picture_document
from paintdiff.document.requests import make_request
from paintdiff.engine.conditions.constraint import Free
from paintdiff.engine.conditions.mask_method import MaskMethod, chosen_method
from paintdiff.engine.denoiser import Condition, Prediction
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.model import Model, load_model
from paintdiff.engine.noise import Noise
from paintdiff.engine.plan import Renoise, descending
from paintdiff.engine.run import run
from paintdiff.engine.samplers.sampler import State, make_sampler
from paintdiff.generation.cancel import Cancelled, CancelToken
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Request
from paintdiff.generation.result import Progress
from paintdiff.generation.sampling import LAYOUTS, METHODS, NATIVE, Sampling
from paintdiff.image.blending import over
from paintdiff.image.geometry import Rect
from tests.engine.test_engine import generated, request, requests, same
from tests.tiny_model import tiny_model

FREE_METHODS = sorted(METHODS.keys() - {"auto", "native"})
ALL_METHODS = [NATIVE, *FREE_METHODS]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture(scope="module")
def loaded(model) -> Model:
    return load_model(model, "cpu")


@pytest.fixture(scope="module")
def engine() -> DiffusionEngine:
    return DiffusionEngine()


def mask_method(loaded: Model, strength: torch.Tensor, seed: int = 0, **sampling) -> MaskMethod:
    """Over a (1, 3, 16, 16) picture of float64 noise."""
    original = Noise(99, (1, 3, 16, 16), dtype=torch.float64)(0).clamp(-1, 1)
    draw = Noise(seed, (1, 3, 16, 16), dtype=torch.float64)
    shapes = torch.ones_like(strength)
    return MaskMethod(loaded, Sampling(**sampling), original, strength, original, shapes, draw, original, strength)


class Pixels:
    """The exact denoiser of independent pixels, each N(0.2, 0.5²), which remembers what it was told."""

    def __init__(self, schedule) -> None:
        self.schedule = schedule
        self.told: list[Condition] = []
        self.seen: list[tuple[float, torch.Tensor]] = []

    def __call__(self, x_t: torch.Tensor, t: float, condition: Condition) -> Prediction:
        self.told.append(condition)
        self.seen.append((t, x_t))
        alpha, sigma = self.schedule.alpha(t), self.schedule.sigma(t)
        gain = alpha * 0.25 / (alpha * alpha * 0.25 + sigma * sigma)
        return Prediction(0.2 + gain * (x_t - alpha * 0.2), x_t, alpha, sigma)


def walked(method: MaskMethod, steps: int = 6, sampler: str = "ddim", free: bool = False):
    """(final x, the denoiser) of a run over exact pixels."""
    schedule, data = method.model.schedule, Pixels(method.model.schedule)
    times = descending(float(method.strength.max()), steps)
    start, *rest = times if free else method.times(times)
    state = State(schedule.alpha(start) * method.original + schedule.sigma(start) * method.draw(0), start)
    constraint = Free() if free else method.constraint()
    *_, last = run(
        state, rest, make_sampler(sampler, schedule, method.draw, 0.0), data, Condition(), constraint, CancelToken(),
        Renoise(schedule, method.draw),
    )  # fmt: skip
    return last.x_t, data


def halves(left: float, right: float) -> torch.Tensor:
    strength = torch.full((1, 1, 16, 16), left, dtype=torch.float64)
    strength[..., 8:] = right
    return strength


@pytest.mark.parametrize("name", ALL_METHODS)
@pytest.mark.parametrize("m", [0.35, 1.0])
def test_a_constant_map_is_sdedit_at_that_strength_by_every_method(loaded, name, m) -> None:
    method = mask_method(loaded, halves(m, m), method=name)
    torch.testing.assert_close(walked(method)[0], walked(method, free=True)[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ALL_METHODS)
def test_kept_pixels_end_as_they_were_by_every_method(loaded, name) -> None:
    method = mask_method(loaded, halves(0, 1), method=name, travel=3, langevin=2)
    for sampler in ("ddim", "ddpm", "dpmpp_2m"):
        x, _ = walked(method, sampler=sampler)
        assert torch.equal(x[..., :8], method.original[..., :8])
        assert float((x - method.original)[..., 8:].abs().mean()) > 0.1


@pytest.mark.parametrize("name", ALL_METHODS)
def test_a_grey_pixel_joins_with_the_original_noised_to_its_own_time(loaded, name) -> None:
    """Whatever a method does before, also when it travels back past that time."""
    method = mask_method(loaded, halves(0.5, 1), method=name, travel=2, travel_length=3)
    _, data = walked(method)
    joining = [x_t for t, x_t in data.seen if t == 0.5]
    assert joining
    schedule, ours = method.model.schedule, method.original[..., :8]
    noise = (joining[0][..., :8] - schedule.alpha(0.5) * ours) / schedule.sigma(0.5)
    assert float(noise.mean()) == pytest.approx(0, abs=0.15)
    assert float(noise.std()) == pytest.approx(1, abs=0.1)
    assert float((noise * ours).mean()) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("name", ["native", "replace", "lanpaint"])
def test_a_grey_pixel_of_independent_ones_ends_as_sdedit_of_its_own_strength(loaded, name) -> None:
    """Also while its neighbours make Langevin moves; only methods that travel let it forget more."""
    strength = halves(0.5, 1)
    strength[..., :2] = 0
    soft, _ = walked(mask_method(loaded, strength, method=name))
    alone, _ = walked(mask_method(loaded, halves(0.5, 0.5), method=name), steps=3, free=True)
    torch.testing.assert_close(soft[..., 2:8], alone[..., 2:8], rtol=0, atol=1e-12)
    assert not torch.allclose(soft[..., 8:], alone[..., 8:], atol=0.1)


def test_below_full_strength_the_automatic_choice_of_a_free_method_lets_the_original_show_through(loaded) -> None:
    without = replace(loaded, mask_channels=False)
    half, whole = (replace(mask_method(loaded, halves(0, m)), model=without) for m in (0.5, 1.0))
    assert half.name == "replace"
    assert whole.name == "lanpaint"


@pytest.mark.parametrize("name", FREE_METHODS)
def test_a_free_method_tells_a_model_with_mask_channels_that_all_is_to_be_painted(loaded, name) -> None:
    _, data = walked(mask_method(loaded, halves(0, 1), method=name))
    for condition in data.told:
        assert bool((condition.mask == 1).all())
        assert not condition.known.any()


def test_the_models_own_method_needs_mask_channels(loaded) -> None:
    without = replace(loaded, mask_channels=False)
    with pytest.raises(UserError, match="Tiny has no mask channels"):
        chosen_method(without, "native")
    assert chosen_method(loaded, "auto") == "native"
    assert chosen_method(without, "auto") in FREE_METHODS


def test_a_method_costs_what_its_help_says(engine, model) -> None:
    def cost(**sampling) -> int:
        return generated(engine, request(model, steps=4, guidance=1.0, **sampling)).report.network_evaluations

    assert cost(method="native") == cost(method="replace") == 4
    assert cost(method="repaint", travel=3, travel_length=2) == cost(method="rangenull", travel=3, travel_length=2) == 8
    assert cost(method="lanpaint", langevin=2) == 4 + 3 * 2, "pure noise needs no moves"


@pytest.mark.parametrize(
    ("base", "changed"),
    [
        *[({}, {"method": name}) for name in FREE_METHODS],
        ({}, {"layout": "4"}),
        ({"method": "lanpaint"}, {"langevin": 4}),
        ({"method": "lanpaint"}, {"layout": "4"}),
        ({"method": "rangenull"}, {"travel": 2}),
        ({"method": "repaint"}, {"travel": 2}),
        ({"method": "repaint"}, {"travel_length": 1}),
        ({"method": "rangenull"}, {"layout": "2"}),
    ],
)  # fmt: skip
def test_every_mask_parameter_has_a_say(engine, model, base, changed) -> None:
    one, other = (generated(engine, request(model, **base | more)) for more in ({}, changed))
    assert not same(one, other)


@pytest.mark.parametrize("name", ALL_METHODS)
@pytest.mark.parametrize("factor", [2, 8])
def test_coarse_shapes_stay_where_something_is_repainted(loaded, name, factor) -> None:
    strength = halves(1, 1)
    strength[..., :4] = 0
    method = mask_method(loaded, strength, method=name, layout=str(factor), travel=2, langevin=2)
    x, _ = walked(method)
    repainted = (strength > 0).double()
    for top in range(0, 16, factor):
        for left in range(0, 16, factor):
            block = (..., slice(top, top + factor), slice(left, left + factor))
            count = repainted[block].sum(dim=(-2, -1)).clamp(min=1)
            means = [(picture[block] * repainted[block]).sum(dim=(-2, -1)) / count for picture in (x, method.original)]
            torch.testing.assert_close(means[0], means[1], rtol=0, atol=1e-9)
    assert float((x - method.original)[..., 4:].abs().mean()) > 0.1
    assert torch.equal(x[..., :4], method.original[..., :4])


def test_coarse_shapes_smaller_than_a_models_cells_are_refused(loaded) -> None:
    small = torch.ones(1, 1, 2, 2)
    method = replace(mask_method(loaded, small, layout="8"), original=torch.zeros(1, 4, 2, 2))
    with pytest.raises(UserError, match="cells of 8 pixels"):
        method.constraint()


def test_nothing_of_what_lies_outside_the_canvas_is_kept_as_a_coarse_shape(engine, model) -> None:
    asked = request(model, 16, 16, layout="4")
    picture, change = asked.picture.copy(), asked.change_map.copy()
    picture[:, 8:], change[:, 8:] = 0, 255
    asked = replace(asked, picture=picture, change_map=change, canvas=Rect(0, 0, 8, 16))
    on_white, on_black = (generated(engine, replace(asked, matte=matte)) for matte in ((255,) * 3, (0,) * 3))
    assert same(on_white, on_black)


@pytest.mark.parametrize("name", ALL_METHODS)
def test_where_the_frame_lies_on_the_canvas_has_no_say(engine, model, name) -> None:
    """The same picture and mask elsewhere on a larger canvas, with the frame that follows the mask."""
    patches = []
    for dx, dy in ((0, 0), (13, 5), (64, 40)):
        pixels = np.full((120, 140, 4), 255, np.uint8)
        pixels[dy : dy + 60, dx : dx + 60, :3] = np.random.default_rng(1).integers(0, 256, (60, 60, 3), np.uint8)
        document = change_map.add(picture_document(pixels), np.full((9, 11), 255, np.uint8), dx + 24, dy + 25)
        asked = make_request(document, "inpaint", Sampling(steps=2, candidates=1, method=name))
        asked = replace(_framed(document, Rect(dx, dy, 60, 60), asked), model=model, device="cpu")
        patches.append(generated(engine, asked).candidates[0].patch)
    assert np.array_equal(patches[0], patches[1])
    assert np.array_equal(patches[0], patches[2])


def _framed(document, frame: Rect, like: Request) -> Request:
    return make_request(replace(document, frame=frame), "inpaint", like.sampling)


@st.composite
def requests_of_methods(draw: st.DrawFn, model: str) -> Request:
    asked = draw(requests(model))
    sampling = replace(
        asked.sampling, method=draw(st.sampled_from(ALL_METHODS)), travel=draw(st.integers(1, 3)),
        travel_length=draw(st.integers(1, 4)), langevin=draw(st.integers(1, 3)),
        layout=draw(st.sampled_from(sorted(LAYOUTS))),
    )  # fmt: skip
    return replace(asked, sampling=sampling)


RELAXED = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@RELAXED
@given(data=st.data())
def test_any_request_by_any_method_keeps_what_is_kept_and_repeats(engine, model, data) -> None:
    asked = data.draw(requests_of_methods(model))
    result = generated(engine, asked)
    kept = asked.change_map == 0
    for candidate in result.candidates:
        assert candidate.patch.shape == (*asked.frame.shape, 4)
        assert (candidate.patch[kept] == 0).all()
        assert np.array_equal(over(asked.picture, candidate.patch)[kept], asked.picture[kept])
    assert same(result, generated(engine, asked))


@RELAXED
@given(data=st.data())
def test_a_run_by_any_method_cancelled_anywhere_leaves_nothing_behind(engine, model, data) -> None:
    asked = data.draw(requests_of_methods(model))
    seen: list[Progress] = []
    whole = generated(engine, asked, seen)
    total = max(progress.steps for progress in seen) if seen else 0
    if whole.report.network_evaluations == 0:
        return
    stop, cancel = data.draw(st.integers(0, total - 1)), CancelToken()

    def report(progress: Progress) -> None:
        if progress.stage == "sampling" and progress.step >= stop:
            cancel.cancel()

    with pytest.raises(Cancelled):
        engine.generate(asked, report, cancel)
    assert same(whole, generated(engine, asked))
