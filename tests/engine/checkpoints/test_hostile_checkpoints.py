"""Nothing of a checkpoint is trusted: each trap is one sentence, in no time, and the loaded model stays."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paintdiff.__main__ import main
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.model import load_model
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from tests.hostile_checkpoints import FILES, FOLDERS, HARMLESS, Hostile
from tests.tiny_checkpoints import tiny_stable_diffusion

pytestmark = pytest.mark.usefixtures("no_waiting")
HOSTILE = FILES | FOLDERS
each_hostile = pytest.mark.parametrize("hostile", HOSTILE.values(), ids=list(HOSTILE))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_stable_diffusion(tmp_path_factory.mktemp("sound") / "sound")


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return shutil.copytree(sound, tmp_path / "copy")


@pytest.fixture(scope="module")
def engine() -> DiffusionEngine:
    return DiffusionEngine()


def painted(engine: DiffusionEngine, model: str) -> np.ndarray:
    frame = Rect(0, 0, 16, 16)
    picture, whole = np.full((16, 16, 4), 255, np.uint8), np.full((16, 16), 255, np.uint8)
    asked = Request("inpaint", frame, frame, picture, whole, Sampling(steps=1, candidates=1), model, "cpu")
    return engine.generate(asked, lambda _: None, CancelToken()).candidates[0].patch


def said_in_one_sentence(text: str) -> None:
    assert text.isprintable(), "a name from the file reached the screen as it is"
    assert len(text) < 1000
    assert text.endswith(".")


@each_hostile
def test_it_is_refused_in_one_sentence_and_the_loaded_model_stays(folder, hostile: Hostile, engine, good) -> None:
    info, before = engine.load(good, "cpu"), painted(engine, good)
    with pytest.raises(UserError, match=hostile.words) as raised:
        engine.load(str(hostile.build(folder)), "cpu")
    said_in_one_sentence(str(raised.value))
    stayed = engine.load(good, "cpu") is info
    assert stayed or hostile in FOUND_WHILE_LOADING
    assert np.array_equal(painted(engine, good), before)


# What no header tells: these cost the loaded model its place, and it is loaded again when it is next asked for.
FOUND_WHILE_LOADING = [
    FOLDERS[name]
    for name in (
        "weights that are NaN", "weights that are infinite", "a tokenizer of another make",
        "a last word that is not known", "a tokenizer that cannot fill up",
    )
]  # fmt: skip


@each_hostile
def test_the_command_line_calls_it_an_error_of_the_users(folder, hostile: Hostile, tmp_path, capsys) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "in.png")
    arguments = ["sdedit", "--image", str(tmp_path / "in.png"), "--out", str(tmp_path / "out.png"), "--steps", "1"]
    assert main([*arguments, "--device", "cpu", "--model", str(hostile.build(folder))]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    said_in_one_sentence(said.strip())
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("build", HARMLESS.values(), ids=list(HARMLESS))
def test_what_only_looks_bad_opens_and_nothing_of_it_runs(folder, build) -> None:
    model = load_model(str(build(folder)), "cpu")
    assert model.info.size == 32
    assert model.encode_text("a red apple") is not None


def test_a_file_that_may_not_be_read_says_so(folder) -> None:
    weights = folder / "unet/diffusion_pytorch_model.safetensors"
    weights.chmod(0)
    try:
        weights.read_bytes()
    except PermissionError:
        with pytest.raises(UserError, match="Permission denied"):
            load_model(str(folder), "cpu")
    else:
        pytest.skip("whoever runs this may read everything")
