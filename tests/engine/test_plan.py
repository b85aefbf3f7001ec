import itertools

import pytest
import torch

from paintdiff.engine.noise import Noise
from paintdiff.engine.plan import Renoise, descending, even_in_log_snr, spaced, travelling
from paintdiff.engine.samplers.sampler import State
from paintdiff.engine.schedule import VE, Flow, SubVP, VPCosine, VPLinear, discrete, log_snr

SCHEDULES = (Flow(), VPLinear(), VPCosine(), SubVP(), VE(), discrete({"rescale_betas_zero_snr": True}))


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("spacing", ["time", "log_snr"])
@pytest.mark.parametrize("start", [1.0, 0.7, 0.01, 1e-4, 1e-6])
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 50])
def test_a_plan_of_any_spacing_takes_its_steps_from_its_start_to_a_clean_picture(
    schedule, spacing, start, steps
) -> None:
    times = spaced(schedule, start, steps, spacing)
    assert len(times) == steps + 1
    assert times[0] == start
    assert times[-1] == 0
    assert all(t > s for t, s in itertools.pairwise(times))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_steps_even_in_log_snr_are_that_between_the_first_and_the_last(schedule) -> None:
    times = spaced(schedule, 1.0, 12, "log_snr")
    distances = [log_snr(schedule, s) - log_snr(schedule, t) for t, s in itertools.pairwise(times[1:-1])]
    assert distances == pytest.approx([distances[0]] * 10, rel=1e-6)
    assert times != descending(1.0, 12)


def test_a_grid_in_log_snr_reaches_from_end_to_end() -> None:
    schedule = VPLinear()
    times = even_in_log_snr(schedule, -8.0, 6.0, 7)
    assert [log_snr(schedule, t) for t in times] == pytest.approx([-8, -6, -4, -2, 0, 2, 4, 6])


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(("s", "t"), [(0.0, 0.4), (0.2, 0.5), (0.5, 1.0)])
def test_going_back_in_time_gives_the_noise_of_the_earlier_time(schedule, s, t) -> None:
    """Of one picture and much noise: mean and deviation of x_t, whatever the way there."""
    count = 20_000
    start = Noise(0, (count,), dtype=torch.float64)(0) * schedule.sigma(s) + schedule.alpha(s) * 0.5
    state = Renoise(schedule, Noise(1, (count,), dtype=torch.float64))(State(start, s, 3, start, 0.9), t)
    assert (state.t, state.step, state.x0) == (t, 4, None)
    error = 4.5 * schedule.sigma(t) / count**0.5
    assert float(state.x_t.mean()) == pytest.approx(schedule.alpha(t) * 0.5, abs=error)
    assert float(state.x_t.std()) == pytest.approx(schedule.sigma(t), abs=error)


@pytest.mark.parametrize(
    ("steps", "length", "repeats", "walk"),
    [
        (6, 2, 2, "6 5 4 3 2 4 3 2 1 0 2 1 0"),
        (5, 2, 3, "5 4 3 2 4 3 2 4 3 2 1 0 2 1 0 2 1 0"),
        (4, 9, 2, "4 3 2 1 0 2 1 0"),
        (4, 2, 1, "4 3 2 1 0"),
        (1, 4, 5, "1 0"),
    ],
)
def test_a_plan_that_travels_walks_each_stretch_but_the_first_again(steps, length, repeats, walk) -> None:
    times = [float(t) for t in range(steps, -1, -1)]
    assert travelling(times, length, repeats) == tuple(float(t) for t in walk.split())
