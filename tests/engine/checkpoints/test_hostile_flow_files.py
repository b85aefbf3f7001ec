"""Nothing of a flow model's files is trusted: each trap is one sentence, in no time, and the loaded model stays."""

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from paintdiff.__main__ import main
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.generation.errors import UserError
from paintdiff.models.catalogue import look_at
from tests.flow_files import denoiser, flux, save, save_parts
from tests.hostile_checkpoints import Hostile
from tests.hostile_flow_files import FLOW, FOUND_WHILE_LOADING, GGUF

pytestmark = pytest.mark.usefixtures("no_waiting")
HOSTILE = GGUF | FLOW


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = tmp_path_factory.mktemp("sound") / "models"
    parts = flux()
    save(denoiser(parts), models / "unet" / "painter.safetensors")
    save_parts(parts, models, "ae.safetensors")
    return models


@pytest.fixture
def models(sound: Path, tmp_path: Path) -> Path:
    return shutil.copytree(sound, tmp_path / "models", copy_function=os.link)


@pytest.fixture(scope="module")
def engine() -> DiffusionEngine:
    return DiffusionEngine()


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=list(HOSTILE))
def test_it_is_refused_in_one_sentence_and_the_loaded_model_stays(models, hostile: Hostile, engine, good) -> None:
    info = engine.load(good, "cpu")
    path = hostile.build(models)
    with pytest.raises(UserError, match=hostile.words) as raised:
        engine.load(str(path), "cpu")
    said = str(raised.value)
    assert said.isprintable(), "a name from the file reached the screen as it is"
    assert len(said) < 1000
    assert said.endswith(".")
    assert engine.load(good, "cpu") is info or hostile in FOUND_WHILE_LOADING


@pytest.mark.parametrize("hostile", GGUF.values(), ids=list(GGUF))
def test_it_is_listed_with_what_is_wrong(models, hostile: Hostile) -> None:
    card = look_at(str(hostile.build(models)))
    assert card.problem.isprintable()
    assert card.problem.endswith(".")


def test_the_command_line_calls_it_an_error_of_the_users(models, tmp_path, capsys) -> None:
    path = GGUF["2^63 tensors"].build(models)
    Image.new("RGB", (16, 16)).save(tmp_path / "in.png")
    arguments = ["sdedit", "--image", str(tmp_path / "in.png"), "--out", str(tmp_path / "out.png"), "--device", "cpu"]
    assert main([*arguments, "--model", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "claims 9223372036854775808 tensors" in said
