"""ControlNets: our latents beside those of diffusers' pipelines at equal noise, and what is refused before a run."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from diffusers import (
    ControlNetModel,
    StableDiffusionControlNetImg2ImgPipeline,
    StableDiffusionControlNetInpaintPipeline,
    StableDiffusionControlNetPipeline,
    StableDiffusionXLControlNetImg2ImgPipeline,
    StableDiffusionXLControlNetInpaintPipeline,
    StableDiffusionXLControlNetPipeline,
)
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel
from diffusers.pipelines.controlnet import pipeline_controlnet_inpaint, pipeline_controlnet_inpaint_sd_xl
from safetensors.torch import load_file, save_file
from torch import Tensor

from paintdiff.engine.add_ons.controlled import Besides, Controlled
from paintdiff.engine.add_ons.controlnet import ControlNets
from paintdiff.engine.conditions.constraint import All, Constraint, Free, Replacement, Told
from paintdiff.engine.conditions.guidance import ClassifierFree
from paintdiff.engine.conditions.masked_picture import MaskedPicture
from paintdiff.engine.denoiser import NetworkDenoiser
from paintdiff.engine.model import Model, load_model
from paintdiff.engine.noise import Noise
from paintdiff.engine.run import run
from paintdiff.engine.samplers.sampler import State, make_sampler
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.controls import FILE, Control
from paintdiff.generation.errors import UserError
from tests.engine.side_by_side import (
    NEGATIVE,
    PROMPT,
    STEPS,
    TRAILING,
    W,
    aligned_mask,
    as_pil,
    close,
    evenly,
    opened,
    picture,
    theirs,
)
from tests.tiny_checkpoints import tiny_stable_diffusion, tiny_stable_diffusion_xl
from tests.tiny_controls import tiny_controlnet

TEXT = {"1": StableDiffusionControlNetPipeline, "xl": StableDiffusionXLControlNetPipeline}
IMAGE = {"1": StableDiffusionControlNetImg2ImgPipeline, "xl": StableDiffusionXLControlNetImg2ImgPipeline}
INPAINT = {"1": StableDiffusionControlNetInpaintPipeline, "xl": StableDiffusionXLControlNetInpaintPipeline}
MODULES = {"1": pipeline_controlnet_inpaint, "xl": pipeline_controlnet_inpaint_sd_xl}
FILE_NAME = "diffusion_pytorch_model.safetensors"
families = pytest.mark.parametrize("family", ["1", pytest.param("xl", marks=pytest.mark.slow)])


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("controlled")
    base = tiny_stable_diffusion(root / "base", scheduler=TRAILING)
    base_xl = tiny_stable_diffusion_xl(root / "base xl", scheduler=TRAILING)
    return {
        "1": base,
        "inpaint 1": tiny_stable_diffusion(root / "inpaint", mask_channels=True, scheduler=TRAILING),
        "canny 1": tiny_controlnet(root / "canny", base),
        "depth 1": tiny_controlnet(root / "depth", base, seed=17),
        "xl": base_xl,
        "inpaint xl": tiny_stable_diffusion_xl(root / "inpaint xl", mask_channels=True, scheduler=TRAILING),
        "canny xl": tiny_controlnet(root / "canny xl", base_xl),
    }


@pytest.fixture(autouse=True)
def _posterior_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Theirs draws a sample of the autoencoder's posterior, ours takes the mode: hand theirs the mode too."""
    monkeypatch.setattr(DiagonalGaussianDistribution, "sample", lambda self, generator=None: self.mode())


def control(folder: Path, weight: float = 1.0, start: float = 0.0, until: float = 1.0) -> Control:
    return Control(str(folder), "other", weight, start, until, FILE + "map.png")


def maps(count: int = 1) -> Tensor:
    """(1, 3 `count`, 32, 32) in [0, 1]."""
    return torch.rand((1, 3 * count, 32, 32), generator=torch.Generator().manual_seed(4))


def controlled(folder: Path, controls: Sequence[Control]) -> Model:
    return ControlNets().on(opened(folder), controls)


def ours(
    model: Model, besides: Besides, x_t: Tensor, times: list[float], constraint: Constraint | None = None,
    start: float | None = None,
) -> Tensor:  # fmt: skip
    """A deterministic run of the engine's own pieces, which began at `start`."""
    denoiser = ClassifierFree(
        NetworkDenoiser(model.network, model.schedule, model.predicts), W, model.encode_text(NEGATIVE)
    )
    shown = Controlled(denoiser, besides, start or times[0])
    sampler = make_sampler("ddim", model.schedule, Noise(0, model.space.shape), 0.0)
    with torch.no_grad():
        *_, last = run(
            State(x_t, times[0]), times[1:], sampler, shown, model.encode_text(PROMPT), constraint or Free(),
            CancelToken(),
        )  # fmt: skip
    return last.x_t


