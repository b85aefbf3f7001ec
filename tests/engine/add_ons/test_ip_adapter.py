"""Image prompts: our latents beside those of diffusers' pipelines with an IP-Adapter, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionInpaintPipeline, StableDiffusionPipeline, StableDiffusionXLPipeline
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from diffusers.pipelines.stable_diffusion import pipeline_stable_diffusion_inpaint
from safetensors.torch import load_file, save_file

from paintdiff.engine.add_ons.controlled import Besides
from paintdiff.engine.add_ons.controlnet import ControlNets
from paintdiff.engine.add_ons.ip_adapter import ImagePrompts
from paintdiff.engine.conditions.constraint import All, Told
from paintdiff.engine.conditions.masked_picture import MaskedPicture
from paintdiff.engine.model import load_model
from paintdiff.engine.noise import Noise
from paintdiff.generation.controls import FILE, ImagePrompt
from paintdiff.generation.errors import UserError
from tests.engine.add_ons.test_controlnet import TEXT as CONTROLLED
from tests.engine.add_ons.test_controlnet import control, maps, ours, their_words, with_networks
from tests.engine.side_by_side import TRAILING, aligned_mask, as_pil, close, evenly, opened, picture, theirs
from tests.tiny_checkpoints import tiny_stable_diffusion, tiny_stable_diffusion_xl
from tests.tiny_controls import tiny_controlnet, tiny_image_encoder, tiny_ip_adapter

TEXT = {"1": StableDiffusionPipeline, "xl": StableDiffusionXLPipeline}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("image prompts")
    base = tiny_stable_diffusion(root / "base", scheduler=TRAILING)
    base_xl = tiny_stable_diffusion_xl(root / "base xl", scheduler=TRAILING)
    return {
        "1": base,
        "xl": base_xl,
        "inpaint": tiny_stable_diffusion(root / "inpaint", mask_channels=True, scheduler=TRAILING),
        "adapter 1": tiny_ip_adapter(root / "adapter", base),
        "plus 1": tiny_ip_adapter(root / "plus", base, plus=True),
        "adapter xl": tiny_ip_adapter(root / "adapter xl", base_xl),
        "canny": tiny_controlnet(root / "canny", base),
    }


@pytest.fixture(autouse=True)
def _posterior_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Theirs draws a sample of the autoencoder's posterior, ours takes the mode: hand theirs the mode too."""
    monkeypatch.setattr(DiagonalGaussianDistribution, "sample", lambda self, generator=None: self.mode())


def look() -> np.ndarray:
    """(48, 40, 4) uint8: a picture to look at."""
    return np.random.default_rng(2).integers(0, 256, (48, 40, 4), np.uint8) | np.array([0, 0, 0, 255], np.uint8)


def prompt(adapter: Path, weight: float = 0.8, encoder: str = "") -> ImagePrompt:
    return ImagePrompt(str(adapter), FILE + "look.png", encoder, weight, look(), "a picture")


def with_adapter(pipeline, adapter: Path, weight: float):
    pipeline.load_ip_adapter(
        str(adapter.parent), subfolder="", weight_name=adapter.name, image_encoder_folder="image_encoder",
        local_files_only=True,
    )  # fmt: skip
    pipeline.set_ip_adapter_scale(weight)
    return pipeline


@pytest.mark.parametrize("kind", ["adapter 1", pytest.param("plus 1", marks=pytest.mark.slow), "adapter xl"])
def test_text_to_image_with_an_image_prompt_is_that_of_diffusers(folders, kind) -> None:
    family, adapter = kind.split()[1], folders[kind]
    model, noise = opened(folders[family]), Noise(3, (1, 4, 8, 8))(0)
    pipeline = with_adapter(theirs(TEXT[family], folders[family]), adapter, 0.8)
    expected = pipeline(
        ip_adapter_image=as_pil(look()[..., :3]), latents=noise, height=32, width=32, **their_words()
    ).images
    with ImagePrompts().on(model, prompt(adapter)) as looking:
        found = ours(looking, Besides((), None, *looking.image), noise, evenly())
    assert close(found, expected)
    assert not close(ours(model, Besides(), noise, evenly()), expected)


