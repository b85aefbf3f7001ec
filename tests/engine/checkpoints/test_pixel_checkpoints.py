"""Checkpoints that diffuse pixels: unconditional, by class, and score-SDE (VE), beside plain loops of diffusers."""

from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, ScoreSdeVeScheduler, UNet2DModel
from torch import Tensor

from paintdiff.engine.conditions.constraint import Free
from paintdiff.engine.conditions.guidance import ClassifierFree
from paintdiff.engine.denoiser import Condition, NetworkDenoiser
from paintdiff.engine.model import Model, load_model
from paintdiff.engine.noise import Noise
from paintdiff.engine.run import run
from paintdiff.engine.samplers.sampler import Sampler, make_sampler
from paintdiff.engine.state import State
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.errors import UserError
from tests.tiny_checkpoints import SIDE, tiny_pixel_unet, tiny_score_sde

NAMES = {"0": "tabby, tabby cat", "1": "beagle", "2": "goldfish"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("checkpoints")
    return {
        "unconditional": tiny_pixel_unet(root / "unconditional"),
        "classes": tiny_pixel_unet(root / "classes", 4, NAMES),  # and one class more, which stands for none
        "numbered": tiny_pixel_unet(root / "numbered", 4),
        "exploding": tiny_score_sde(root / "exploding"),
    }


def opened(folder: Path) -> Model:
    return load_model(str(folder), "cpu", torch.float32)


def unet(folder: Path) -> UNet2DModel:
    return UNet2DModel.from_pretrained(folder, subfolder="unet")


def close(a: Tensor, b: Tensor) -> bool:
    return bool((a - b).abs().max() < 2e-4 * b.abs().max())


def sampled(
    model: Model, sampler: Sampler, condition: Condition, x_t: Tensor, times: list[float], w: float = 1
) -> Tensor:
    denoiser = NetworkDenoiser(model.network, model.schedule, model.predicts)
    guided = ClassifierFree(denoiser, w, model.encode_text(""))
    with torch.no_grad():
        states = run(State(x_t, times[0]), times[1:], sampler, guided, condition, Free(), CancelToken())
        return list(states)[-1].x_t


@pytest.mark.parametrize("folder", ["unconditional", "classes"])
def test_ancestral_sampling_is_the_plain_loop_of_diffusers(folders, folder) -> None:
    model, steps = opened(folders[folder]), 10
    draw = Noise(1, model.space.shape)
    scheduler = DDPMScheduler(clip_sample=False, timestep_spacing="trailing")
    scheduler.set_timesteps(steps)
    network, label = unet(folders[folder]), torch.tensor([1]) if folder == "classes" else None
    expected = draw(0)
    with torch.no_grad():
        for i, level in enumerate(scheduler.timesteps):
            eps = network(expected, level, label).sample
            # their noise is drawn inside: take the mean, and add ours
            mean = scheduler.step(eps, level, expected, generator=torch.Generator().manual_seed(0)).prev_sample
            noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(0))
            deviation = scheduler._get_variance(level) ** 0.5 if level > 0 else 0
            last = scheduler.previous_timestep(level) < 0
            expected = mean - deviation * noise + (0 if last else deviation * draw(i + 1))
    condition = model.encode_text("beagle" if folder == "classes" else "")
    times = [(steps - i) / steps for i in range(steps + 1)]
    assert close(sampled(model, make_sampler("ddpm", model.schedule, draw, 0.0), condition, draw(0), times), expected)


def test_guidance_leans_from_no_class_to_the_class_as_a_plain_loop_does(folders) -> None:
    model, steps, w = opened(folders["classes"]), 10, 3.0
    scheduler = DDIMScheduler(clip_sample=False, timestep_spacing="trailing")
    scheduler.set_timesteps(steps)
    network, noise = unet(folders["classes"]), Noise(1, model.space.shape)
    expected = noise(0)
    with torch.no_grad():
        for level in scheduler.timesteps:
            eps, eps_null = network(torch.cat([expected] * 2), level, torch.tensor([2, 3])).sample.chunk(2)
            expected = scheduler.step(eps_null + w * (eps - eps_null), level, expected).prev_sample
    times = [(steps - i) / steps for i in range(steps + 1)]
    sampler = make_sampler("ddim", model.schedule, noise, 0.0)
    assert close(sampled(model, sampler, model.encode_text("Goldfish"), noise(0), times, w), expected)


def test_a_variance_exploding_network_gives_the_score_of_our_wider_pictures(folders) -> None:
    model, network = opened(folders["exploding"]), unet(folders["exploding"])
    assert model.schedule.sigma(1.0) == pytest.approx(2 * 50.0)
    assert model.schedule.sigma(0.5) == pytest.approx(2 * (0.01 * 50.0) ** 0.5)
    x_t = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    denoiser = NetworkDenoiser(model.network, model.schedule, model.predicts)
    with torch.no_grad():
        x0 = denoiser(x_t, 0.5, model.encode_text("")).x0
        sigma = torch.tensor((0.01 * 50.0) ** 0.5)
        score = network((x_t + 1) / 2, sigma).sample  # of pictures in [0, 1]
    expected = (x_t + 1) / 2 + sigma**2 * score  # Tweedie's formula on their scale
    assert close((x0 + 1) / 2, expected)


def test_a_predictor_step_of_the_exploding_sde_has_the_mean_of_diffusers(folders) -> None:
    """Their reverse-diffusion step from one of N levels to the next, on pictures in [0, 1], is ours in mean."""
    model, levels = opened(folders["exploding"]), 50
    scheduler = ScoreSdeVeScheduler(num_train_timesteps=levels, sigma_max=50.0)
    scheduler.set_timesteps(levels)
    scheduler.set_sigmas(levels)
    x_t = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    sigma, lower = scheduler.discrete_sigmas[20], scheduler.discrete_sigmas[19]
    t = 20 / (levels - 1)
    with torch.no_grad():
        prediction = NetworkDenoiser(model.network, model.schedule, model.predicts)(
            x_t, t, model.encode_text("")
        )
        score = unet(folders["exploding"])((x_t + 1) / 2, sigma).sample
        theirs = scheduler.step_pred(score, scheduler.timesteps[levels - 1 - 20], (x_t + 1) / 2).prev_sample_mean
    ours = x_t + ((2 * sigma) ** 2 - (2 * lower) ** 2) * prediction.score
    assert close((ours + 1) / 2, theirs)


def test_the_prompt_of_a_class_model_is_a_class_by_name_or_number(folders) -> None:
    words = opened(folders["classes"]).encode_text
    assert torch.equal(words("beagle").text, words("1").text)
    assert torch.equal(words(" Tabby  CAT ").text, words("tabby, tabby cat").text)
    assert torch.equal(words("").text, words("3").text), "the class without a name stands for none"
    assert not torch.equal(words("beagle").text, words("goldfish").text)
    for wrong in ("4", "-1", "unicorn", "1.0", "9" * 400, "²"):
        with pytest.raises(UserError, match="4 classes"):
            words(wrong)


def test_without_a_class_for_none_the_empty_prompt_is_the_mean_of_all(folders) -> None:
    words = opened(folders["numbered"]).encode_text
    mean = torch.stack([words(str(i)).text for i in range(4)]).mean(dim=0)
    torch.testing.assert_close(words("").text, mean)


def test_an_unconditional_model_reads_no_prompt(folders) -> None:
    model = opened(folders["unconditional"])
    assert (model.info.text, model.info.labels) == (False, 0)
    assert model.encode_text("a red apple").text.shape[1] == 0
    assert opened(folders["classes"]).info.labels == 4
