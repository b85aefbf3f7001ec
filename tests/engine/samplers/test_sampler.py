"""The samplers against closed forms, in float64; against the reverse SDE's marginals in test_sampler_sde.py."""

import itertools
import math

import numpy as np
import pytest
import torch
from diffusers import DDPMPipeline, DDPMScheduler

from paintdiff.engine.conditions.constraint import Free
from paintdiff.engine.denoiser import Condition, Prediction
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.noise import Noise
from paintdiff.engine.plan import descending, even_in_log_snr
from paintdiff.engine.run import run
from paintdiff.engine.samplers.ancestral import DDIM, DDPM, posterior_variance
from paintdiff.engine.samplers.sampler import State, make_sampler
from paintdiff.engine.schedule import VE, Flow, SubVP, VPCosine, VPLinear, discrete, log_snr
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from tests.engine.gaussian import gaussian_8d
from tests.tiny_checkpoints import pixel_unet

ZERO_SNR = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "rescale_betas_zero_snr": True}
SCHEDULES = (Flow(), VPLinear(), VPCosine(), SubVP(), VE(), discrete(ZERO_SNR))
ODE = ("ddim", "euler", "heun", "dpmpp_2m")
SDE = ("ddpm", "euler_maruyama", "reverse_diffusion", "predictor_corrector")


def sampled(data, sampler, x_t: torch.Tensor, times) -> torch.Tensor:
    *_, last = run(State(x_t, times[0]), times[1:], sampler, data, Condition(), Free(), CancelToken())
    return last.x_t


def drawn(*shape: int, seed: int = 0) -> Noise:
    return Noise(seed, shape, dtype=torch.float64)


def from_noise(data, noise: Noise, t: float) -> torch.Tensor:
    """x_t as the data have it, of the standard normal `noise`."""
    return data.schedule.alpha(t) * data.mean + data.deviation(t) * noise(0)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", ODE)
def test_deterministic_samplers_follow_the_probability_flow(schedule, name) -> None:
    data, noise = gaussian_8d(schedule), drawn(64, 8)
    sampler, x_1 = make_sampler(name, schedule, noise), from_noise(data, noise, 1.0)
    exact = data.flowed(x_1, 1.0)
    coarse, fine = ((sampled(data, sampler, x_1, descending(1.0, steps)) - exact).abs().max() for steps in (50, 400))
    assert fine < 0.05
    assert fine < coarse


@pytest.mark.parametrize(
    ("name", "even_in", "order"),
    [
        ("ddim", "time", 1), ("euler", "time", 1), ("heun", "time", 2), ("heun", "log-SNR", 2),
        ("dpmpp_2m", "log-SNR", 2),
    ],
)
def test_samplers_converge_at_their_order_on_an_8d_gaussian(name, even_in, order) -> None:
    """VP with beta .1 to 20, from t = 1 to 1e-3 in 128 to 1024 steps."""
    schedule = VPLinear(0.1, 20.0)
    data, noise = gaussian_8d(schedule), drawn(16, 8)
    sampler, counts, last = make_sampler(name, schedule, noise), (128, 256, 512, 1024), 1e-3
    start, exact, errors = from_noise(data, noise, 1.0), from_noise(data, noise, last), []
    for n in counts:
        if even_in == "time":
            times = tuple(1 + (last - 1) * i / n for i in range(n + 1))
        else:
            times = even_in_log_snr(schedule, log_snr(schedule, 1.0), log_snr(schedule, last), n)
        errors.append(float((sampled(data, sampler, start, times) - exact).square().mean().sqrt()))
    for coarse, fine in itertools.pairwise(errors):
        assert math.log2(coarse / fine) == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", [*SDE, "ddim"])
def test_stochastic_samplers_reach_the_datas_mean_and_variance(schedule, name) -> None:
    """From pure noise on, where some SDEs have no drift to speak of: alpha is 0."""
    data, noise = gaussian_8d(schedule), drawn(2_000, 8)
    sampler = make_sampler(name, schedule, noise, eta=1.0)
    x = sampled(data, sampler, from_noise(data, noise, 1.0), descending(1.0, 60))
    torch.testing.assert_close(x.mean(0), data.mean, rtol=0, atol=0.13)
    torch.testing.assert_close(x.var(0), data.variance, rtol=0.2, atol=0.03)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_ddim_with_eta_1_is_ddpm(schedule) -> None:
    data, noise = gaussian_8d(schedule), drawn(4, 8)
    times, x_1 = descending(1.0, 10), from_noise(data, drawn(4, 8), 1.0)
    ddim = sampled(data, DDIM(schedule, noise, 1.0), x_1, times)
    torch.testing.assert_close(ddim, sampled(data, DDPM(schedule, noise), x_1, times), rtol=0, atol=1e-8)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", [*ODE, *SDE])
