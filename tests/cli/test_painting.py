"""The command line, from files to files, on a tiny model."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paintdiff.__main__ import main
from paintdiff.cli.inputs import read_mask
from paintdiff.document.save import read_recipe
from paintdiff.image.geometry import Rect
from tests.tiny_model import tiny_model

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with in.png (40x30), mask.png over its middle, and bad masks."""
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8)).save(tmp_path / "in.png")
    mask = np.zeros((30, 40), np.uint8)
    mask[8:20, 10:30] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    Image.fromarray(mask[:, :20]).save(tmp_path / "narrow.png")
    Image.fromarray(mask * 0).save(tmp_path / "black.png")
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "a-folder.png").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(model: str, *arguments: str) -> int:
    return main([*arguments, "--model", model, "--device", "cpu", "--steps", "2"])


def pixels(name: str) -> np.ndarray:
    return np.array(Image.open(name).convert("RGBA"))


def test_inpaint_repaints_the_mask_and_keeps_the_rest_byte_for_byte(folder, model, capsys) -> None:
    arguments = ["--image", "in.png", "--mask", "mask.png", "--out", "out.png"]
    assert run(model, "inpaint", *arguments, "--prompt", "a red apple", "--seed", "7", "--json") == 0
    before, after, mask = pixels("in.png"), pixels("out.png"), np.array(Image.open("mask.png"))
    assert np.array_equal(after[mask == 0], before[mask == 0])
    assert not np.array_equal(after[12:16, 18:22], before[12:16, 18:22])
    report = json.loads(capsys.readouterr().out)
    assert report["outputs"] == ["out.png"]
    assert report["device"] == "cpu"
    assert report["network_evaluations"] == 4
    assert report["kept_pixels"] > 0
    assert report["kept_pixels_changed"] == 0
    assert {"load", "encode", "sampling", "network", "finish", "export"} <= set(report["seconds"])
    recipe = read_recipe(Path("out.png"))
    assert recipe is not None
    assert recipe.to_json() == report["recipes"][0] | {"matte": (255, 255, 255), "windows": ()}
    assert (recipe.mode, recipe.sampling.prompt, recipe.sampling.seed) == ("inpaint", "a red apple", 7)


def test_the_same_command_writes_the_same_bytes(folder, model) -> None:
    arguments = ["inpaint", "--image", "in.png", "--mask", "mask.png"]
    assert run(model, *arguments, "--out", "a.png") == 0
    assert run(model, *arguments, "--out", "b.png") == 0
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


def test_further_candidates_are_numbered_and_have_the_next_seeds(folder, model) -> None:
    arguments = ["--image", "in.png", "--mask", "mask.png", "--candidates", "3", "--seed", "5"]
    assert run(model, "inpaint", *arguments, "--out", "out.png") == 0
    recipes = [read_recipe(Path(name)) for name in ("out.png", "out-2.png", "out-3.png")]
    assert [recipe.sampling.seed for recipe in recipes if recipe] == [5, 6, 7]
    assert not np.array_equal(pixels("out.png"), pixels("out-2.png"))


def test_outpaint_grows_the_picture_and_keeps_what_is_far_from_the_edge(folder, model) -> None:
    sides = ["--left", "5", "--top", "0", "--right", "10", "--bottom", "7"]
    assert run(model, "outpaint", "--image", "in.png", *sides, "--out", "out.png", "--feather", "2") == 0
    after = pixels("out.png")
    assert after.shape == (37, 55, 4)
    assert (after[..., 3] == 255).all()
    assert np.array_equal(after[:10, 25:28], pixels("in.png")[:10, 20:23])


def test_sdedit_works_on_the_whole_picture_or_under_a_mask(folder, model) -> None:
    before, mask = pixels("in.png"), np.array(Image.open("mask.png"))
    assert run(model, "sdedit", "--image", "in.png", "--out", "whole.png") == 0
    assert (pixels("whole.png") != before).any(axis=2).mean() > 0.9
    assert read_recipe(Path("whole.png")).sampling.strength == 0.5
    assert run(model, "sdedit", "--image", "in.png", "--out", "part.png", "--mask", "mask.png", "--strength", "1") == 0
    assert np.array_equal(pixels("part.png")[mask == 0], before[mask == 0])
    assert not np.array_equal(pixels("part.png"), before)


def test_at_strength_0_the_picture_is_written_as_it_is(folder, model, capsys) -> None:
    assert run(model, "sdedit", "--image", "in.png", "--out", "out.png", "--strength", "0") == 0
    assert np.array_equal(pixels("out.png"), pixels("in.png"))
    told = capsys.readouterr().err
    assert "nothing changes" in told
    assert "new" not in told


