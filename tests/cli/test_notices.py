"""What a job had to do otherwise than asked is told on the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paintdiff.__main__ import main
from tests.hungry import memory_for_one_picture
from tests.tiny_checkpoints import tiny_pixel_unet
from tests.tiny_model import tiny_model


@pytest.mark.parametrize("as_json", [True, False])
def test_a_batch_that_had_to_be_halved_is_told(tmp_path: Path, capsys, as_json) -> None:
    model = tiny_model(tmp_path / "tiny")
    Image.fromarray(np.full((16, 16, 3), 200, np.uint8)).save(tmp_path / "in.png")
    command = ["sdedit", "--image", str(tmp_path / "in.png"), "--out", str(tmp_path / "out.png"), "--steps", "2"]
    command += ["--prompt", "a cat"]
    with memory_for_one_picture():
        assert main([*command, "--model", str(model), "--device", "cpu", *["--json"] * as_json]) == 0
    said = capsys.readouterr()
    if as_json:
        (notice,) = json.loads(said.out)["notices"]
        assert "Memory ran out" in notice
    else:
        assert "paintdiff: Memory ran out" in said.err


@pytest.mark.parametrize(("prompt", "notices"), [("a cat", ["ddpm reads no prompt, so yours had no say."]), ("", [])])
def test_a_prompt_that_the_model_cannot_read_is_told(tmp_path: Path, capsys, prompt, notices) -> None:
    model = tiny_pixel_unet(tmp_path / "ddpm")
    Image.fromarray(np.full((16, 16, 3), 200, np.uint8)).save(tmp_path / "in.png")
    command = ["sdedit", "--image", str(tmp_path / "in.png"), "--out", str(tmp_path / "out.png"), "--steps", "2"]
    assert main([*command, "--prompt", prompt, "--model", str(model), "--device", "cpu", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notices"] == notices