@pytest.mark.parametrize("steps", [1, 2])
def test_one_and_two_steps_from_pure_noise_are_finite_and_end_on_the_last_estimate(schedule, name, steps) -> None:
    data, noise = gaussian_8d(schedule), drawn(4, 8)
    sampler = make_sampler(name, schedule, noise, eta=0.5)
    times = descending(1.0, steps)
    states = list(run(State(noise(0), 1.0), times[1:], sampler, data, Condition(), Free(), CancelToken()))
    assert torch.isfinite(states[-1].x_t).all()
    torch.testing.assert_close(states[-1].x_t, states[-1].x0, rtol=0, atol=1e-9)
    assert states[-1].x0_t == times[-2]
    if steps == 1 and schedule.alpha(1.0) == 0:
        torch.testing.assert_close(states[-1].x_t, data.mean.expand(4, 8))


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", [*ODE, *SDE])
@pytest.mark.parametrize("start", [0.999, 0.5, 1e-3])
def test_few_steps_from_any_strength_stay_near_the_data(schedule, name, start) -> None:
    """Near pure noise the reverse SDE's drift has no bound; no sampler may throw the picture out of sight there.

    An exploding variance needs more: a reverse SDE's step that halves sigma leaves noise of the larger sigma behind.
    """
    data, noise = gaussian_8d(schedule), drawn(64, 8)
    x_t = from_noise(data, noise, start)
    for steps in (30,) if isinstance(schedule, VE) and name in SDE else (3, 10):
        x = sampled(data, make_sampler(name, schedule, noise), x_t, descending(start, steps))
        assert ((x - data.mean) / data.variance.sqrt()).abs().max() < 8


def test_how_often_a_step_asks_the_model() -> None:
    data, noise = gaussian_8d(VPCosine()), drawn(2, 8)
    expected = {"euler": 4, "dpmpp_2m": 4, "ddpm": 4, "euler_maruyama": 4, "reverse_diffusion": 4}
    expected |= {"heun": 6, "predictor_corrector": 4 + 3 * 2}  # nothing to mend at pure noise, nor at the picture
    for name, calls in expected.items():
        seen = []

        def counted(x_t, t, condition, seen=seen) -> Prediction:
            seen.append(t)
            return data(x_t, t, condition)

        sampled(counted, make_sampler(name, VPCosine(), noise, corrector=2), noise(0), descending(1.0, 4))
        assert len(seen) == calls, name


def test_the_variances_of_ddpm_are_those_of_the_paper() -> None:
    """One step from the same x_t with the same noise, at a level of a checkpoint."""
    schedule, noise = discrete({"beta_schedule": "linear"}), drawn(1, 8)
    theirs = DDPMScheduler(beta_schedule="linear")
    for level in (1, 10, 500, 999):
        t, s = schedule.time(level), schedule.time(level - 1)
        bar, before = theirs.alphas_cumprod[level].double(), theirs.alphas_cumprod[level - 1].double()
        beta = float(1 - bar / before)
        small = float((1 - before) / (1 - bar)) * beta
        assert posterior_variance(schedule, t, s) == pytest.approx(small, rel=2e-3)  # theirs are float32 products

        def step(variance: str, mix: float | None = None, t=t, s=s) -> torch.Tensor:
            def denoise(x_t, t) -> Prediction:
                v = None if mix is None else torch.full_like(x_t, mix)
                return Prediction(torch.zeros_like(x_t), x_t, schedule.alpha(t), schedule.sigma(t), v)

            state = State(torch.zeros(1, 8, dtype=torch.float64), t)
            return DDPM(schedule, noise, variance).step(state, s, denoise).x_t / noise(1)

        for found, variance in (
            (step("small"), small), (step("large"), beta), (step("learned", 0.0), small), (step("learned", 1.0), beta),
            (step("learned", 0.5), math.sqrt(small * beta)),
        ):  # fmt: skip
            torch.testing.assert_close(found, torch.full_like(found, math.sqrt(variance)), rtol=2e-3, atol=0)
    assert posterior_variance(schedule, 0.001, 0.0) == 0


def test_a_learned_variance_that_the_model_does_not_have_is_refused() -> None:
    data, noise = gaussian_8d(Flow()), drawn(4, 8)
    with pytest.raises(UserError, match="has not learned its variance; choose the small or the large"):
        sampled(data, make_sampler("ddpm", Flow(), noise, variance="learned"), noise(0), descending(1.0, 2))


def test_a_run_taken_up_from_any_of_its_states_ends_the_same() -> None:
    data, noise = gaussian_8d(Flow()), drawn(4, 8)
    times = descending(1.0, 8)
    for name in (*ODE, *SDE):
        sampler = make_sampler(name, Flow(), noise, eta=0.7)
        states = list(run(State(noise(0), 1.0), times[1:], sampler, data, Condition(), Free(), CancelToken()))
        middle = states[3]
        again = list(run(middle, times[5:], sampler, data, Condition(), Free(), CancelToken()))
        assert torch.equal(again[-1].x_t, states[-1].x_t)


def test_an_unknown_sampler_is_refused() -> None:
    with pytest.raises(ValueError, match="'plms' is not known"):
        make_sampler("plms", Flow(), drawn(1))


def test_a_checkpoint_that_has_learned_its_variance_paints_with_it(tmp_path) -> None:
    DDPMPipeline(unet=pixel_unet(out_channels=6), scheduler=DDPMScheduler()).save_pretrained(tmp_path)
    picture, frame = np.full((16, 16, 4), 255, np.uint8), Rect(0, 0, 16, 16)
    patches = []
    for variance in ("learned", "small", "large"):
        sampling = Sampling(sampler="ddpm", variance=variance, steps=5, candidates=1, method="replace")
        asked = Request("inpaint", frame, frame, picture, picture[..., 0], sampling, str(tmp_path), "cpu")
        patches.append(DiffusionEngine().generate(asked, lambda progress: None, CancelToken()).candidates[0].patch)
    for a, b in itertools.combinations(patches, 2):
        assert not np.array_equal(a, b)
