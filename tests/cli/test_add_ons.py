"""LoRAs and another autoencoder on the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paintdiff.__main__ import main
from paintdiff.cli.add_ons import add_add_ons, read_add_ons
from paintdiff.cli.parser import Parser
from paintdiff.document.save import read_recipe
from paintdiff.generation.add_ons import AddOns, Lora
from paintdiff.generation.errors import UserError
from paintdiff.models.preferences import add_folder
from tests.safetensors_files import SD1_LORA, VAE, write_header


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with in.png, and a folder of models that the user added."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)).save(tmp_path / "in.png")
    write_header(tmp_path / "models" / "Lora" / "ink.safetensors", SD1_LORA)
    write_header(tmp_path / "models" / "VAE" / "clear.safetensors", VAE)
    write_header(tmp_path / "a:b.safetensors", SD1_LORA)
    add_folder(tmp_path / "models")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(*arguments: str) -> AddOns:
    parser = Parser("paintdiff")
    add_add_ons(parser)
    return read_add_ons(parser.parse_args(arguments))


def test_loras_are_named_by_file_or_name_with_a_weight(folder) -> None:
    ink = str(folder / "models" / "Lora" / "ink.safetensors")
    assert read("--lora", "ink:0.8", "--lora", "./a:b.safetensors").loras == (
        Lora(ink, 0.8), Lora(str(folder / "a:b.safetensors"), 1.0)
    )  # fmt: skip
    assert read("--lora", f"{ink}:-1").loras == (Lora(ink, -1.0),)
    assert read("--vae", "clear").vae == str(folder / "models" / "VAE" / "clear.safetensors")
    assert read() == AddOns()


@pytest.mark.parametrize("lora", ["nothing", "ink:9", ":0.5", "gone.safetensors:1", "ink:nan"])
def test_what_is_no_lora_is_told_in_a_sentence(folder, lora) -> None:
    with pytest.raises(UserError):
        read("--lora", lora)


def test_a_missing_lora_ends_the_verb_before_torch_is_loaded(folder, capsys) -> None:
    assert main(["sdedit", "--image", "in.png", "--out", "out.png", "--lora", "gone"]) == 2
    assert "No LoRA is called 'gone': there are ink" in capsys.readouterr().err.replace("there is", "there are")
    assert not Path("out.png").exists()


def test_a_run_with_add_ons_stands_in_the_recipe_and_differs_from_one_without(folder, capsys) -> None:
    from tests.tiny_add_ons import tiny_lora
    from tests.tiny_checkpoints import loud, stable_diffusion_unet, tiny_autoencoder, tiny_stable_diffusion

    model = tiny_stable_diffusion(folder / "sd")
    wash = tiny_lora(folder / "models" / "Lora" / "wash.safetensors", stable_diffusion_unet(4))
    loud(tiny_autoencoder()).save_pretrained(folder / "models" / "VAE" / "soft", safe_serialization=True)
    usual = ["sdedit", "--image", "in.png", "--model", str(model), "--device", "cpu", "--steps", "2", "--json"]
    assert main([*usual, "--out", "plain.png", "--prompt", "red"]) == 0
    assert main([*usual, "--out", "option.png", "--prompt", "red", "--lora", "wash:0.5", "--vae", "soft"]) == 0
    capsys.readouterr()
    assert main([*usual, "--out", "tag.png", "--prompt", "red <lora:wash:0.5>", "--vae", "soft"]) == 0
    recipe = read_recipe(Path("tag.png"))
    assert recipe == read_recipe(Path("option.png"))
    assert recipe.sampling.prompt == "red"
    assert [(lora.file, lora.weight, len(lora.sha256)) for lora in recipe.add_ons.loras] == [(str(wash), 0.5, 64)]
    reported = json.loads(capsys.readouterr().out)["recipes"][0]["add_ons"]
    assert reported["vae"] == str(folder / "models" / "VAE" / "soft")
    pictures = [np.array(Image.open(name)) for name in ("plain.png", "option.png", "tag.png")]
    assert np.array_equal(pictures[1], pictures[2])
    assert not np.array_equal(pictures[0], pictures[1])


def test_a_lora_for_few_steps_sets_what_was_not_given_and_says_so(folder, capsys) -> None:
    from tests.tiny_add_ons import tiny_lora
    from tests.tiny_checkpoints import stable_diffusion_unet, tiny_stable_diffusion

    model = tiny_stable_diffusion(folder / "sd")
    tiny_lora(folder / "models" / "Lora" / "lcm-fast.safetensors", stable_diffusion_unet(4))
    usual = ["sdedit", "--image", "in.png", "--model", str(model), "--device", "cpu", "--json", "--out", "out.png"]
    assert main([*usual, "--prompt", "red <lora:lcm-fast:0.5>"]) == 0
    printed = capsys.readouterr()
    assert "lcm-fast asks for 6 steps, guidance 1 and the sampler LCM" in printed.err
    sampling = read_recipe(Path("out.png")).sampling
    assert (sampling.steps, sampling.guidance, sampling.sampler) == (6, 1.0, "lcm")
    assert json.loads(printed.out)["notices"] == []
    assert main([*usual, "--lora", "lcm-fast", "--steps", "3", "--guidance", "7", "--prompt", "red"]) == 0
    sampling = read_recipe(Path("out.png")).sampling
    assert (sampling.steps, sampling.guidance, sampling.sampler) == (3, 7.0, "lcm")
    assert "come out burnt" in json.loads(capsys.readouterr().out)["notices"][0]


def test_a_branch_goes_on_with_the_add_ons_of_its_run_or_says_which_it_lacks(folder, capsys) -> None:
    from tests.tiny_add_ons import tiny_lora
    from tests.tiny_checkpoints import stable_diffusion_unet, tiny_stable_diffusion
    from tests.tiny_controls import tiny_controlnet

    model, unet = tiny_stable_diffusion(folder / "sd"), stable_diffusion_unet(4)
    wash = tiny_lora(folder / "models" / "Lora" / "wash.safetensors", unet)
    tiny_lora(folder / "models" / "Lora" / "oil.safetensors", unet, seed=3)
    net = tiny_controlnet(folder / "net", model)
    usual = ["sdedit", "--image", "in.png", "--device", "cpu", "--json"]
    run = ["--model", str(model), "--steps", "3", "--strength", "1", "--prompt", "red <lora:wash:0.5>"]
    led = ["--control", f"canny:{net}:0.5", "--control-image", "in.png"]
    assert main([*usual, *run, *led, "--out", "whole.png", "--trajectory", "run.safetensors"]) == 0
    branch = [*usual, "--branch", "run.safetensors", "--from-step", "1", "--out", "again.png"]
    capsys.readouterr()
    assert main(branch) == 0
    reported = json.loads(capsys.readouterr().out)
    assert reported["notices"] == []
    assert [lora["file"] for lora in reported["recipes"][0]["add_ons"]["loras"]] == [str(wash)]
    assert np.array_equal(np.array(Image.open("again.png")), np.array(Image.open("whole.png")))
    assert main([*branch, "--lora", "oil:0.5"]) == 0
    reported = json.loads(capsys.readouterr().out)
    assert reported["notices"] == [
        "The run that this goes on from was made with the LoRA wash (0.5); this is not."
    ]
    wash.unlink()
    assert main(branch) == 2
    assert "wash.safetensors is not there" in capsys.readouterr().err
