import math

import pytest
import torch

from paintdiff.engine.noise import Noise, Varied

SHAPE = (1, 3, 100, 100)
OWN, OTHER = Noise(1, SHAPE), Noise(2, SHAPE)


@pytest.mark.parametrize("step", [0, 7])
@pytest.mark.parametrize("part", [0, 2])
def test_at_0_it_is_the_seed_s_own_noise_and_at_1_the_other_s(step, part) -> None:
    assert torch.equal(Varied(OWN, OTHER, 0.0)(step, part), OWN(step, part))
    assert torch.equal(Varied(OWN, OTHER, 1.0)(step, part), OTHER(step, part))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_between_it_is_standard_normal_again_and_as_near_to_the_seed_s_as_the_angle_says(share) -> None:
    own, turned = OWN(3), Varied(OWN, OTHER, share)(3)
    assert float(turned.mean()) == pytest.approx(0, abs=0.02)
    assert float(turned.var()) == pytest.approx(1, abs=0.03)  # 30,000 numbers; a straight line would give 0.5 halfway
    assert float((own * turned).mean()) == pytest.approx(math.cos(share * math.pi / 2), abs=0.03)


def test_the_weights_lie_on_a_circle_so_that_the_variance_is_exactly_1() -> None:
    for share in (0.25, 0.5, 0.8):
        turned = Varied(OWN, OTHER, share)(3).double()
        a, b = OWN(3).double().flatten(), OTHER(3).double().flatten()
        weights = torch.linalg.lstsq(torch.stack([a, b], 1), turned.flatten()[:, None]).solution.flatten()
        assert float(weights.square().sum()) == pytest.approx(1, abs=1e-6)


def test_noise_turned_to_itself_stays_as_it_is() -> None:
    assert torch.equal(Varied(OWN, Noise(1, SHAPE), 0.5)(3), OWN(3))