def test_a_frame_by_hand_is_what_the_model_sees(folder, model, capsys) -> None:
    arguments = ["--image", "in.png", "--mask", "mask.png", "--frame", "6,4,30,20", "--json", "--out", "out.png"]
    assert run(model, "inpaint", *arguments) == 0
    assert json.loads(capsys.readouterr().out)["frame"] == [6, 4, 30, 20]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("inpaint --image none.png --mask mask.png --out out.png", "none.png does not exist"),
        ("inpaint --image empty.png --mask mask.png --out out.png", "empty.png is empty"),
        ("inpaint --image text.png --mask mask.png --out out.png", "text.png is not a picture"),
        ("inpaint --image in.png --mask narrow.png --out out.png", "20×30 pixels and the picture 40×30"),
        ("inpaint --image in.png --mask black.png --out out.png", "use sdedit"),
        ("inpaint --image in.png --mask mask.png --out out.jpg", "PNG"),
        ("inpaint --image in.png --mask mask.png --out nowhere/out.png", "folder nowhere"),
        ("inpaint --image in.png --mask mask.png --out a-folder.png", "a-folder.png is a folder"),
        ("inpaint --image in.png --mask mask.png --out out.png --steps 0", "Steps must be a whole number"),
        ("inpaint --image in.png --mask mask.png --out out.png --steps many", "'many'"),
        ("inpaint --image in.png --mask mask.png --out out.png --guidance nan", "Guidance must be a number"),
        ("inpaint --image in.png --mask mask.png --out out.png --sampler plms", "'plms'"),
        ("inpaint --image in.png --mask mask.png --out out.png --model none", "No model is called 'none'"),
        ("inpaint --image in.png --mask mask.png --out out.png --device abacus", "'abacus' is not known"),
        ("inpaint --image in.png --mask mask.png --out out.png --frame 1,2,3", "'1,2,3' is not X,Y,W,H"),
        ("inpaint --image in.png --mask mask.png --out out.png --frame 1,2,0,4", "no pixels"),
        ("inpaint --image in.png --mask mask.png --out out.png --frame 90,90,10,10", "beside the picture"),
        ("inpaint --image in.png --mask mask.png --out out.png --frame 0,0,5,5", "outside the frame"),
        ("inpaint --image in.png --mask mask.png --out out.png --feather -1", "--feather"),
        ("inpaint --image in.png --out out.png", "--mask"),
        ("outpaint --image in.png --out out.png", "how far to go on"),
        ("outpaint --image in.png --out out.png --left -4", "--left"),
        ("outpaint --image in.png --out out.png --left 999999", "pixels"),
        ("sdedit --image in.png --out out.png --strength 2", "Strength must be a number from 0 to 1"),
        ("sdedit --image in.png --out out.png --colour red", "--colour red; see paintdiff sdedit --help"),
        ("sdedit --image in.png --out out.png --negative-prompt red", "red; did you mean --negative? See paintdiff"),
        ("sdedit --image in.png --out out.png --scheduler=lcm", "did you mean --sampler? See paintdiff sdedit"),
        ("sdedit --image in.png --out out.png --guidance_scale 3", "did you mean --guidance? See"),
        ("sdedit --image in.png --out out.png --width 3", "--width 3; see paintdiff sdedit --help"),
        ("sdedit --image in.png --out out.png --precision half", "'half' (choose from"),
    ],
)
def test_bad_input_is_one_clear_sentence_and_exit_2(folder, model, capsys, arguments, words) -> None:
    given = arguments.split()
    if "--model" not in given:
        given += ["--model", model]
    assert main(given) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.startswith("paintdiff: ")
    assert err.count("\n") == 1
    assert not list(folder.glob("out*"))


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="folders are open to the administrator")
def test_a_folder_that_may_not_be_written_to_is_told_before_the_run(folder, model, capsys) -> None:
    (folder / "shut").mkdir(mode=0o500)
    assert run(model, "sdedit", "--image", "in.png", "--out", "shut/out.png") == 2
    told = capsys.readouterr().err
    assert "may not be written to" in told
    assert "step" not in told


def test_a_fault_of_ours_is_exit_1_and_shows_its_trace_only_on_request(folder, capsys, monkeypatch) -> None:
    def broken(path: str) -> None:
        raise ZeroDivisionError("the unexpected")

    monkeypatch.setattr("paintdiff.cli.inputs.open_picture", broken)
    arguments = ["sdedit", "--image", "in.png", "--out", "out.png"]
    assert main(arguments) == 1
    err = capsys.readouterr().err
    assert "the unexpected" in err
    assert "--debug" in err
    assert "Traceback" not in err
    assert main([*arguments, "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_masks_are_read_as_luma_over_black(folder) -> None:
    rgba = np.zeros((2, 3, 4), np.uint8)
    rgba[0] = [(255, 255, 255, 255), (128, 128, 128, 255), (255, 255, 255, 128)]
    rgba[1] = [(255, 255, 255, 0), (0, 0, 0, 255), (255, 0, 0, 255)]
    Image.fromarray(rgba).save("alpha.png")
    assert read_mask("alpha.png", Rect(0, 0, 3, 2)).tolist() == [[255, 128, 128], [0, 0, 76]]


def test_outpainting_on_two_sides_looks_at_each_in_turn(folder, model, capsys) -> None:
    arguments = ["--left", "14", "--right", "14", "--feather", "2"]
    assert run(model, "outpaint", "--image", "in.png", *arguments, "--out", "out.png", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["network_evaluations"] == 2 * 2, "two windows of two steps, without a prompt to lean to"
    assert [window["x"] for window in report["recipes"][0]["windows"]] == [-14, 24]
    assert np.array_equal(pixels("out.png")[:, 31:37], pixels("in.png")[:, 17:23])


def started(*arguments: str, code: str = "", cwd: Path = ROOT) -> subprocess.Popen[str]:
    program = f"{code}\nimport sys\nfrom paintdiff.__main__ import main\nsys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_a_verb_runs_where_there_is_no_qt(folder, model) -> None:
    process = started(
        "inpaint", "--image", "in.png", "--mask", "mask.png", "--out", "out.png", "--model", model, "--steps", "1",
        code="import sys; sys.modules['PySide6'] = None", cwd=folder,
    )  # fmt: skip
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert (folder / "out.png").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="sends an interrupt signal")
def test_ctrl_c_is_exit_130_and_leaves_no_file(folder, model) -> None:
    before = sorted(folder.iterdir())
    process = started(
        "inpaint", "--image", "in.png", "--mask", "mask.png", "--out", "out.png", "--model", model, "--steps", "1000",
        "--candidates", "4", cwd=folder,
    )  # fmt: skip
    assert process.stderr is not None
    assert "step" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert sorted(folder.iterdir()) == before
