"""The samplers against diffusers' own schedulers on the same network, levels and noise: the same latents.

Theirs compute their levels in float32; they are handed ours, so that what is compared is the step.
"""

import math

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    HeunDiscreteScheduler,
    RePaintScheduler,
    ScoreSdeVeScheduler,
)

from paintdiff.engine.conditions.constraint import Free
from paintdiff.engine.denoiser import Condition, NetworkDenoiser
from paintdiff.engine.noise import Noise
from paintdiff.engine.plan import Renoise, descending
from paintdiff.engine.run import run
from paintdiff.engine.samplers.sampler import State, make_sampler
from paintdiff.engine.schedule import VE, Flow, discrete
from paintdiff.generation.cancel import CancelToken
from tests.engine.gaussian import gaussian_8d

BETAS = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
TRAILING = BETAS | {"timestep_spacing": "trailing"}


def sampled(data, sampler, x_t: torch.Tensor, times, renoise=None) -> torch.Tensor:
    *_, last = run(State(x_t, times[0]), times[1:], sampler, data, Condition(), Free(), CancelToken(), renoise)
    return last.x_t


def double(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


@pytest.fixture
def queued(monkeypatch):
    """Hands a scheduler of diffusers the noise that it would draw."""

    def install(module: str, noises: list[torch.Tensor]) -> None:
        queue = iter(noises)
        monkeypatch.setattr(f"diffusers.schedulers.{module}.randn_tensor", lambda *a, **o: next(queue))

    return install


class Cross:
    """Our sampler and one of diffusers on the same Gaussian, levels and noise."""

    def __init__(self, theirs, steps: int) -> None:
        self.schedule = discrete(BETAS)
        self.data, self.noise = gaussian_8d(self.schedule), Noise(3, (4, 8), dtype=torch.float64)
        theirs.set_timesteps(steps)
        theirs.alphas_cumprod = torch.from_numpy(self.schedule.alphas**2)
        self.theirs = theirs
        self.levels = [int(level) for level in theirs.timesteps]
        self.times = [*(self.schedule.time(level) for level in self.levels), 0.0]

    def eps(self, x_t: torch.Tensor, level: int) -> torch.Tensor:
        return self.data(x_t, self.schedule.time(level), Condition()).eps

    def ours(self, name: str, **settings) -> torch.Tensor:
        sampler = make_sampler(name, self.schedule, self.noise, **settings)
        return sampled(self.data, sampler, self.noise(0), self.times)


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
def test_ddim(eta) -> None:
    cross = Cross(DDIMScheduler(**TRAILING, clip_sample=False), 20)
    cross.theirs.final_alpha_cumprod = double(1.0)
    x = cross.noise(0)
    for i, level in enumerate(cross.levels):
        x = cross.theirs.step(cross.eps(x, level), level, x, eta=eta, variance_noise=cross.noise(i + 1)).prev_sample
    torch.testing.assert_close(cross.ours("ddim", eta=eta), x, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("variance", "theirs"), [("small", "fixed_small"), ("large", "fixed_large")])
def test_ddpm(queued, variance, theirs) -> None:
    """Leading levels, which end at level 0: from any other, theirs adds the last step's noise to the finished picture.

    Their "fixed_small_log" is "fixed_small" again, and "fixed_large_log" the root of a logarithm, which is no number.
    """
    cross = Cross(DDPMScheduler(**BETAS, clip_sample=False, variance_type=theirs, timestep_spacing="leading"), 20)
    cross.theirs.one = double(1.0)
    queued("scheduling_ddpm", [cross.noise(i + 1) for i in range(20)])
    x = cross.noise(0)
    for level in cross.levels:
        x = cross.theirs.step(cross.eps(x, level), level, x).prev_sample
    torch.testing.assert_close(cross.ours("ddpm", variance=variance), x, rtol=0, atol=1e-9)


def test_ddpm_with_a_learned_range_of_variance(queued) -> None:
    """The network answers with eps and, in as many channels again, where in the range the variance lies."""
    theirs = DDPMScheduler(**BETAS, clip_sample=False, variance_type="learned_range", timestep_spacing="leading")
    cross = Cross(theirs, 20)
    cross.theirs.one = double(1.0)
    queued("scheduling_ddpm", [cross.noise(i + 1) for i in range(20)])

    def network(x_t: torch.Tensor, t: float, condition: Condition) -> torch.Tensor:
        return torch.cat([cross.data(x_t, t, Condition()).eps, torch.sin(3 * x_t)], dim=1)

    x = cross.noise(0)
    for level in cross.levels:
        x = cross.theirs.step(network(x, cross.schedule.time(level), Condition()), level, x).prev_sample
    sampler = make_sampler("ddpm", cross.schedule, cross.noise, variance="learned")
    denoiser = NetworkDenoiser(network, cross.schedule, "eps")
    ours = sampled(denoiser, sampler, cross.noise(0), cross.times)
    torch.testing.assert_close(ours, x, rtol=0, atol=1e-9)
    assert (ours - cross.ours("ddpm")).abs().max() > 1e-3


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # diffusers reads a tensor as an array
@pytest.mark.parametrize("steps", [5, 20])
def test_dpmpp_2m(steps) -> None:
    theirs = DPMSolverMultistepScheduler(
        **TRAILING, algorithm_type="dpmsolver++", solver_order=2, solver_type="midpoint", final_sigmas_type="zero",
        euler_at_final=True,
    )  # fmt: skip
    cross = Cross(theirs, steps)
    theirs.sigmas = torch.tensor(sigmas(cross), dtype=torch.float64)
    x = cross.noise(0)
    for level in cross.levels:
        x = theirs.step(cross.eps(x, level), level, x).prev_sample
    torch.testing.assert_close(cross.ours("dpmpp_2m"), x, rtol=0, atol=1e-6)


def sigmas(cross: Cross) -> list[float]:
    """sigma / alpha at our times: what Karras et al. call sigma."""
    return [cross.schedule.sigma(t) / cross.schedule.alpha(t) for t in cross.times]


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")
def test_euler_which_is_also_ddim_without_noise() -> None:
    """Theirs moves x / alpha and casts it to float32 in every step."""
    cross = Cross(EulerDiscreteScheduler(**TRAILING), 20)
    theirs = cross.theirs
    theirs.sigmas = torch.tensor(sigmas(cross), dtype=torch.float64)
    x = cross.noise(0) / cross.schedule.alpha(cross.times[0])
    for t, level in zip(cross.times, theirs.timesteps, strict=False):
        theirs.scale_model_input(x, level)
        x = theirs.step(cross.data(cross.schedule.alpha(t) * x, t, Condition()).eps, level, x).prev_sample
    torch.testing.assert_close(cross.ours("euler"), x, rtol=0, atol=1e-5)
    torch.testing.assert_close(cross.ours("euler"), cross.ours("ddim"), rtol=0, atol=1e-12)


def test_euler_on_straight_lines() -> None:
    """The flow's own scheduler moves x_t along eps - x0 in t; it too casts to float32."""
    data, noise, times = gaussian_8d(Flow()), Noise(3, (4, 8), dtype=torch.float64), descending(1.0, 20)
    theirs = FlowMatchEulerDiscreteScheduler()
    theirs.set_timesteps(sigmas=list(times[:-1]))
    x = noise(0)
    for t, level in zip(times, theirs.timesteps, strict=False):
        prediction = data(x, t, Condition())
        x = theirs.step(prediction.eps - prediction.x0, level, x).prev_sample
    ours = sampled(data, make_sampler("euler", Flow(), noise), noise(0), times)
    torch.testing.assert_close(ours, x, rtol=0, atol=1e-5)


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")
def test_heun() -> None:
    """Theirs is called twice a step, and holds each level but the first and the last twice."""
    cross = Cross(HeunDiscreteScheduler(**TRAILING), 20)
    theirs = cross.theirs
    levels = [cross.levels[0], *cross.levels[1::2]]
    cross.times = [*(cross.schedule.time(level) for level in levels), 0.0]
    ladder = torch.tensor(sigmas(cross), dtype=torch.float64)
    theirs.sigmas = torch.cat([ladder[:1], ladder[1:-1].repeat_interleave(2), ladder[-1:]])
    x = cross.noise(0) / cross.schedule.alpha(cross.times[0])
    for level in theirs.timesteps:
        t = cross.schedule.time(int(level))
        x = theirs.step(cross.data(cross.schedule.alpha(t) * x, t, Condition()).eps, level, x).prev_sample
    torch.testing.assert_close(cross.ours("heun"), x, rtol=0, atol=1e-9)


@pytest.mark.parametrize("corrections", [0, 2])
def test_predictor_corrector_on_an_exploding_variance(queued, corrections) -> None:
    """Theirs finds a level by cutting off t (N - 1), which rounding may put one too low: it is handed a little more.

    It adds noise to the last picture too; its pipeline shows the mean before that, which is our last step.
    """
    n, snr = 20, 0.15
    schedule, noise = VE(0.01, 50.0), Noise(3, (4, 8), dtype=torch.float64)
    data = gaussian_8d(schedule)
    theirs = ScoreSdeVeScheduler(n, snr, 0.01, 50.0)
    theirs.set_timesteps(n)
    parts = [(*range(1, corrections + 1), 0)] * n
    queued("scheduling_sde_ve", [noise(step, part) for step, order in enumerate(parts, 1) for part in order])
    times = [*(i / (n - 1) for i in range(n - 1, 0, -1)), 1e-15, 0.0]
    theirs.discrete_sigmas = torch.tensor([schedule.sigma(t) for t in times[-2::-1]], dtype=torch.float64)
    x = start = 50 * noise(0)
    for i, t in enumerate(times[:-1]):
        for _ in range(corrections):
            x = theirs.step_correct(data(x, t, Condition()).score, x).prev_sample
        level = torch.tensor((n - 1 - i + 0.01) / (n - 1))
        moved = theirs.step_pred(data(x, t, Condition()).score, level, x)
        x = moved.prev_sample
    settings = {"predictor": "reverse_diffusion", "corrector": corrections, "snr": snr}
    sampler = make_sampler("predictor_corrector", schedule, noise, **settings)
    torch.testing.assert_close(sampled(data, sampler, start, times), moved.prev_sample_mean, rtol=0, atol=1e-4)


def test_repaint_with_all_its_jumps(queued) -> None:
    """Every level is visited, as in the paper; then RePaint without a mask is DDIM with eta 1 and our way back in time.

    Under a mask theirs uses one noise for the known and the unknown part of a step, which we do not.
    """
    count = 20
    betas = {"num_train_timesteps": count, "beta_schedule": "linear", "beta_start": 0.01, "beta_end": 0.4}
    schedule, noise = discrete(betas), Noise(3, (4, 8), dtype=torch.float64)
    data = gaussian_8d(schedule)
    theirs = RePaintScheduler(**betas, eta=1.0, clip_sample=False)
    theirs.alphas_cumprod = torch.from_numpy(schedule.alphas**2)
    theirs.betas = 1 - theirs.alphas_cumprod / torch.cat([torch.ones(1).double(), theirs.alphas_cumprod[:-1]])
    theirs.final_alpha_cumprod = double(1.0)
    theirs.set_timesteps(count, jump_length=3, jump_n_sample=2)
    levels = [int(level) for level in theirs.timesteps]
    assert len(levels) > count
    queued("scheduling_repaint", [noise(i + 1) for i in range(len(levels))])
    x, before, times = noise(0), count, [1.0]
    free = torch.zeros(1, dtype=torch.float64)
    for level in levels:
        if level < before:
            eps = data(x, schedule.time(level), Condition()).eps
            x = theirs.step(eps, level, x, original_image=free, mask=free).prev_sample
            times.append(schedule.time(level - 1))
        else:
            x = theirs.undo_step(x, before)
            times.append(schedule.time(before))
        before = level
    ours = sampled(data, make_sampler("ddim", schedule, noise, eta=1.0), noise(0), times, Renoise(schedule, noise))
    torch.testing.assert_close(ours, x, rtol=0, atol=1e-9)


def test_repaint_of_diffusers_noises_by_the_wrong_betas_when_it_skips_levels() -> None:
    """Fault: from level t - n to t it takes the betas t .. t + n - 1, not t - n + 1 .. t, which is too noisy."""
    schedule, skipped, level = discrete(BETAS), 10, 500
    theirs = RePaintScheduler(**BETAS)
    theirs.set_timesteps(1000 // skipped)
    torch.manual_seed(0)
    x = schedule.sigma(schedule.time(level - skipped)) * torch.randn(200_000)  # the noise in x at level t - n
    wrong = float(theirs.undo_step(x, level).std())
    state = State(x, schedule.time(level - skipped))
    right = float(Renoise(schedule, Noise(1, (200_000,)))(state, schedule.time(level)).x_t.std())
    wanted = schedule.sigma(schedule.time(level))
    assert right == pytest.approx(wanted, rel=5e-3)
    skewed = schedule.alpha(schedule.time(level - skipped)) * math.prod(
        math.sqrt(1 - float(theirs.betas[level + i])) for i in range(skipped)
    )
    assert wrong == pytest.approx(math.sqrt(1 - skewed**2), rel=5e-3)
    assert skewed < schedule.alpha(schedule.time(level)) - 1e-4
