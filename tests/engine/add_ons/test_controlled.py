"""What a run is shown besides its prompt, through the whole engine: in every mode, window, sampler and mask method."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from paintdiff.engine.add_ons.controlled import Besides, Controlled, control_maps
from paintdiff.engine.denoiser import Condition, Prediction
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.tasks.task import make_task
from paintdiff.engine.tasks.tiling import Tiled
from paintdiff.generation.add_ons import AddOns
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.controls import FILE, LAYER, Control, ImagePrompt
from paintdiff.generation.errors import UserError
from paintdiff.generation.modes import MODES
from paintdiff.generation.placing import ALL as ALL_ON_IT
from paintdiff.generation.placing import GROUP, SEQUENTIAL, TILED, Placing
from paintdiff.generation.request import Request
from paintdiff.generation.result import Result
from paintdiff.generation.sampling import ADAPTIVE, LANPAINT, RANGE_NULL
from paintdiff.image.blending import over
from paintdiff.image.geometry import Rect
from tests.engine.checkpoints.test_latent_engine import request as plain_request
from tests.tiny_checkpoints import tiny_stable_diffusion
from tests.tiny_controls import tiny_controlnet, tiny_ip_adapter


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("led")
    base = tiny_stable_diffusion(root / "base")
    return {
        "base": base, "inpaint": tiny_stable_diffusion(root / "inpaint", mask_channels=True),
        "canny": tiny_controlnet(root / "canny", base), "other": tiny_controlnet(root / "other", base, seed=17),
        "adapter": tiny_ip_adapter(root / "ip", base),
    }  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> DiffusionEngine:
    return DiffusionEngine()


def noise(height: int, width: int, seed: int = 5) -> np.ndarray:
    """(height, width, 4) uint8, opaque."""
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    picture[..., 3] = 255
    return picture


def led(asked: Request, made: dict[str, Path], weight: float = 1.0) -> Request:
    """`asked` with a ControlNet on the frame, another on a picture, and an image prompt."""
    given = Control(str(made["other"]), "other", weight, source=FILE + "map.png", picture=noise(*asked.frame.shape))
    prompt = ImagePrompt(str(made["adapter"]), FILE + "look.png", "", weight, noise(20, 30), "look")
    add_ons = AddOns(controls=(Control(str(made["canny"]), "canny", weight), given), image_prompt=prompt)
    return replace(asked, add_ons=add_ons)


def generated(engine: DiffusionEngine, asked: Request) -> Result:
    return engine.generate(asked, lambda _progress: None, CancelToken())


def patch(engine: DiffusionEngine, asked: Request) -> np.ndarray:
    result = generated(engine, asked)
    kept, made = asked.change_map == 0, result.candidates[0].patch
    assert np.array_equal(over(asked.picture, made)[kept], asked.picture[kept])
    return made


QUICK = (("base", "inpaint"), ("base", "upscale"), ("inpaint", "inpaint"))
ALL = [(model, mode) for model in ("base", "inpaint") for mode in MODES]


@pytest.mark.parametrize(
    ("model", "mode"), [pytest.param(*each, marks=() if each in QUICK else pytest.mark.slow) for each in ALL]
)
def test_every_mode_can_be_led_and_weight_0_is_none_to_the_byte(engine, made, model, mode) -> None:
    asked = plain_request(str(made[model]), mode, 40, 56, strength=0.7 if mode == "renoise" else 1.0)
    plain = patch(engine, asked)
    assert not np.array_equal(patch(engine, led(asked, made)), plain)
    assert np.array_equal(patch(engine, led(asked, made, weight=0.0)), plain)


@pytest.mark.parametrize("setting", [
    {"sampler": "heun"}, {"method": LANPAINT}, {"guidance": 0.0, "then": "blue"},
    *(pytest.param(each, marks=pytest.mark.slow) for each in (
        {"sampler": "ddpm"}, {"sampler": ADAPTIVE, "tolerance": 0.1}, {"method": RANGE_NULL}, {"guidance": 1.0},
        {"guidance_rescale": 0.5},
    )),
])  # fmt: skip
def test_every_sampler_mask_method_and_guidance_can_be_led(engine, made, setting) -> None:
    asked = plain_request(str(made["base"]), **setting)
    assert not np.array_equal(patch(engine, led(asked, made)), patch(engine, asked))


@pytest.mark.slow
def test_a_picture_larger_than_the_model_is_led_window_by_window(engine, made) -> None:
    """Adding detail cuts windows out of one picture, and the maps with them."""
    asked = plain_request(str(made["base"]), "upscale", 64, 96)
    assert not np.array_equal(patch(engine, led(asked, made)), patch(engine, asked))


def test_a_frame_of_several_windows_cuts_the_pictures_of_its_controls(engine, made) -> None:
    asked = plain_request(str(made["base"]), "inpaint", 32, 80)
    change_map = np.zeros((32, 80), np.uint8)
    change_map[8:24, 8:24] = change_map[8:24, 56:72] = 255
    asked = replace(asked, change_map=change_map, windows=(Rect(0, 0, 32, 32), Rect(48, 0, 32, 32)))
    plain, found = patch(engine, asked), patch(engine, led(asked, made))
    for left in (8, 56):
        assert not np.array_equal(found[8:24, left : left + 16], plain[8:24, left : left + 16])


def test_without_a_prompt_the_picture_alone_is_guided_towards(engine, made) -> None:
    """Both sides of guidance say the same words, but only one looks at the picture."""
    asked = plain_request(str(made["base"]), prompt="", negative="")
    looking = replace(led(asked, made), add_ons=replace(led(asked, made).add_ons, controls=()))
    weak, strong = (replace(looking, sampling=replace(looking.sampling, guidance=w)) for w in (1.0, 6.0))
    assert not np.array_equal(patch(engine, weak), patch(engine, strong))


def test_what_a_job_was_led_by_is_gone_in_the_next(engine, made) -> None:
    asked = plain_request(str(made["base"]))
    before = patch(engine, asked)
    patch(engine, led(asked, made))
    assert np.array_equal(patch(engine, asked), before)


def test_a_model_that_cannot_be_led_says_so_and_the_next_job_works(engine, made) -> None:
    asked = plain_request("first-light")
    with pytest.raises(UserError, match="takes no ControlNets"):
        generated(engine, led(asked, made))
    assert generated(engine, asked).candidates


@pytest.mark.slow
@pytest.mark.parametrize("memory", [TILED, GROUP, SEQUENTIAL])
def test_a_model_low_on_the_memory_ladder_is_led_to_the_same_picture(engine, made, memory) -> None:
    asked = led(plain_request(str(made["base"])), made)
    above, below = (replace(asked, placing=Placing(rung, "float32")) for rung in (ALL_ON_IT, memory))
    assert np.array_equal(patch(engine, below), patch(engine, above))


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bfloat16", "float8"])
def test_half_and_eight_bits_are_close_to_whole_numbers(engine, made, precision) -> None:
    asked = led(plain_request(str(made["base"])), made)
    whole, less = (replace(asked, placing=Placing(ALL_ON_IT, each)) for each in ("float32", precision))
    assert np.abs(patch(engine, whole).astype(int) - patch(engine, less)).mean() < 8


def test_maps_are_as_large_as_the_models_picture_and_one_after_the_other(made) -> None:
    asked = led(plain_request(str(made["base"]), "inpaint", 40, 56), made)
    maps = control_maps(asked.add_ons.controls, asked, make_task(asked, 32))
    assert maps.shape == (1, 6, 32, 32)
    assert set(maps[:, :3].unique().tolist()) <= {0.0, 1.0}
    inner = maps[0, 3:, 4:27].permute(1, 2, 0) * 255  # 40 x 56 pixels shown as 23 x 32
    assert abs(float(inner.mean()) - noise(40, 56)[..., :3].mean()) < 4


def test_an_inpaint_map_hides_what_the_mask_covers(made) -> None:
    asked = plain_request(str(made["base"]), "inpaint", 32, 32)
    maps = control_maps([Control(str(made["canny"]), "inpaint")], asked, make_task(asked, 32))
    hidden = (maps[0] == -1).all(dim=0).numpy()
    assert np.array_equal(hidden, asked.change_map > 0)


def test_a_layer_of_strokes_is_shown_as_strokes(made) -> None:
    strokes = np.zeros((32, 32, 4), np.uint8)
    strokes[10:14] = (250, 250, 250, 255)
    asked = plain_request(str(made["base"]), "inpaint", 32, 32)
    control = Control(str(made["canny"]), "scribble", source=LAYER + "Sketch", picture=strokes)
    maps = control_maps([control], asked, make_task(asked, 32))
    assert np.array_equal(maps[0, 0].numpy() == 1, strokes[..., 3] == 255)


def test_each_control_counts_only_in_its_own_part_of_the_way() -> None:
    controls = Control("a", "canny", 0.5, 0.0, 0.4), Control("b", "canny", 0.8, 0.4, 1.0), Control("c", "tile", 0.0)
    besides = Besides(controls, torch.zeros(1, 9, 8, 8))
    for t, expected in [(0.6, [0.5, 0, 0]), (0.37, [0.5, 0, 0]), (0.36, [0, 0.8, 0]), (0.0, [0, 0.8, 0])]:
        assert besides.weights(t, 0.6)[0].tolist() == pytest.approx(expected), t


def test_outside_of_every_part_nothing_is_shown() -> None:
    seen: list[Condition] = []

    def denoiser(x_t: Tensor, t: float, condition: Condition) -> Prediction:
        seen.append(condition)
        return Prediction(x_t, x_t, 1.0, 0.0)

    besides = Besides((Control("a", "canny", 1.0, 0.5, 1.0),), torch.zeros(1, 3, 8, 8))
    for t in (0.9, 0.1):
        Controlled(denoiser, besides, 1.0)(torch.zeros(1, 4, 2, 2), t, Condition())
    assert seen[0].control is None
    assert seen[1].control is besides.control


def test_windows_of_a_large_picture_see_their_own_part_of_the_map() -> None:
    """A network that answers with the mean of the map in each cell, in windows, gives that of the whole."""
    control = torch.rand(1, 3, 48, 80, generator=torch.Generator().manual_seed(1))

    def network(x_t: Tensor, t: float, condition: Condition) -> Tensor:
        assert condition.control is not None
        return torch.nn.functional.avg_pool2d(condition.control.mean(dim=1, keepdim=True), 4).expand_as(x_t)

    x_t = torch.zeros(2, 4, 12, 20)
    whole = network(x_t, 0.5, Condition(control=control))
    torch.testing.assert_close(Tiled(network, 8)(x_t, 0.5, Condition(control=control)), whole)
