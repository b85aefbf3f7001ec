"""--trajectory, --branch and --from-step, from files to files, on a tiny model."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paintdiff.__main__ import main
from paintdiff.document.save import read_recipe
from paintdiff.engine.trajectory_file import read_trajectory
from tests.tiny_model import tiny_model

PAINT = ("inpaint", "--image", "in.png", "--mask", "mask.png", "--device", "cpu")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str) -> Path:
    """A working folder with in.png, mask.png, and a run of 4 steps: whole.png and run.safetensors."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8)).save("in.png")
    mask = np.zeros((30, 40), np.uint8)
    mask[8:20, 10:30] = 255
    Image.fromarray(mask).save("mask.png")
    settings = ("--model", model, "--steps", "4", "--prompt", "a red apple", "--seed", "5", "--sampler", "ddpm")
    assert main([*PAINT, *settings, "--out", "whole.png", "--trajectory", "run.safetensors"]) == 0
    return tmp_path


def pixels(name: str) -> np.ndarray:
    return np.array(Image.open(name))


def branch(*arguments: str) -> int:
    return main([*PAINT, "--branch", "run.safetensors", "--out", "out.png", *arguments])


def test_a_branch_without_a_change_writes_the_same_picture_and_needs_no_settings(kept) -> None:
    assert branch("--from-step", "2") == 0
    assert np.array_equal(pixels("out.png"), pixels("whole.png"))
    recipe = read_recipe(kept / "out.png")
    assert recipe.branch.step == 2
    assert recipe.branch.trajectory_sha256 == read_trajectory(kept / "run.safetensors").digest
    assert (recipe.sampling.prompt, recipe.sampling.seed, recipe.sampling.sampler) == ("a red apple", 5, "ddpm")


def test_another_prompt_or_seed_takes_effect_from_that_step(kept, capsys) -> None:
    whole, mask = pixels("whole.png"), pixels("mask.png")
    for change in (("--prompt", "x"), ("--seed", "6"), ("--prompt", "")):
        assert branch("--from-step", "2", *change, "--json") == 0
        assert not np.array_equal(pixels("out.png"), whole)
        assert np.array_equal(pixels("out.png")[mask == 0], whole[mask == 0])
    report = json.loads(capsys.readouterr().out.split("\n}\n")[-2] + "\n}")
    assert report["network_evaluations"] == 2, "two of the four steps were left, without a prompt to lean to"
    assert report["recipes"][0]["branch"]["step"] == 2


def test_candidates_keep_a_run_each(kept) -> None:
    assert branch("--from-step", "1", "--candidates", "2", "--trajectory", "more.safetensors") == 0
    one, two = (read_trajectory(kept / name) for name in ("more.safetensors", "more-2.safetensors"))
    assert [moment.step for moment in one.moments] == [1, 2, 3, 4]
    assert (one.sampling.seed, two.sampling.seed) == (5, 6)
    assert np.array_equal(pixels("out.png"), pixels("whole.png"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--branch", "run.safetensors"), "Say with --from-step which step to go on from; run.safetensors has 0, 1, 2"),
        (("--from-step", "1"), "Say with --branch FILE"),
        (("--branch", "run.safetensors", "--from-step", "9"), "Step 9 of that run was not kept; choose one of 0, 1"),
        (("--branch", "run.safetensors", "--from-step", "-1"), "not the number of a step"),
        (("--branch", "in.png", "--from-step", "1"), "in.png does not hold the steps of a run"),
        (("--branch", "no.safetensors", "--from-step", "1"), "There is no file no.safetensors"),
        (("--branch", "run.safetensors", "--from-step", "1", "--steps", "9"), "keeps the 4 steps of its run"),
        (("--branch", "run.safetensors", "--from-step", "1", "--frame", "0,0,20,20"), "made by the model"),
        (("--trajectory", "run.bin"), "kept in a .safetensors file: name it run.safetensors"),
        (("--trajectory", "away/run.safetensors"), "The folder away"),
    ],
)
def test_wrong_branches_get_one_clear_sentence(kept, model, capsys, arguments, sentence) -> None:
    settings = () if "--branch" in arguments else ("--model", model, "--steps", "2")
    assert main([*PAINT, *settings, "--out", "bad.png", *arguments]) != 0
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
    assert not (kept / "bad.png").exists()
