"""Pictures to codes and back, on distributions whose denoiser is exact; all float64."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from paintdiff.engine.denoiser import Prediction
from paintdiff.engine.inversion import encode_ddim, encode_ode, slerp
from paintdiff.engine.ode import EARLIEST, Adaptive
from paintdiff.engine.plan import descending
from paintdiff.engine.samplers.sampler import State, make_sampler
from paintdiff.engine.schedule import Flow, Schedule, VPCosine, VPLinear
from tests.engine.gaussian import gaussian_8d
from tests.engine.mixture import mixture_8d

SCHEDULES = [VPLinear(), VPCosine(), Flow()]


def rms(x: Tensor) -> float:
    return float(x.square().mean().sqrt())


def decoded(sampler, code: Tensor, times: tuple[float, ...], denoise: Callable[[Tensor, float], Prediction]) -> Tensor:
    state = State(code, times[0])
    for t in times[1:]:
        state = sampler.step(state, t, denoise)
    return state.x_t


def ddim(schedule: Schedule):
    return make_sampler("ddim", schedule, lambda step, part=0: torch.zeros(1), eta=0.0)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_ode_leads_there_and_back(schedule: Schedule) -> None:
    mixture = mixture_8d(schedule)
    x0 = mixture.sample(50, 2)
    code = encode_ode(x0, 1.0, mixture, schedule, 1e-6)
    assert rms(decoded(Adaptive(schedule, 1e-6), code, (1.0, 0.0), mixture) - x0) < 1e-5


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_ddim_leads_there_and_back_in_50_steps(schedule: Schedule) -> None:
    mixture, times = mixture_8d(schedule), descending(1.0, 50)
    x0 = mixture.sample(50, 2)
    code = encode_ddim(x0, times[::-1], mixture, schedule)
    back = decoded(ddim(schedule), code, times, mixture)
    assert rms(back - x0) < 1e-3
    naive = encode_ddim(x0, times[::-1], mixture, schedule, iterations=1)
    assert rms(decoded(ddim(schedule), naive, times, mixture) - x0) > 10 * rms(back - x0), "the iterations are needed"


@pytest.mark.parametrize("schedule", [VPLinear(), VPCosine()])
def test_a_gaussians_code_is_its_quantile(schedule: Schedule) -> None:
    gaussian = gaussian_8d(schedule)
    standard = torch.linspace(-2, 2, 8, dtype=torch.float64)[None]
    x0 = gaussian.mean + gaussian.variance.sqrt() * standard
    code = encode_ode(x0, 1.0, lambda x_t, t: gaussian(x_t, t, None), schedule, 1e-6)
    expected = schedule.alpha(1.0) * gaussian.mean + gaussian.deviation(1.0) * standard
    torch.testing.assert_close(code, expected, atol=5 * schedule.sigma(EARLIEST) ** 2, rtol=0)


def test_codes_of_samples_are_standard_normal() -> None:
    mixture = mixture_8d(VPCosine())
    code = encode_ode(mixture.sample(4000, 9), 1.0, mixture, VPCosine(), 1e-4)
    assert float(code.mean(0).abs().max()) < 0.06
    torch.testing.assert_close(code.T.cov(), torch.eye(8, dtype=torch.float64), atol=0.09, rtol=0)


def test_part_of_the_way_back_is_enough_for_a_weaker_edit() -> None:
    mixture, times = mixture_8d(Flow()), descending(0.4, 20)
    x0 = mixture.sample(20, 2)
    for code, sampler in (
        (encode_ddim(x0, times[::-1], mixture, Flow()), ddim(Flow())),
        (encode_ode(x0, 0.4, mixture, Flow(), 1e-6), Adaptive(Flow(), 1e-6)),
    ):
        assert rms(decoded(sampler, code, times, mixture) - x0) < 1e-4


def test_decoding_a_code_for_another_class_gives_that_class() -> None:
    mixture, times = mixture_8d(VPLinear()), descending(1.0, 50)
    source, target = mixture.of_class(0), mixture.of_class(1)
    code = encode_ddim(source.sample(50, 2), times[::-1], source, VPLinear())
    edited = decoded(ddim(VPLinear()), code, times, target)
    assert float(mixture.class_log_p(edited, 0.01)[:, 1].exp().min()) > 0.99


def test_between_two_codes_lie_codes_of_their_size() -> None:
    a, b = torch.randn(2, 3, 40, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(slerp(a, b, 0.0), a)
    torch.testing.assert_close(slerp(a, b, 1.0), b)
    assert rms(slerp(a, b, 0.5)) == pytest.approx(rms(a), rel=0.05)
    angle = torch.acos((a * b).sum() / (a.norm() * b.norm()))
    quarter = torch.acos((a * slerp(a, b, 0.25)).sum() / (a.norm() * slerp(a, b, 0.25).norm()))
    assert float(quarter / angle) == pytest.approx(0.25, abs=0.01)
    assert torch.equal(slerp(a, a, 0.3), a)
    assert math.isfinite(rms(slerp(a, -a, 0.5)))
