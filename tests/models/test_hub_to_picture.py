import os

import numpy as np
import pytest
from PIL import Image

from paintdiff.cli import main
from paintdiff.models.hub import look_up
from tests.tiny_checkpoints import tiny_stable_diffusion


@pytest.fixture
def environment(monkeypatch) -> None:
    """What loading puts into the environment is taken out again."""
    for name in ("HF_HUB_OFFLINE", "PAINTDIFF_KEEPS_LIBRARIES_OFFLINE", "DIFFUSERS_DISABLE_REMOTE_CODE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_a_model_that_the_command_line_names_is_fetched_and_paints(
    environment, hub, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    hub.repositories["owner/tiny"] = tiny_stable_diffusion(tmp_path / "hub" / "tiny")
    Image.new("RGB", (48, 48), (200, 60, 60)).save("in.png")
    mask = np.zeros((48, 48), np.uint8)
    mask[16:32, 16:32] = 255
    Image.fromarray(mask).save("mask.png")
    command = ["inpaint", "--image", "in.png", "--mask", "mask.png", "--model", "owner/tiny", "--steps", "2", "--out"]
    assert main([*command, "out.png"]) == 0
    out, err = np.asarray(Image.open("out.png").convert("RGB")), capsys.readouterr().err
    assert "kept pixels are unchanged" in err
    changed = (out != (200, 60, 60)).any(axis=-1)
    assert changed[mask > 0].mean() > 0.9
    # Loading has put the libraries of this process offline, which is no matter to the next download.
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert look_up("owner/tiny", "").missing_bytes == 0
    # Once it is here, nobody is asked again.
    asked = len(hub.seen)
    assert main([*command, "again.png"]) == 0
    assert len(hub.seen) == asked
    assert (np.asarray(Image.open("again.png").convert("RGB")) == out).all()
