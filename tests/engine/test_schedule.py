import itertools
import math

import numpy as np
import pytest
from diffusers import DDPMScheduler

from paintdiff.engine.schedule import (
    VE,
    Discrete,
    Flow,
    SubVP,
    VPCosine,
    VPLinear,
    diffusion_squared,
    discrete,
    drift,
    from_config,
    log_snr,
)

CONFIGS = (
    {"beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02},
    {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
    {"beta_schedule": "squaredcos_cap_v2"},
    {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "rescale_betas_zero_snr": True},
)
PRESERVING = (VPLinear(), VPCosine(), *(discrete(config) for config in CONFIGS))
SCHEDULES = (Flow(), SubVP(), VE(), *PRESERVING)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_goes_from_a_clean_picture_to_noise_without_turning_back(schedule) -> None:
    assert schedule.alpha(0.0) == 1
    assert schedule.sigma(0.0) == 0
    assert schedule.alpha(1.0) / schedule.sigma(1.0) < 0.1
    ratios = [log_snr(schedule, t) for t in np.linspace(0, 1, 257)]
    assert all(b < a for a, b in itertools.pairwise(ratios))


@pytest.mark.parametrize("schedule", PRESERVING)
def test_variance_preserving_schedules_preserve_variance(schedule) -> None:
    for t in np.linspace(0, 1, 33):
        assert schedule.alpha(t) ** 2 + schedule.sigma(t) ** 2 == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("schedule", [Flow(), VPCosine(), SCHEDULES[-1]])
def test_schedules_that_end_in_pure_noise_end_there_exactly(schedule) -> None:
    assert schedule.alpha(1.0) == 0
    assert log_snr(schedule, 1.0) == -math.inf
    assert log_snr(schedule, 0.0) == math.inf


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_rates_are_the_derivatives_of_alpha_and_sigma(schedule) -> None:
    h = 1e-7
    for t in (0.0123456, 0.2003, 0.5001234, 0.77777, 0.9912345):  # off the levels, where alpha has corners
        for value, rate in ((schedule.alpha, schedule.alpha_rate), (schedule.sigma, schedule.sigma_rate)):
            assert rate(t) == pytest.approx((value(t + h) - value(t - h)) / (2 * h), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("t", [1e-3, 0.4, 1.0])
def test_drift_and_diffusion_are_those_of_the_papers_equations(t) -> None:
    beta = 0.1 + t * 19.9
    log_alpha = -(0.1 * t + 9.95 * t * t) / 2
    assert drift(VPLinear(), t) == pytest.approx(-beta / 2)
    assert diffusion_squared(VPLinear(), t) == pytest.approx(beta)
    assert drift(SubVP(), t) == pytest.approx(-beta / 2)
    assert diffusion_squared(SubVP(), t) == pytest.approx(beta * -math.expm1(4 * log_alpha))
    assert drift(VE(0.01, 50), t) == 0
    exploding = 0.01 * 5000**t * math.sqrt(2 * math.log(5000))
    assert diffusion_squared(VE(0.01, 50), t) == pytest.approx(exploding**2)
    assert drift(Flow(), 0.5) == -2


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_rates_have_a_value_at_both_ends(schedule) -> None:
    for t in (0.0, 1.0):
        assert math.isfinite(schedule.alpha_rate(t))
        assert schedule.sigma_rate(t) > 0 or t == 1
    assert math.isfinite(schedule.sigma_rate(1.0))
    if schedule.alpha(1.0) == 0:
        assert drift(schedule, 1.0) == -math.inf
        assert diffusion_squared(schedule, 1.0) == math.inf


def test_at_a_level_the_rate_is_that_of_the_way_down() -> None:
    schedule = Discrete(np.array([0.9, 0.5]))
    assert schedule.alpha_rate(0.5) == pytest.approx(-0.2)
    assert schedule.alpha_rate(1.0) == pytest.approx(-0.8)
    assert schedule.alpha_rate(0.0) == pytest.approx(-0.2)
    many = discrete(CONFIGS[0])
    for level in range(1, 1000):
        expected = (many.alphas[level] - many.alphas[level - 1]) * 1000
        assert many.alpha_rate(many.time(level)) == pytest.approx(expected)


def test_linear_sub_vp_has_the_variance_of_its_papers_kernel() -> None:
    alpha = VPLinear().alpha(0.3)
    assert SubVP().alpha(0.3) == alpha
    assert SubVP().sigma(0.3) == pytest.approx(1 - alpha**2)


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
    assert from_config({"kind": "sub_vp", "beta_max": 10}) == SubVP(0.1, 10.0)
    assert from_config({"kind": "ve", "sigma_max": 50}) == VE(0.02, 50.0)
    assert from_config({"kind": "vp_cosine"}) == VPCosine()
    assert isinstance(from_config({"kind": "discrete", "num_train_timesteps": 10}), Discrete)
    with pytest.raises(ValueError, match="'warp' is not known"):
        from_config({"kind": "warp"})
    with pytest.raises(ValueError, match="'sigmoid' is not known"):
        from_config({"kind": "discrete", "beta_schedule": "sigmoid"})
    with pytest.raises(ValueError, match="must grow from above 0"):
        from_config({"kind": "ve", "sigma_min": 0})