def with_networks(kind, folder: Path, networks: Sequence[Path]):
    loaded = [ControlNetModel.from_pretrained(each) for each in networks]
    return theirs(kind, folder, controlnet=loaded[0] if len(loaded) == 1 else MultiControlNetModel(loaded))


def their_words() -> dict:
    return {
        "prompt": PROMPT, "negative_prompt": NEGATIVE, "guidance_scale": W, "num_inference_steps": STEPS,
        "output_type": "latent",
    }  # fmt: skip


@pytest.mark.parametrize("family", ["1", "xl"])
@pytest.mark.parametrize(
    ("weight", "start", "until"), [(1.5, 0.3, 0.8), pytest.param(0.6, 0.0, 0.1, marks=pytest.mark.slow)]
)
def test_text_to_image_with_a_controlnet_is_that_of_diffusers(folders, family, weight, start, until) -> None:
    canny = folders[f"canny {family}"]
    model = controlled(folders[family], [asked := control(canny, weight, start, until)])
    noise = Noise(3, model.space.shape)(0)
    expected = with_networks(TEXT[family], folders[family], [canny])(
        image=maps(), latents=noise, controlnet_conditioning_scale=weight, control_guidance_start=start,
        control_guidance_end=until, height=32, width=32, **their_words(),
    ).images  # fmt: skip
    assert close(ours(model, Besides((asked,), maps()), noise, evenly()), expected)
    assert not close(ours(model, Besides(), noise, evenly()), expected)


def test_several_controlnets_are_added_up_as_in_diffusers(folders) -> None:
    controls = control(folders["canny 1"], 0.7, 0.0, 0.5), control(folders["depth 1"], 1.2, 0.2, 1.0)
    model = controlled(folders["1"], controls)
    noise, both = Noise(3, model.space.shape)(0), maps(2)
    expected = with_networks(TEXT["1"], folders["1"], [folders["canny 1"], folders["depth 1"]])(
        image=list(both.chunk(2, dim=1)), latents=noise, controlnet_conditioning_scale=[0.7, 1.2],
        control_guidance_start=[0.0, 0.2], control_guidance_end=[0.5, 1.0], height=32, width=32, **their_words(),
    ).images  # fmt: skip
    assert close(ours(model, Besides(controls, both), noise, evenly()), expected)


