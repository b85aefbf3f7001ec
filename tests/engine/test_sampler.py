"""The samplers against closed forms and against diffusers' schedulers, in float64."""

import math

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler

from paintdiff.engine.constraint import Free
from paintdiff.engine.denoiser import Condition
from paintdiff.engine.noise import Noise
from paintdiff.engine.plan import descending
from paintdiff.engine.run import run
from paintdiff.engine.sampler import DDIM, DDPM, State, make_sampler, posterior_variance
from paintdiff.engine.schedule import Flow, VPCosine, VPLinear, discrete, log_snr
from paintdiff.generation.cancel import CancelToken
from tests.engine.gaussian import gaussian_8d

SCHEDULES = (Flow(), VPLinear(), VPCosine())
BETAS = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}


def sampled(data, sampler, x_t: torch.Tensor, times) -> torch.Tensor:
    *_, last = run(State(x_t, times[0]), times[1:], sampler, data, Condition(), Free(), CancelToken())
    return last.x_t


def drawn(*shape: int, seed: int = 0) -> Noise:
    return Noise(seed, shape, dtype=torch.float64)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", ["ddim", "dpmpp_2m"])
def test_deterministic_samplers_follow_the_probability_flow(schedule, name) -> None:
    data, noise = gaussian_8d(schedule), drawn(64, 8)
    sampler = make_sampler(name, schedule, noise, 0.0)
    exact = data.flowed(noise(0), 1.0)
    coarse, fine = (
        (sampled(data, sampler, noise(0), descending(1.0, steps)) - exact).abs().max() for steps in (50, 400)
    )
    assert fine < 0.02
    assert fine < coarse


def log_snr_times(schedule, first: float, last: float, steps: int) -> list[float]:
    """Times evenly spaced in log-SNR, by bisection."""
    lo, hi = log_snr(schedule, first), log_snr(schedule, last)
    times = []
    for i in range(steps + 1):
        goal, a, b = lo + (hi - lo) * i / steps, last, first
        for _ in range(80):
            middle = (a + b) / 2
            a, b = (middle, b) if log_snr(schedule, middle) > goal else (a, middle)
        times.append((a + b) / 2)
    return times


@pytest.mark.parametrize(("kind", "order"), [("ddim", 1), ("dpmpp_2m", 2)])
def test_samplers_converge_at_their_order_on_an_8d_gaussian(kind, order) -> None:
    schedule = VPLinear(0.1, 20.0)
    data, noise = gaussian_8d(schedule), drawn(16, 8)
    sampler, counts = make_sampler(kind, schedule, noise, 0.0), (128, 256, 512, 1024)
    errors = []
    for n in counts:
        times = log_snr_times(schedule, 1.0, 1e-3, n)
        x = sampled(data, sampler, noise(0), times)
        alpha, deviation = schedule.alpha(1e-3), data.deviation(1e-3)
        exact = alpha * data.mean + deviation * (noise(0) - schedule.alpha(1.0) * data.mean) / data.deviation(1.0)
        errors.append(float((x - exact).square().mean().sqrt()))
    slope = -(math.log(errors[-1]) - math.log(errors[0])) / math.log(counts[-1] / counts[0])
    assert slope == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", ["ddpm", "ddim"])
def test_stochastic_samplers_reach_the_datas_mean_and_variance(schedule, name) -> None:
    data, noise = gaussian_8d(schedule), drawn(20_000, 8)
    sampler = make_sampler(name, schedule, noise, 1.0)
    x = sampled(data, sampler, noise(0), descending(1.0, 200))
    torch.testing.assert_close(x.mean(0), data.mean, rtol=0, atol=0.05)
    torch.testing.assert_close(x.var(0), data.variance, rtol=0.06, atol=0.01)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_ddim_with_eta_1_is_ddpm(schedule) -> None:
    data, noise = gaussian_8d(schedule), drawn(4, 8)
    times = descending(1.0, 10)
    ddim = sampled(data, DDIM(schedule, noise, 1.0), noise(0), times)
    torch.testing.assert_close(ddim, sampled(data, DDPM(schedule, noise), noise(0), times), rtol=0, atol=1e-9)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", ["ddpm", "ddim", "dpmpp_2m"])
@pytest.mark.parametrize("steps", [1, 2])
def test_one_and_two_steps_from_pure_noise_are_finite_and_end_on_the_last_estimate(schedule, name, steps) -> None:
    data, noise = gaussian_8d(schedule), drawn(4, 8)
    sampler = make_sampler(name, schedule, noise, 0.5)
    times = descending(1.0, steps)
    states = list(run(State(noise(0), 1.0), times[1:], sampler, data, Condition(), Free(), CancelToken()))
    assert torch.isfinite(states[-1].x_t).all()
    torch.testing.assert_close(states[-1].x_t, states[-1].x0, rtol=0, atol=1e-9)
    if steps == 1 and schedule.alpha(1.0) == 0:
        torch.testing.assert_close(states[-1].x_t, data.mean.expand(4, 8))