@pytest.mark.slow
def test_inpainting_with_an_image_prompt_is_that_of_diffusers(folders, monkeypatch) -> None:
    model, noise = opened(folders["inpaint"]), Noise(3, (1, 4, 8, 8))(0)
    monkeypatch.setattr(pipeline_stable_diffusion_inpaint, "randn_tensor", lambda *shape, **options: noise)
    pipeline = with_adapter(theirs(StableDiffusionInpaintPipeline, folders["inpaint"]), folders["adapter 1"], 0.8)
    expected = pipeline(
        image=as_pil(picture()), mask_image=as_pil(aligned_mask()), ip_adapter_image=as_pil(look()[..., :3]),
        strength=1.0, height=32, width=32, **their_words(),
    ).images  # fmt: skip
    pixels = model.space.pixels.encode(picture())
    told = Told(MaskedPicture(model.space, pixels, model.space.pixels.strength(aligned_mask(), 1.0)))
    with ImagePrompts().on(model, prompt(folders["adapter 1"])) as looking:
        found = ours(looking, Besides((), None, *looking.image), noise, evenly(), All([told]))
    assert close(found, expected)


def test_image_prompts_and_controlnets_work_together_as_in_diffusers(folders) -> None:
    asked, noise = control(folders["canny"], 0.7), Noise(3, (1, 4, 8, 8))(0)
    pipeline = with_adapter(with_networks(CONTROLLED["1"], folders["1"], [folders["canny"]]), folders["adapter 1"], 0.8)
    expected = pipeline(
        image=maps(), ip_adapter_image=as_pil(look()[..., :3]), latents=noise, controlnet_conditioning_scale=0.7,
        height=32, width=32, **their_words(),
    ).images  # fmt: skip
    model = ControlNets().on(opened(folders["1"]), [asked])
    with ImagePrompts().on(model, prompt(folders["adapter 1"])) as looking:
        found = ours(looking, Besides((asked,), maps(), *looking.image), noise, evenly())
    assert close(found, expected)


def test_afterwards_the_model_is_as_it_was_bit_for_bit(folders) -> None:
    model, noise = opened(folders["1"]), Noise(3, (1, 4, 8, 8))(0)
    before = ours(model, Besides(), noise, evenly(steps=2))
    prompts = ImagePrompts()
    with prompts.on(model, prompt(folders["adapter 1"])) as looking:
        ours(looking, Besides((), None, *looking.image), noise, evenly(steps=2))
    assert torch.equal(ours(model, Besides(), noise, evenly(steps=2)), before)
    with pytest.raises(RuntimeError, match="stopped"), prompts.on(model, prompt(folders["adapter 1"])):
        raise RuntimeError("stopped")
    assert torch.equal(ours(model, Besides(), noise, evenly(steps=2)), before)
    with prompts.on(model, prompt(folders["adapter 1"], weight=0.0)) as same:
        assert same is model


def test_an_adapter_of_another_family_is_refused_before_it_is_loaded(folders) -> None:
    model = opened(folders["1"])
    with pytest.raises(UserError, match="made for its family"), ImagePrompts().on(model, prompt(folders["adapter xl"])):
        pass


def test_an_encoder_that_is_missing_or_another_is_a_sentence(folders, tmp_path) -> None:
    model, alone = opened(folders["1"]), tmp_path / "alone" / "ip-adapter.safetensors"
    alone.parent.mkdir()
    save_file(load_file(folders["adapter 1"]), alone)
    for wrong, words in (("", "needs the CLIP image encoder"), (str(tmp_path / "none"), "There is no folder")):
        with pytest.raises(UserError, match=words), ImagePrompts().on(model, prompt(alone, encoder=wrong)):
            pass
    other = tiny_image_encoder(tmp_path / "other", projection=12)
    with pytest.raises(UserError, match="writes 12"), ImagePrompts().on(model, prompt(alone, encoder=str(other))):
        pass
    right = folders["adapter 1"].parent / "image_encoder"
    with ImagePrompts().on(model, prompt(alone, encoder=str(right))) as looking:
        assert looking.image is not None


def test_a_model_that_looks_at_no_pictures_says_so(folders) -> None:
    model = load_model("first-light", "cpu")
    with pytest.raises(UserError, match="takes no image prompts"):
        ImagePrompts().on(model, prompt(folders["adapter 1"])).__enter__()


def test_an_adapter_for_faces_is_refused_with_the_reason(folders, tmp_path) -> None:
    weights = {name: weight for name, weight in load_file(folders["adapter 1"]).items() if "image_proj" not in name}
    weights |= {"image_proj.norm.weight": torch.ones(12), "image_proj.proj.0.weight": torch.ones(20, 10)}
    save_file(weights, tmp_path / "faces.safetensors")
    with pytest.raises(UserError, match="recognizer"):
        ImagePrompts().on(opened(folders["1"]), prompt(tmp_path / "faces.safetensors")).__enter__()
