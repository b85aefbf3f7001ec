"""What models want where the user has set nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from paintdiff.generation.add_ons import Lora
from paintdiff.generation.model_card import Family
from paintdiff.generation.model_defaults import suited
from paintdiff.generation.sampling import Sampling
from paintdiff.models.families import few_steps
from paintdiff.models.usual import asked_by_loras, described, too_much, usual_sampling
from tests.safetensors_files import SD1_LORA, write_header


@pytest.mark.parametrize(
    ("name", "family", "wanted"),
    [
        ("dreamshaper_8", Family.SD1, (25, 7.0, None)),
        ("sd_xl_base_1.0", Family.SDXL, (28, 6.0, None)),
        ("sd_turbo", Family.SD2, (4, 1.0, "ddpm")),
        ("sdxl_lightning_2step", Family.SDXL, (2, 1.0, "euler")),
        ("Hyper-SD15-8steps-CFG", Family.SD1, (8, 5.0, "ddim")),
        ("sdxl_lcm_merge", Family.SDXL, (6, 1.0, "lcm")),
        ("stable-diffusion-3.5-large-turbo", Family.SD3, (4, 1.0, "euler")),
        ("lightning_1000000steps", Family.SD1, (4, 1.0, "euler")),
    ],
)
def test_a_name_says_how_a_model_wants_to_be_sampled(name, family, wanted) -> None:
    usual = usual_sampling(family, few_steps(name), name)
    assert (usual["steps"], usual["guidance"], usual.get("sampler")) == wanted
    Sampling(**usual)  # every value is one that a user could set


def test_a_distilled_model_keeps_what_it_knows_by_replacement_unless_it_has_mask_channels() -> None:
    assert usual_sampling(Family.SDXL, "Turbo")["method"] == "replace"
    assert "method" not in usual_sampling(Family.SDXL, "Turbo", fills=True)
    assert "method" not in usual_sampling(Family.SDXL)
    assert usual_sampling(Family.FLUX)["method"] == "replace", "FLUX that reads no guidance is schnell"
    assert "method" not in usual_sampling(Family.FLUX, reads_guidance=True)


def test_what_the_user_has_given_wins_over_the_model_and_the_model_over_the_mode() -> None:
    wanted = {"steps": 4, "guidance": 1.0, "sampler": "lcm", "nonsense": 3, "seed": 9}
    sampling = suited(Sampling(steps=11, seed=3), wanted, "upscale", ["steps"])
    assert (sampling.steps, sampling.guidance, sampling.sampler, sampling.seed) == (11, 1.0, "lcm", 3)
    assert suited(Sampling(), wanted, "upscale", []).steps == 4
    assert suited(Sampling(), {"steps": 28}, "upscale", []).steps == 10, "a mode with much to do asks for fewer"


def write_lora(file: Path) -> Lora:
    write_header(file, SD1_LORA)
    return Lora(str(file))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("lcm-lora-sdv1-5", (6, 1.0, "lcm")), ("Hyper-SD15-8steps-lora", (8, 1.0, "ddim")),
        ("Hyper-SD15-1step-lora", (1, 1.0, "lcm")), ("sd15_lightning_4step_lora", (4, 1.0, "euler")),
        ("sd15_turbo", (4, 1.0, "ddpm")),
    ],
)  # fmt: skip
def test_a_lora_for_few_steps_asks_for_what_goes_with_it(tmp_path, name, wanted) -> None:
    ink, fast = write_lora(tmp_path / "ink.safetensors"), write_lora(tmp_path / f"{name}.safetensors")
    asking, asked = asked_by_loras((ink, fast))
    assert (asking, (asked["steps"], asked["guidance"], asked["sampler"]), asked["method"]) == (name, wanted, "replace")
    assert "method" not in asked_by_loras((fast,), fills=True)[1]
    assert asked_by_loras((ink, replace(fast, weight=0.0))) == ("", {})
    assert described(asked).startswith(f"{wanted[0]} steps, guidance 1 and the sampler ")
    assert too_much(Sampling(steps=25, guidance=7), asked)
    assert not too_much(Sampling(steps=wanted[0], guidance=1.5), asked)


def test_what_is_no_lora_or_not_there_asks_for_nothing(tmp_path) -> None:
    (tmp_path / "lcm.safetensors").write_bytes(b"nothing")
    files = [str(tmp_path / "lcm.safetensors"), str(tmp_path / "lcm-gone.safetensors"), "lcm\0"]
    assert asked_by_loras(Lora(file) for file in files) == ("", {})
