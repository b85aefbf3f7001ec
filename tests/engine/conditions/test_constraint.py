import itertools

import numpy as np
import pytest
import torch

from paintdiff.engine.conditions.constraint import Free, Replacement
from paintdiff.engine.denoiser import Condition, Prediction
from paintdiff.engine.noise import Noise
from paintdiff.engine.plan import descending
from paintdiff.engine.run import run
from paintdiff.engine.samplers.sampler import State, make_sampler
from paintdiff.engine.schedule import Flow, VPCosine
from paintdiff.generation.cancel import Cancelled, CancelToken

SHAPE = (1, 1, 4, 6)
ORIGINAL = torch.linspace(-1, 1, 24, dtype=torch.float64).view(SHAPE)


PIXELWISE = ("ddim", "dpmpp_2m", "euler", "heun", "ddpm", "euler_maruyama", "reverse_diffusion")
SAMPLERS = (*PIXELWISE, "predictor_corrector")  # a correction's size depends on all pixels


class Pixels:
    """The exact denoiser of independent pixels, each N(0.2, 0.5²)."""

    def __init__(self, schedule) -> None:
        self.schedule = schedule
        self.seen: list[tuple[float, Condition]] = []

    def __call__(self, x_t: torch.Tensor, t: float, condition: Condition) -> Prediction:
        self.seen.append((t, condition))
        alpha, sigma = self.schedule.alpha(t), self.schedule.sigma(t)
        gain = alpha * 0.25 / (alpha * alpha * 0.25 + sigma * sigma)
        return Prediction(0.2 + gain * (x_t - alpha * 0.2), x_t, alpha, sigma)


def edited(strength: torch.Tensor, name: str, times, schedule=None, seed: int = 5, step: int = 0):
    """(final x, the denoiser) of a run over `strength` from its largest value, whose steps count from `step`."""
    schedule = schedule or Flow()
    noise = Noise(seed, SHAPE, dtype=torch.float64)
    constraint = Replacement(ORIGINAL, strength, noise(0), schedule)
    start = times[0]
    state = State(schedule.alpha(start) * ORIGINAL + schedule.sigma(start) * noise(0), start, step)
    data = Pixels(schedule)
    sampler = make_sampler(name, schedule, noise, 0.0)
    *_, last = run(state, times[1:], sampler, data, Condition(), constraint, CancelToken())
    return last.x_t, data


def level(value: float) -> torch.Tensor:
    return torch.full(SHAPE, float(value))


@pytest.mark.parametrize("name", SAMPLERS)
def test_kept_pixels_end_as_they_were(name) -> None:
    strength = level(0)
    strength[..., 2:] = 1
    x, _ = edited(strength, name, descending(1.0, 7))
    assert torch.equal(x[..., :2], ORIGINAL[..., :2])
    assert (x[..., 2:] - ORIGINAL[..., 2:]).abs().min() > 1e-3


@pytest.mark.parametrize("schedule", [Flow(), VPCosine()])
@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("m", [0.3, 0.6, 1.0])
def test_a_constant_map_is_sdedit_at_that_strength(name, m, schedule) -> None:
    times = descending(m, 6)
    noise = Noise(5, SHAPE, dtype=torch.float64)
    free = State(schedule.alpha(m) * ORIGINAL + schedule.sigma(m) * noise(0), m)
    sampler = make_sampler(name, schedule, noise, 0.0)
    *_, last = run(free, times[1:], sampler, Pixels(schedule), Condition(), Free(), CancelToken())
    x, _ = edited(torch.full(SHAPE, m, dtype=torch.float64), name, times, schedule)
    torch.testing.assert_close(x, last.x_t, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", PIXELWISE)
def test_in_a_soft_map_each_pixel_of_independent_pixels_is_edited_as_if_alone(name) -> None:
    """The run visits 1, 0.75, 0.5, 0.25, 0; a pixel of strength 0.5 must come out as SDEdit over 0.5, 0.25, 0.

    With the noise of the same steps, where a sampler draws some.
    """
    times = descending(1.0, 4)
    strength = level(0)
    strength[..., 1:] = 0.5
    strength[..., 4:] = 1.0
    soft, _ = edited(strength, name, times)
    half, _ = edited(level(0.5), name, times[2:], step=2)
    whole, _ = edited(level(1.0), name, times)
    torch.testing.assert_close(soft[..., 1:4], half[..., 1:4], rtol=0, atol=1e-12)
    torch.testing.assert_close(soft[..., 4:], whole[..., 4:], rtol=0, atol=1e-12)
    assert torch.equal(soft[..., :1], ORIGINAL[..., :1])


def test_a_grey_map_of_float32_joins_at_exactly_its_own_time() -> None:
    strength = level(float(np.float32(0.35)))
    constraint = Replacement(ORIGINAL, strength, ORIGINAL, Flow())
    assert constraint.active(float(strength.max())).all()
    assert constraint.active(0.35).all()
    assert not constraint.active(0.351).any()
    assert not Replacement(ORIGINAL, level(0), ORIGINAL, Flow()).active(0.0).any()


@pytest.mark.parametrize("calls", [0, 1, 3])
def test_cancelling_stops_before_the_next_network_call(calls) -> None:
    cancel, data = CancelToken(), Pixels(Flow())
    noise = Noise(0, SHAPE, dtype=torch.float64)
    sampler = make_sampler("ddim", Flow(), noise, 0.0)
    states = run(State(noise(0), 1.0), descending(1.0, 5)[1:], sampler, data, Condition(), Free(), cancel)
    for _ in range(calls):
        next(states)
    cancel.cancel()
    with pytest.raises(Cancelled):
        next(states)
    assert len(data.seen) == calls


def test_noise_depends_on_seed_and_step_alone() -> None:
    noise = Noise(7, SHAPE)
    first, later = noise(0), noise(3)
    assert torch.equal(Noise(7, SHAPE)(3), later)
    assert not torch.equal(first, later)
    assert not torch.equal(Noise(8, SHAPE)(0), first)
    many = Noise(1, (100_000,))(0)
    assert abs(float(many.mean())) < 0.02
    assert float(many.std()) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("start", [1.0, 0.4, 1e-6])
@pytest.mark.parametrize("steps", [1, 3, 1000])
def test_a_plan_goes_from_its_strength_to_zero_in_even_steps(start, steps) -> None:
    times = descending(start, steps)
    assert len(times) == steps + 1
    assert times[0] == start
    assert times[-1] == 0
    assert all(t > s for t, s in itertools.pairwise(times))