def test_the_posterior_variance_is_that_of_ddpm() -> None:
    schedule = discrete(BETAS)
    theirs = DDPMScheduler(**BETAS)
    for level in (1, 10, 500, 999):
        ours = posterior_variance(schedule, schedule.time(level), schedule.time(level - 1))
        bar, before = theirs.alphas_cumprod[level].double(), theirs.alphas_cumprod[level - 1].double()
        expected = (1 - before) / (1 - bar) * (1 - bar / before)
        assert ours == pytest.approx(float(expected), rel=2e-3)  # theirs are float32 products
    assert posterior_variance(schedule, 0.001, 0.0) == 0


class Cross:
    """Our sampler and one of diffusers on the same Gaussian, levels and noise."""

    def __init__(self, theirs, steps: int) -> None:
        self.schedule = discrete(BETAS)
        self.data, self.noise = gaussian_8d(self.schedule), drawn(4, 8, seed=3)
        theirs.set_timesteps(steps)
        theirs.alphas_cumprod = torch.from_numpy(self.schedule.alphas**2)  # float64, as ours
        self.theirs = theirs
        self.levels = [int(level) for level in theirs.timesteps]
        self.times = [*(self.schedule.time(level) for level in self.levels), 0.0]

    def eps(self, x_t: torch.Tensor, level: int) -> torch.Tensor:
        return self.data(x_t, self.schedule.time(level), Condition()).eps

    def ours(self, name: str, eta: float = 0.0) -> torch.Tensor:
        return sampled(self.data, make_sampler(name, self.schedule, self.noise, eta), self.noise(0), self.times)


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
def test_ddim_agrees_with_diffusers(eta) -> None:
    cross = Cross(DDIMScheduler(**BETAS, clip_sample=False, timestep_spacing="trailing"), 20)
    cross.theirs.final_alpha_cumprod = torch.tensor(1.0, dtype=torch.float64)
    x = cross.noise(0)
    for i, level in enumerate(cross.levels):
        x = cross.theirs.step(cross.eps(x, level), level, x, eta=eta, variance_noise=cross.noise(i + 1)).prev_sample
    torch.testing.assert_close(cross.ours("ddim", eta), x, rtol=0, atol=1e-9)


def test_ddpm_agrees_with_diffusers(monkeypatch) -> None:
    cross = Cross(DDPMScheduler(**BETAS, clip_sample=False, timestep_spacing="trailing"), 20)
    cross.theirs.one = torch.tensor(1.0, dtype=torch.float64)
    queue = [cross.noise(i + 1) for i in range(20)]
    module = "diffusers.schedulers.scheduling_ddpm.randn_tensor"
    monkeypatch.setattr(module, lambda *args, **options: queue.pop(0))
    x = cross.noise(0)
    for level in cross.levels:
        x = cross.theirs.step(cross.eps(x, level), level, x).prev_sample
    torch.testing.assert_close(cross.ours("ddpm"), x, rtol=0, atol=1e-6)


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # diffusers reads a tensor as an array
@pytest.mark.parametrize("steps", [5, 20])
def test_dpmpp_2m_agrees_with_diffusers(steps) -> None:
    theirs = DPMSolverMultistepScheduler(
        **BETAS, algorithm_type="dpmsolver++", solver_order=2, solver_type="midpoint", timestep_spacing="trailing",
        final_sigmas_type="zero", euler_at_final=True,
    )  # fmt: skip
    cross = Cross(theirs, steps)
    alphas = [cross.schedule.alpha(t) for t in cross.times]
    theirs.sigmas = torch.tensor([math.sqrt(1 - a * a) / a for a in alphas], dtype=torch.float64)
    x = cross.noise(0)
    for level in cross.levels:
        x = theirs.step(cross.eps(x, level), level, x).prev_sample
    torch.testing.assert_close(cross.ours("dpmpp_2m"), x, rtol=0, atol=1e-6)


def test_a_run_taken_up_from_any_of_its_states_ends_the_same() -> None:
    data, noise = gaussian_8d(Flow()), drawn(4, 8)
    times = descending(1.0, 8)
    for name in ("ddpm", "ddim", "dpmpp_2m"):
        sampler = make_sampler(name, Flow(), noise, 0.7)
        states = list(run(State(noise(0), 1.0), times[1:], sampler, data, Condition(), Free(), CancelToken()))
        middle = states[3]
        again = list(run(middle, times[5:], sampler, data, Condition(), Free(), CancelToken()))
        assert torch.equal(again[-1].x_t, states[-1].x_t)


def test_an_unknown_sampler_is_refused() -> None:
    with pytest.raises(ValueError, match="'euler' is not known"):
        make_sampler("euler", Flow(), drawn(1), 0.0)
