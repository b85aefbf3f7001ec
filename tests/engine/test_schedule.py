import itertools
import math

import numpy as np
import pytest
from diffusers import DDPMScheduler

from paintdiff.engine.schedule import Discrete, Flow, VPCosine, VPLinear, discrete, from_config, log_snr

CONFIGS = (
    {"beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02},
    {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
    {"beta_schedule": "squaredcos_cap_v2"},
    {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "rescale_betas_zero_snr": True},
)
SCHEDULES = (Flow(), VPLinear(), VPCosine(), *(discrete(config) for config in CONFIGS))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_goes_from_a_clean_picture_to_noise_without_turning_back(schedule) -> None:
    assert schedule.alpha(0.0) == 1
    assert schedule.sigma(0.0) == 0
    assert schedule.alpha(1.0) < 0.1
    assert schedule.sigma(1.0) == pytest.approx(1, abs=0.01)
    ratios = [log_snr(schedule, t) for t in np.linspace(0, 1, 257)]
    assert all(b < a for a, b in itertools.pairwise(ratios))


@pytest.mark.parametrize("schedule", [s for s in SCHEDULES if not isinstance(s, Flow)])
def test_variance_preserving_schedules_preserve_variance(schedule) -> None:
    for t in np.linspace(0, 1, 33):
        assert schedule.alpha(t) ** 2 + schedule.sigma(t) ** 2 == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("schedule", [Flow(), VPCosine(), SCHEDULES[-1]])
def test_schedules_that_end_in_pure_noise_end_there_exactly(schedule) -> None:
    assert schedule.alpha(1.0) == 0
    assert log_snr(schedule, 1.0) == -math.inf
    assert log_snr(schedule, 0.0) == math.inf


@pytest.mark.parametrize("config", CONFIGS)
def test_a_checkpoints_levels_are_those_of_diffusers(config) -> None:
    ours, theirs = discrete(config), DDPMScheduler(**config)
    expected = theirs.alphas_cumprod.double().numpy()
    levels = [ours.alpha(ours.time(i)) ** 2 for i in range(1000)]
    np.testing.assert_allclose(levels, expected, rtol=2e-4, atol=1e-7)  # theirs are float32 products
    assert ours.level(ours.time(437)) == pytest.approx(437, abs=1e-9)


def test_between_levels_alpha_is_linear() -> None:
    schedule = Discrete(np.array([0.9, 0.5]))
    assert schedule.alpha(0.25) == pytest.approx(0.95)
    assert schedule.alpha(0.75) == pytest.approx(0.7)


def test_linear_vp_matches_the_integral_of_its_beta() -> None:
    schedule, t = VPLinear(0.1, 20.0), 0.37
    grid = np.linspace(0, t, 100_001)
    integral = np.trapezoid(0.1 + grid * 19.9, grid)
    assert schedule.alpha(t) == pytest.approx(math.exp(-integral / 2), rel=1e-9)


def test_a_config_names_its_schedule() -> None:
    assert from_config({"kind": "flow"}) == Flow()
    assert from_config({"kind": "vp_linear", "beta_max": 10}) == VPLinear(0.1, 10.0)
    assert from_config({"kind": "vp_cosine"}) == VPCosine()
    assert isinstance(from_config({"kind": "discrete", "num_train_timesteps": 10}), Discrete)
    with pytest.raises(ValueError, match="'warp' is not known"):
        from_config({"kind": "warp"})
    with pytest.raises(ValueError, match="'sigmoid' is not known"):
        from_config({"kind": "discrete", "beta_schedule": "sigmoid"})
