import pytest
import torch
from torch import Tensor

from paintdiff.engine.conditions.constraint import All, Replacement
from paintdiff.engine.conditions.lanpaint import LanPaint, Oscillator
from paintdiff.engine.conditions.observation import Mask
from paintdiff.engine.conditions.range_null import always
from paintdiff.engine.denoiser import Condition
from paintdiff.engine.noise import Noise
from paintdiff.engine.plan import descending
from paintdiff.engine.run import run
from paintdiff.engine.samplers.sampler import State, make_sampler
from paintdiff.engine.schedule import Flow
from paintdiff.generation.cancel import CancelToken
from tests.engine.mixture import Mixture, mixture_8d

KEPT = torch.tensor([1.0, 1, 1, 1, 0, 0, 0, 0], dtype=torch.float64).view(1, 1, 1, 8)
ORIGINAL = torch.tensor([0.5, -0.2, 0.1, 0.7, 0, 0, 0, 0], dtype=torch.float64).view(1, 1, 1, 8)


def gaussian() -> Mixture:
    return mixture_8d(Flow()).of_class(1)


def silence(step: int, part: int = 0) -> Tensor:
    return torch.zeros(1, 1, 1, 8, dtype=torch.float64)


@pytest.mark.parametrize("friction", [0.5, 4.0, 50.0, 1000.0])
@pytest.mark.parametrize("step", [0.05, 0.5, 4.0])
def test_the_moves_leave_a_rest_at_rest(friction, step) -> None:
    noise = torch.randn(4, 400_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x, v = Oscillator(0.3, step, friction).half(0.3 * noise[0], noise[1], noise[2], noise[3])
    assert float(x.std()) == pytest.approx(0.3, rel=0.01)
    assert float(v.std()) == pytest.approx(1, rel=0.01)
    assert float((x * v).mean()) == pytest.approx(0, abs=0.002)


def test_a_half_move_follows_the_oscillators_equation() -> None:
    """Without noise, against ten thousand small steps of dz = f v ds, dv = -(f z + f² v) ds."""
    deviation, step, friction = 0.5, 1.2, 3.0
    start = torch.tensor([0.8, -0.4, 0.0], dtype=torch.float64)
    ends = Oscillator(deviation, step, friction).half(start[0], start[1], start[2], start[2])
    z, v, f, ds = 0.8 / deviation, -0.4, friction**0.5, step / 2 / 10_000
    for _ in range(10_000):
        z, v = z + f * v * ds, v - (f * z + friction * v) * ds
    assert [float(end) for end in ends] == pytest.approx([z * deviation, v], abs=1e-3)


@pytest.mark.parametrize("w", [0.0, 2.0, 8.0])
def test_without_noise_the_moves_end_where_the_guided_score_is_zero(w) -> None:
    """-(1 + w) (y_t - alpha y) / sigma² - w score_y in the known part, the network's score in the other."""
    data, t = gaussian(), 0.6
    alpha, sigma = Flow().alpha(t), Flow().sigma(t)
    lanpaint = LanPaint(always(Mask(KEPT), ORIGINAL), silence, Flow(), steps=400, w=w)
    x_t = lanpaint.on_state(State(torch.ones_like(ORIGINAL), t), data).x_t
    score = data(x_t, t).score
    known = -(1 + w) * (x_t - alpha * ORIGINAL) / sigma**2 - w * score
    assert float((known * KEPT).abs().max()) < 1e-6
    assert float((score * (1 - KEPT)).abs().max()) < 1e-6


def test_a_multistep_sampler_does_not_take_the_moves_for_progress() -> None:
    """Its memory is of another x_t; so that DPM++ 2M walks on as DDIM, its first order, does."""
    data, noise, times = gaussian(), Noise(0, (5, 1, 1, 8), dtype=torch.float64), descending(1.0, 8)
    ends = []
    for name in ("ddim", "dpmpp_2m"):
        keep = Replacement(ORIGINAL, 1 - KEPT, noise(0), Flow())
        constraint = All([keep, LanPaint(always(Mask(KEPT), ORIGINAL), noise, Flow(), steps=2)])
        sampler = make_sampler(name, Flow(), noise, 0.0)
        *_, last = run(State(noise(0), 1.0), times[1:], sampler, data, Condition(), constraint, CancelToken())
        ends.append(last.x_t)
    torch.testing.assert_close(ends[0], ends[1])


def test_nothing_known_pure_noise_and_a_clean_picture_ask_for_no_moves() -> None:
    def never(x_t: Tensor, t: float):
        raise AssertionError("asked")

    state = torch.ones_like(ORIGINAL)
    for kept, t in ((torch.zeros_like(KEPT), 0.5), (KEPT, 1.0), (KEPT, 0.0)):
        lanpaint = LanPaint(always(Mask(kept), ORIGINAL), silence, Flow(), steps=3)
        assert torch.equal(lanpaint.on_state(State(state, t), never).x_t, state)