@families
def test_image_to_image_with_a_controlnet_is_that_of_diffusers(folders, family) -> None:
    """Shares of the way are counted from where the run begins, not from pure noise."""
    canny = folders[f"canny {family}"]
    model = controlled(folders[family], [asked := control(canny, 1.0, 0.2, 0.8)])
    original = model.space.encode(picture())
    noise = torch.randn(model.space.shape, generator=torch.Generator().manual_seed(3))
    expected = with_networks(IMAGE[family], folders[family], [canny])(
        image=original, control_image=maps(), strength=0.5, generator=torch.Generator().manual_seed(3),
        controlnet_conditioning_scale=1.0, control_guidance_start=0.2, control_guidance_end=0.8, height=32, width=32,
        **({"original_size": (32, 32), "target_size": (32, 32)} if family == "xl" else {}), **their_words(),
    ).images  # fmt: skip
    x_t = model.schedule.alpha(0.5) * original + model.schedule.sigma(0.5) * noise
    assert close(ours(model, Besides((asked,), maps()), x_t, evenly(0.5, STEPS // 2)), expected)


@families
def test_inpainting_of_mask_channels_with_a_controlnet_is_that_of_diffusers(folders, family, monkeypatch) -> None:
    """The ControlNet never sees the mask channels."""
    canny, folder = folders[f"canny {family}"], folders[f"inpaint {family}"]
    model = controlled(folder, [asked := control(canny, 0.8)])
    noise = Noise(3, model.space.shape)(0)
    monkeypatch.setattr(MODULES[family], "randn_tensor", lambda *shape, **options: noise)
    expected = with_networks(INPAINT[family], folder, [canny])(
        image=as_pil(picture()), mask_image=as_pil(aligned_mask()), control_image=maps(), strength=1.0,
        controlnet_conditioning_scale=0.8, height=32, width=32, **their_words(),
    ).images  # fmt: skip
    pixels = model.space.pixels.encode(picture())
    told = Told(MaskedPicture(model.space, pixels, model.space.pixels.strength(aligned_mask(), 1.0)))
    assert close(ours(model, Besides((asked,), maps()), noise, evenly(), All([told])), expected)


@families
def test_inpainting_by_constraint_with_a_controlnet_is_that_of_diffusers(folders, family, monkeypatch) -> None:
    canny = folders[f"canny {family}"]
    model = controlled(folders[family], [asked := control(canny, 0.8)])
    noise = Noise(3, model.space.shape)(0)
    monkeypatch.setattr(MODULES[family], "randn_tensor", lambda *shape, **options: noise)
    expected = with_networks(INPAINT[family], folders[family], [canny])(
        image=as_pil(picture()), mask_image=as_pil(aligned_mask()), control_image=maps(), strength=0.5,
        controlnet_conditioning_scale=0.8, height=32, width=32, **their_words(),
    ).images  # fmt: skip
    original = model.space.encode(picture())
    keep = Replacement(original, model.space.strength(aligned_mask(), 0.5), noise, model.schedule)
    x_t = model.schedule.alpha(0.5) * original + model.schedule.sigma(0.5) * noise
    assert close(ours(model, Besides((asked,), maps()), x_t, evenly(0.5, STEPS // 2), keep), expected)


def test_a_control_of_weight_0_is_no_control_bit_for_bit(folders) -> None:
    nothing = control(folders["canny 1"], 0.0)
    plain, model = opened(folders["1"]), controlled(folders["1"], [nothing])
    noise = Noise(3, plain.space.shape)(0)
    assert model.network.controls == ()
    assert torch.equal(ours(model, Besides(), noise, evenly(steps=2)), ours(plain, Besides(), noise, evenly(steps=2)))
    # and beside another one
    one = control(folders["depth 1"], 0.5)
    both = control(folders["canny 1"], 0.5, 0.9, 0.9), one
    alone = ours(controlled(folders["1"], [one]), Besides((one,), maps()), noise, evenly(steps=2))
    beside = ours(controlled(folders["1"], both), Besides((one,), maps()), noise, evenly(steps=2))
    assert torch.equal(alone, beside)


def test_a_single_file_is_the_same_network_as_its_folder(folders, tmp_path) -> None:
    file = tmp_path / FILE_NAME
    save_file(load_file(folders["canny 1"] / FILE_NAME), file)
    (tmp_path / "config.json").write_text((folders["canny 1"] / "config.json").read_text())
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    found = [
        ours(controlled(folders["1"], [asked]), Besides((asked,), maps()), noise, evenly(steps=2))
        for asked in (control(folders["canny 1"]), control(file))
    ]
    assert torch.equal(*found)


def test_networks_are_loaded_once_and_go_with_their_last_use(folders) -> None:
    model, networks = opened(folders["1"]), ControlNets()
    both = [control(folders["canny 1"]), control(folders["depth 1"])]
    first = networks.on(model, both).network.controls
    assert networks.on(model, both[1:]).network.controls == first[1:]
    assert networks.on(model, both).network.controls[0] is not first[0]
    assert networks.on(model, []) is model


def test_a_network_of_another_family_is_refused_before_it_is_loaded(folders, tmp_path) -> None:
    config = (folders["canny 1"] / "config.json").read_text()
    wrong = tmp_path / "wide"
    wrong.mkdir()
    (wrong / "config.json").write_text(config)
    weights = load_file(folders["canny 1"] / FILE_NAME)
    for name, weight in weights.items():
        if "attn2.to_k" in name or "attn2.to_v" in name:
            weights[name] = torch.full((*weight.shape[:-1], 20), float("nan"))  # which nobody gets to see
    save_file(weights, wrong / FILE_NAME)
    with pytest.raises(UserError, match=r"ControlNet wide is for .* made for its family"):
        controlled(folders["1"], [control(wrong)])


def test_weights_that_are_not_numbers_are_refused(folders, tmp_path) -> None:
    weights = load_file(folders["canny 1"] / FILE_NAME)
    weights["controlnet_mid_block.bias"][0] = float("nan")
    save_file(weights, tmp_path / FILE_NAME)
    (tmp_path / "config.json").write_text((folders["canny 1"] / "config.json").read_text())
    with pytest.raises(UserError, match=r"controlnet_mid_block\.bias"):
        controlled(folders["1"], [control(tmp_path)])


def test_a_model_that_takes_none_says_so(folders) -> None:
    model = load_model("first-light", "cpu")
    with pytest.raises(UserError, match="takes no ControlNets"):
        ControlNets().on(model, [control(folders["canny 1"])])


def test_one_for_sdxl_is_refused_by_its_name(folders) -> None:
    with pytest.raises(UserError, match="is for Stable Diffusion XL"):
        controlled(folders["1"], [control(folders["canny xl"])])
