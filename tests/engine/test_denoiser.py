import pytest
import torch

from paintdiff.engine.conditions.guidance import ClassifierFree
from paintdiff.engine.denoiser import Clamped, Condition, NetworkDenoiser, Prediction
from paintdiff.engine.schedule import VE, Flow, SubVP, VPCosine, VPLinear
from paintdiff.generation.errors import UserError
from tests.engine.gaussian import gaussian_8d

X0 = torch.tensor([[0.3, -0.8, 0.1]], dtype=torch.float64)
EPS = torch.tensor([[1.2, 0.4, -0.7]], dtype=torch.float64)


def noisy(schedule, t: float) -> torch.Tensor:
    return schedule.alpha(t) * X0 + schedule.sigma(t) * EPS


@pytest.mark.parametrize("t", [0.0, 1e-3, 0.4, 1.0])
@pytest.mark.parametrize("predicts", ["eps", "v", "x0", "flow", "score"])
@pytest.mark.parametrize("schedule", [Flow(), VPLinear(), VPCosine(), SubVP(), VE()])
def test_every_kind_of_network_that_knows_the_answer_yields_the_picture_and_the_noise(schedule, predicts, t) -> None:
    alpha, sigma = schedule.alpha(t), schedule.sigma(t)
    score = EPS / -sigma if sigma > 0 else EPS  # any number will do where there is no noise
    answers = {"eps": EPS, "x0": X0, "flow": EPS - X0, "v": alpha * EPS - sigma * X0, "score": score}
    denoiser = NetworkDenoiser(lambda x_t, t, condition: answers[predicts], schedule, predicts)
    if predicts in ("eps", "score") and alpha == 0:
        with pytest.raises(UserError, match="begin at pure noise"):
            denoiser(noisy(schedule, t), t, Condition())
        return
    prediction = denoiser(noisy(schedule, t), t, Condition())
    torch.testing.assert_close(prediction.x0, X0, rtol=0, atol=1e-12)
    torch.testing.assert_close(prediction.eps, EPS if t > 0 else torch.zeros_like(EPS), rtol=0, atol=1e-9)


def test_the_score_is_the_gradient_of_the_log_density() -> None:
    data, t = gaussian_8d(VPLinear()), 0.4
    x_t = torch.randn(8, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    law = torch.distributions.Normal(data.schedule.alpha(t) * data.mean, data.deviation(t))
    (gradient,) = torch.autograd.grad(law.log_prob(x_t).sum(), x_t)
    torch.testing.assert_close(data(x_t.detach(), t, Condition()).score, gradient)


def test_a_learned_variance_passes_through_guidance_and_clamp() -> None:
    spread = torch.tensor([[-1.0, 0.0, 1.0]], dtype=torch.float64)
    told = torch.ones(1, 4, dtype=torch.bool)

    def network(x_t, t, condition):
        """The second of the batch, the negative prompt, has another spread, which must not be the one in the answer."""
        half = torch.cat([spread, -spread])[: len(x_t)]
        return torch.cat([X0.expand(len(x_t), 3) * 5, half], dim=1)

    for w in (1.0, 3.0):
        guided = ClassifierFree(NetworkDenoiser(network, Flow(), "x0"), w, Condition(torch.zeros(1, 4, 2), told))
        prediction = Clamped(guided)(noisy(Flow(), 0.5), 0.5, Condition(torch.ones(1, 4, 2), told))
        assert torch.equal(prediction.variance_mix, torch.tensor([[0.0, 0.5, 1.0]], dtype=torch.float64))
        assert prediction.x0.shape == X0.shape
    assert NetworkDenoiser(lambda x, t, c: X0, Flow(), "x0")(X0, 0.5, Condition()).variance_mix is None


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), float("-inf")])
def test_a_network_that_answers_with_no_number_is_reported_in_words(broken) -> None:
    out = X0.clone()
    out[0, 1] = broken
    denoiser = Clamped(NetworkDenoiser(lambda x_t, t, condition: out, Flow(), "x0"))
    with pytest.raises(UserError, match="not a number"):
        denoiser(noisy(Flow(), 0.5), 0.5, Condition())


def test_clamping_holds_the_picture_in_range_and_keeps_x_t_explained() -> None:
    x_t = noisy(Flow(), 0.5)
    prediction = Clamped(NetworkDenoiser(lambda x, t, c: X0 * 5, Flow(), "x0"))(x_t, 0.5, Condition())
    assert prediction.x0.abs().max() == 1
    torch.testing.assert_close(0.5 * prediction.x0 + 0.5 * prediction.eps, x_t)


def worded(x_t, t, condition) -> Prediction:
    """A denoiser whose picture is the mean of its text."""
    return Prediction(condition.text.mean((1, 2)).view(-1, 1).expand(len(x_t), 3), x_t, 0.5, 0.5)


@pytest.mark.parametrize(("w", "expected", "calls"), [(0.0, 2.0, 1), (1.0, 5.0, 1), (3.0, 11.0, 2), (0.5, 3.5, 2)])
def test_guidance_mixes_the_prompt_and_the_negative_prompt_linearly(w, expected, calls) -> None:
    seen = []

    def counted(x_t, t, condition) -> Prediction:
        seen.append(len(x_t))
        return worded(x_t, t, condition)

    told = torch.ones(1, 4, dtype=torch.bool)
    guided = ClassifierFree(counted, w, Condition(torch.full((1, 4, 2), 2.0), told))
    prediction = guided(torch.zeros(1, 3), 0.5, Condition(torch.full((1, 4, 2), 5.0), told))
    torch.testing.assert_close(prediction.x0, torch.full((1, 3), expected))
    assert prediction.x_t.shape == (1, 3)
    assert seen == [calls]


def test_guidance_follows_a_prompt_that_changes_under_way() -> None:
    told = torch.ones(1, 4, dtype=torch.bool)
    guided = ClassifierFree(worded, 2.0, Condition(torch.zeros(1, 4, 2), told))
    for level in (1.0, 3.0):
        prediction = guided(torch.zeros(1, 3), 0.5, Condition(torch.full((1, 4, 2), level), told))
        torch.testing.assert_close(prediction.x0, torch.full((1, 3), 2 * level))


def test_guidance_hands_mask_and_known_pixels_to_both_sides() -> None:
    seen = []

    def watched(x_t, t, condition) -> Prediction:
        seen.append(condition)
        return worded(x_t, t, condition)

    mask, known = torch.rand(1, 1, 2, 2), torch.rand(1, 3, 2, 2)
    text, told = torch.zeros(1, 4, 2), torch.ones(1, 4, dtype=torch.bool)
    ClassifierFree(watched, 2.0, Condition(text, told))(torch.zeros(1, 3), 0.5, Condition(text + 1, told, mask, known))
    assert torch.equal(seen[0].mask, torch.cat([mask, mask]))
    assert torch.equal(seen[0].known, torch.cat([known, known]))
    assert torch.equal(seen[0].text, torch.cat([text + 1, text]))
