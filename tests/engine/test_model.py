import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from paintdiff.engine.hardware.device import find_device, leave_a_core
from paintdiff.engine.model import find_folder, load_model
from paintdiff.generation.errors import UserError
from paintdiff.resource_files import resource
from tests.tiny_model import tiny_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_model(tmp_path / "tiny")


def changed(folder: Path, **entries) -> Path:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | entries))
    return folder


def test_a_model_folder_opens_and_its_network_answers(folder) -> None:
    model = load_model(str(folder), "cpu")
    assert (model.info.name, model.info.device, model.info.size) == ("Tiny", "cpu", 16)
    x_t = torch.randn(model.space.shape)
    mask, known = torch.ones(1, 1, 16, 16), torch.zeros(1, 3, 16, 16)
    told = replace(model.encode_text("a red apple"), mask=mask, known=known)
    x0 = model.network(x_t, 0.5, told)
    assert x0.shape == x_t.shape
    assert x0.dtype == torch.float32
    assert not torch.equal(x0, model.network(x_t, 0.5, told.prompted(model.encode_text(""))))


def test_a_model_says_what_suits_it_and_nonsense_is_as_if_unsaid(folder) -> None:
    changed(folder, defaults={"guidance": 2.0, "steps": "many", "seed": 4})
    assert load_model(str(folder), "cpu").info.defaults == {"guidance": 2.0}


def test_a_network_without_a_mask_is_refused_by_the_fill_network(folder) -> None:
    model = load_model(str(folder), "cpu")
    with pytest.raises(ValueError, match="mask"):
        model.network(torch.zeros(model.space.shape), 0.5, model.encode_text(""))


@pytest.mark.parametrize("name", ["", "no-such-model", "../first-light", "/nowhere", "."])
def test_a_model_that_is_not_there_is_named_in_the_error(name) -> None:
    with pytest.raises(UserError, match="No model is called"):
        find_folder(name)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"kind": "latent"}, "kind 'latent'"),
        ({"size": "large"}, "cannot be opened"),
        ({"size": 13}, "13 pixels"),
        ({"prediction": "guess"}, "'guess'"),
        ({"schedule": {"kind": "warp"}}, "'warp'"),
        ({"schedule": None}, "cannot be opened"),
        ({"network": {"vocabulary": 5}}, "not those of its config"),
        ({"network": {"colour": 5}}, "cannot be opened"),
        ({"weights": "../elsewhere.safetensors"}, "not a plain file name"),
        ({"weights": "absent.safetensors"}, "absent.safetensors"),
        ({"tokenizer": "absent.json"}, "absent.json"),
    ],
)
def test_a_damaged_config_is_one_clear_sentence(folder, entries, words) -> None:
    with pytest.raises(UserError, match=words) as raised:
        load_model(str(changed(folder, **entries)), "cpu")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_a_config_that_is_no_object_is_one_clear_sentence(folder, text) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(UserError, match=r"config\.json"):
        load_model(str(folder), "cpu")


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("size", [0, 100])
def test_a_cut_file_is_one_clear_sentence(folder, name, size) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(UserError, match=r"cannot be opened|not a valid model") as raised:
        load_model(str(folder), "cpu")
    assert "\n" not in str(raised.value)


def test_a_device_that_is_unknown_or_absent_is_named() -> None:
    assert find_device("cpu") == torch.device("cpu")
    assert find_device("auto").type in ("cuda", "xpu", "mps", "cpu")
    with pytest.raises(UserError, match="'abacus' is not known"):
        find_device("abacus")
    absent = next(name for name in ("mps", "xpu", "cuda") if find_device("auto").type != name)
    with pytest.raises(UserError, match=f"no {absent} device"):
        find_device(absent)


def test_a_core_is_left_to_the_window_unless_the_user_said_otherwise(monkeypatch) -> None:
    before = torch.get_num_threads()
    try:
        monkeypatch.setattr("paintdiff.engine.hardware.device.CORES", 4)
        monkeypatch.setenv("OMP_NUM_THREADS", str(before))
        leave_a_core()
        assert torch.get_num_threads() == before
        monkeypatch.delenv("OMP_NUM_THREADS")
        leave_a_core()
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_resources_are_found_in_a_checkout() -> None:
    assert resource("models").parent.name == "resources"
    assert resource().is_dir()


def test_the_model_that_ships_loads_without_diffusers_transformers_and_torchs_compiler() -> None:
    code = """
import sys, paintdiff.engine.engine
paintdiff.engine.engine.DiffusionEngine().load("first-light", "cpu")
print(sorted({"diffusers", "transformers", "torch._dynamo", "PySide6"} & set(sys.modules)))
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr
