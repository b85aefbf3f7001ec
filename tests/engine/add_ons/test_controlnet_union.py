"""A ControlNet of several kinds in one network, for SDXL: told which it is, and as in diffusers' pipeline."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import ControlNetUnionModel, StableDiffusionXLControlNetUnionPipeline
from torch import Tensor

from paintdiff.engine.add_ons.controlled import Besides, Controlled
from paintdiff.engine.add_ons.controlnet import ControlNets, OneOfSeveral
from paintdiff.engine.conditions.constraint import Free
from paintdiff.engine.conditions.guidance import ClassifierFree
from paintdiff.engine.denoiser import NetworkDenoiser
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.model import Model
from paintdiff.engine.noise import Noise
from paintdiff.engine.run import run
from paintdiff.engine.samplers.sampler import State, make_sampler
from paintdiff.generation.add_ons import AddOns
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.controls import FILE, Control
from paintdiff.generation.errors import UserError
from paintdiff.generation.placing import Placing
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from paintdiff.models.controlnet import SEVERAL, read_controlnet
from tests.engine.side_by_side import NEGATIVE, PROMPT, STEPS, TRAILING, W, close, evenly, opened, theirs
from tests.tiny_checkpoints import tiny_stable_diffusion_xl
from tests.tiny_controls import tiny_union


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("union")
    base = tiny_stable_diffusion_xl(root / "base", scheduler=TRAILING)
    return {"base": base, "union": tiny_union(root / "union", base), "six": tiny_union(root / "six", base, kinds=6)}


def control(folder: Path, kind: str, weight: float = 1.0) -> Control:
    return Control(str(folder), kind, weight, source=FILE + "map.png")


def maps() -> Tensor:
    return torch.rand((1, 3, 32, 32), generator=torch.Generator().manual_seed(4))


def ours(model: Model, asked: Control, noise: Tensor) -> Tensor:
    denoiser = ClassifierFree(
        NetworkDenoiser(model.network, model.schedule, model.predicts), W, model.encode_text(NEGATIVE)
    )
    shown, times = Controlled(denoiser, Besides((asked,), maps()), 1.0), evenly()
    sampler = make_sampler("ddim", model.schedule, Noise(0, model.space.shape), 0.0)
    with torch.no_grad():
        *_, last = run(
            State(noise, 1.0), times[1:], sampler, shown, model.encode_text(PROMPT), Free(), CancelToken()
        )  # fmt: skip
    return last.x_t


@pytest.mark.parametrize(("kind", "weight"), [("canny", 1.0), ("depth", 0.6)])
def test_it_leads_as_in_diffusers(folders, kind, weight) -> None:
    asked = control(folders["union"], kind, weight)
    model = ControlNets().on(opened(folders["base"]), [asked])
    noise = Noise(3, model.space.shape)(0)
    network = ControlNetUnionModel.from_pretrained(folders["union"])
    expected = theirs(StableDiffusionXLControlNetUnionPipeline, folders["base"], controlnet=network)(
        control_image=[maps()], control_mode=[SEVERAL[kind]], latents=noise, controlnet_conditioning_scale=weight,
        height=32, width=32, prompt=PROMPT, negative_prompt=NEGATIVE, guidance_scale=W, num_inference_steps=STEPS,
        output_type="latent",
    ).images  # fmt: skip
    assert close(ours(model, asked, noise), expected)


def test_one_network_serves_two_controls_of_different_kinds(folders) -> None:
    nets = ControlNets()
    model = nets.on(opened(folders["base"]), [control(folders["union"], "canny"), control(folders["union"], "tile")])
    one, other = model.network.controls
    assert isinstance(one, OneOfSeveral)
    assert one.network is other.network
    noise = Noise(3, model.space.shape)(0)
    found = [
        ours(nets.on(opened(folders["base"]), [asked]), asked, noise)
        for asked in (control(folders["union"], kind) for kind in ("canny", "tile"))
    ]
    assert not close(*found)


def test_a_kind_that_it_does_not_know_is_told_before_it_is_loaded(folders) -> None:
    base = opened(folders["base"])
    for kind in ("tile", "inpaint"):
        with pytest.raises(UserError, match=f"choose one of depth, scribble, canny, lineart, and not {kind}"):
            ControlNets().on(base, [control(folders["six"], kind)])
    with pytest.raises(UserError, match="and not other"):
        ControlNets().on(base, [control(folders["union"], "other")])


def test_what_is_masked_is_black_to_it() -> None:
    seen = {}

    class Network(torch.nn.Module):
        config = type("Config", (), {"num_control_type": 8})

        def forward(self, *_given: Tensor, controlnet_cond: list[Tensor], **_told: object) -> None:
            seen["least"] = float(controlnet_cond[0].min())

    x, level = torch.zeros(1, 4, 8, 8), torch.zeros(1)
    OneOfSeveral(Network(), "inpaint")(x, level, controlnet_cond=torch.full((1, 3, 8, 8), -1.0))
    assert seen["least"] == 0


def test_its_config_follows_from_its_shapes(folders) -> None:
    read = read_controlnet(folders["union"] / "diffusion_pytorch_model.safetensors")
    assert (read.kinds, read.family.value) == (8, "Stable Diffusion XL")
    assert read.config["addition_time_embed_dim"] == 4


@pytest.mark.slow
@pytest.mark.parametrize("rung", ["group", "sequential"])
def test_it_leads_the_same_wherever_weights_lie(folders, rung) -> None:
    frame, asked = Rect(0, 0, 32, 32), control(folders["union"], "canny")
    asked = replace(asked, picture=np.random.default_rng(0).integers(0, 256, (32, 32, 4), np.uint8), ready=True)
    blank, whole = np.full((32, 32, 4), 255, np.uint8), np.full((32, 32), 255, np.uint8)
    patches = []
    for memory in ("all", rung):
        request = Request(
            "inpaint", frame, frame, blank, whole, Sampling("red", steps=2, candidates=1, tone="free"),
            str(folders["base"]), "cpu", add_ons=AddOns(controls=(asked,)), placing=Placing(memory, "float32"),
        )  # fmt: skip
        result = DiffusionEngine().generate(request, lambda progress: None, CancelToken())
        patches.append(result.candidates[0].patch.astype(int))
    assert np.abs(patches[0] - patches[1]).max() <= 1
