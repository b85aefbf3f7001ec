"""The adaptive solver against exact answers and against scipy's solver of the same pair."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from paintdiff.engine.denoiser import Condition, Prediction
from paintdiff.engine.ode import EARLIEST, Adaptive, solve, velocity
from paintdiff.engine.samplers.sampler import State
from paintdiff.engine.schedule import Flow, VPCosine, VPLinear
from paintdiff.generation.cancel import Cancelled, CancelToken
from paintdiff.generation.errors import UserError
from tests.engine.gaussian import gaussian_8d
from tests.engine.mixture import mixture_8d

TOLERANCES = [1e-3, 1e-4, 1e-5, 1e-6]


def noise_8d(n: int = 64) -> Tensor:
    return torch.randn(n, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("tolerance", TOLERANCES)
def test_on_a_gaussian_it_is_as_exact_and_as_quick_as_scipys_rk45(tolerance: float) -> None:
    """The probability-flow ODE of 8 correlated dimensions, VP with beta 0.1 to 20, from t = 1 to 1e-3.

    scipy's solver is handed the same right-hand side written out in numpy from the covariance C alone: the score of
    N(0, alpha² C + sigma² I) is -(alpha² C + sigma² I)^-1 x, and dx/dt = -beta/2 (x + score) (Song et al. 2021, eq. 13,
    with f = -beta x / 2 and g² = beta). Both take rtol = atol = tolerance and measure the error of a step as the root
    mean square, over all numbers of the batch together, of error / (atol + rtol max(|x|, |x_new|)). The exact end is
    (alpha² C + sigma² I at 1e-3)^1/2 (the same at 1)^-1/2 x, as along each eigenvector quantiles are kept.
    """
    schedule = VPLinear(0.1, 20.0)
    mixture = mixture_8d(schedule)
    covariance = mixture.covariances[0].numpy()
    zero = type(mixture)(torch.ones(1, dtype=torch.float64), 0 * mixture.means[:1], mixture.covariances[:1], schedule)
    noise = noise_8d()

    def ours(t: float, x: Tensor) -> Tensor:
        return velocity(schedule, t, zero(x, t))

    def theirs(t: float, flat: np.ndarray) -> np.ndarray:
        x = flat.reshape(-1, 8)
        beta = 0.1 + t * 19.9
        alpha_squared = math.exp(-0.1 * t - 0.5 * 19.9 * t * t)
        score = -np.linalg.solve(alpha_squared * covariance + (1 - alpha_squared) * np.eye(8), x.T).T
        return (-0.5 * beta * (x + score)).ravel()

    def deviation(t: float, power: float) -> Tensor:
        variances, rotation = np.linalg.eigh(covariance)
        of_x_t = schedule.alpha(t) ** 2 * variances + schedule.sigma(t) ** 2
        return torch.from_numpy(rotation * of_x_t**power @ rotation.T)

    mine = solve(ours, noise, 1.0, EARLIEST, tolerance, tolerance)
    scipys = solve_ivp(theirs, (1.0, EARLIEST), noise.numpy().ravel(), "RK45", rtol=tolerance, atol=tolerance)
    exact = noise @ deviation(1.0, -0.5) @ deviation(EARLIEST, 0.5)
    assert float((mine.y - exact).square().mean().sqrt()) <= 5 * tolerance
    assert mine.evaluations == pytest.approx(scipys.nfev, rel=0.2)
    assert np.abs(mine.y.numpy().ravel() - scipys.y[:, -1]).max() <= 1e-8, "the same steps, but for rounding"


@pytest.mark.parametrize("end", [0.0, 2.5])
def test_it_goes_both_ways_and_ends_exactly_where_it_should(end: float) -> None:
    seen: list[float] = []

    def slope(t: float, y: Tensor) -> Tensor:
        seen.append(t)
        return y * math.cos(t)

    start = torch.tensor([1.0, -2.0], dtype=torch.float64)
    solution = solve(slope, start, 1.0, end, 1e-9, 1e-9)
    torch.testing.assert_close(solution.y, start * math.exp(math.sin(end) - math.sin(1.0)), rtol=1e-7, atol=0)
    assert solution.evaluations == len(seen)
    assert seen[-1] == end
    assert solve(slope, start, end, end, 1e-9, 1e-9).y is start


def test_a_slope_that_cannot_be_followed_is_a_clear_sentence() -> None:
    with pytest.raises(UserError, match="tolerance"):
        solve(lambda t, y: y * y, torch.ones(1, dtype=torch.float64), 0.0, 2.0, 1e-6, 1e-6)  # infinite at 1


def sampled(schedule: VPLinear | VPCosine | Flow, times: list[float], tolerance: float = 1e-6) -> tuple[Tensor, int]:
    gaussian, calls = gaussian_8d(schedule), 0

    def denoise(x_t: Tensor, t: float) -> Prediction:
        nonlocal calls
        calls += 1
        return gaussian(x_t, t, Condition())

    state = State(noise_8d(), 1.0)
    for t in times:
        state = Adaptive(schedule, tolerance).step(state, t, denoise)
    return state.x_t, calls


@pytest.mark.parametrize("schedule", [VPLinear(), VPCosine(), Flow()])
def test_as_a_sampler_it_ends_on_the_clean_picture_from_pure_noise(schedule) -> None:
    gaussian = gaussian_8d(schedule)
    x0, _ = sampled(schedule, [0.0])
    at_earliest = gaussian.flowed(noise_8d(), 1.0)
    assert float((x0 - at_earliest).abs().max()) < 2 * schedule.sigma(EARLIEST) ** 2 + 1e-4


def test_stops_on_the_way_cost_little_and_change_the_end_no_more_than_the_tolerance() -> None:
    whole, few = sampled(VPLinear(), [0.0])
    stopped, more = sampled(VPLinear(), [0.75, 0.5, 0.25, 0.0])
    assert float((whole - stopped).abs().max()) < 1e-5
    assert more < 1.5 * few


def test_a_step_below_the_earliest_time_asks_the_model_once() -> None:
    gaussian = gaussian_8d(Flow())
    state = Adaptive(Flow(), 1e-3).step(State(noise_8d(), EARLIEST / 2), 0.0, lambda x, t: gaussian(x, t, Condition()))
    torch.testing.assert_close(state.x_t, gaussian(noise_8d(), EARLIEST / 2, Condition()).x0)


def test_it_can_be_cancelled_inside_a_step() -> None:
    cancel, gaussian = CancelToken(), gaussian_8d(Flow())

    def denoise(x_t: Tensor, t: float) -> Prediction:
        cancel.check()
        if t < 0.5:
            cancel.cancel()
        return gaussian(x_t, t, Condition())

    with pytest.raises(Cancelled):
        Adaptive(Flow(), 1e-6).step(State(noise_8d(), 1.0), 0.0, denoise)
