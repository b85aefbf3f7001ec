import io
import json
import re
from pathlib import Path

import pytest

from paintdiff.cli import main
from paintdiff.generation.errors import UserError
from paintdiff.models.preferences import add_folder, hub_token, keep_hub_token, model_folders
from tests.safetensors_files import SD1, SD1_INPAINT, SD1_LORA, write_header


@pytest.fixture(autouse=True)
def own_settings(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)


def run(arguments: str, capsys: pytest.CaptureFixture[str], status: int = 0) -> tuple[str, str]:
    assert main(arguments.split()) == status
    out, err = capsys.readouterr()
    return out, err


def test_the_table_names_what_ships_and_what_lies_in_added_folders(tmp_path, capsys) -> None:
    file = write_header(tmp_path / "webui" / "models" / "Stable-diffusion" / "mine-inpainting.safetensors", SD1_INPAINT)
    write_header(tmp_path / "webui" / "models" / "Lora" / "ink.safetensors", SD1_LORA)
    (tmp_path / "webui" / "old.ckpt").write_bytes(b"\x80\x04")
    assert "mine-inpainting" not in run("models", capsys)[0]
    run("models folder add webui", capsys)
    assert run("models folder", capsys)[0].strip() == str(tmp_path / "webui")
    lines = run("models list", capsys)[0].splitlines()
    assert lines[0].split()[:2] == ["NAME", "KIND"]
    assert any("First Light" in line and "Apache-2.0" in line and line.endswith("first-light") for line in lines)
    assert any("Stable Diffusion 1" in line and "own channels" in line and line.endswith(str(file)) for line in lines)
    assert any("cannot be used" in line and "pickle" in line for line in lines)
    cards = {card["name"]: card for card in json.loads(run("models --json", capsys)[0])}
    assert cards["mine-inpainting"]["inpaints"] is True
    assert "ink" in run("models list --add-ons", capsys)[0]
    run("models folder remove webui", capsys)
    assert "mine-inpainting" not in run("models", capsys)[0]


def test_one_model_can_be_shown(tmp_path, capsys) -> None:
    file = write_header(tmp_path / "a.safetensors", SD1, {"modelspec.license": "MIT"})
    out, _ = run(f"models show {file}", capsys)
    assert "512 × 512" in out
    assert "filled by constraint" in out
    assert re.search(r"memory:\s+(Fits|Only on|Does not fit).* it needs about \d", out)
    assert "MIT" in out
    assert json.loads(run("models show --json first-light", capsys)[0])["source"] == "first-light"
    add_folder(tmp_path)
    assert json.loads(run("models show --json A", capsys)[0])["source"] == str(file)


def test_what_a_model_can_draw_by_name_is_listed(tmp_path, capsys) -> None:
    names = run("models show first-light --names", capsys)[0].splitlines()
    assert len(names) > 600
    assert {"hot air balloon", "car", "automobile"} <= set(names)
    assert f"{len(names)} things by name" in run("models show first-light", capsys)[0]
    file = write_header(tmp_path / "a.safetensors", SD1)
    assert "by name" not in run(f"models show {file}", capsys)[0]
    assert "takes any words" in run(f"models show {file} --names", capsys, status=2)[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("models show nothing", "No model is called 'nothing'"),
        ("models show owner/name", "paintdiff models get owner/name"),
        ("models get what", "owner/name"),
        ("models get owner/name", "Offline mode is on"),
        ("models folder add absent", "cannot be looked into"),
        ("models folder remove absent", "not among the folders"),
        ("models folder add", "which folder to add"),
        ("models folder sideways", "sideways"),
        ("models fetch owner/name", "fetch"),
        ("inpaint --image in.png --mask in.png --out out.png --model owner/name", "Offline mode is on"),
    ],
)
def test_bad_input_is_one_clear_sentence_and_exit_2(arguments, words, capsys, tmp_path) -> None:
    from PIL import Image

    Image.new("RGB", (16, 16), "white").save("in.png")
    out, err = run(arguments, capsys, status=2)
    assert out == ""
    assert err.startswith("paintdiff: ")
    assert err.count("\n") == 1
    assert words in err


def test_folders_are_kept_once_and_as_a_plain_file(tmp_path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    add_folder(Path("a/b"))
    with pytest.raises(UserError, match="looked through already"):
        add_folder(tmp_path / "a" / "b")
    add_folder(tmp_path / "a")
    assert model_folders() == (tmp_path / "a",)
    with pytest.raises(UserError, match="already, with"):
        add_folder(tmp_path / "a" / "b")
    file = tmp_path / "config" / "PaintDiff" / "models.json"
    assert json.loads(file.read_text())["folders"] == [str(tmp_path / "a")]
    file.write_text("[")
    assert model_folders() == ()


def test_a_token_is_kept_for_its_owner_alone_and_shown_to_nobody(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("hf_secret\n"))
    out, err = run("models token", capsys)
    assert "hf_secret" not in out + err
    assert hub_token() == "hf_secret"
    assert (tmp_path / "config" / "PaintDiff" / "models.json").stat().st_mode & 0o077 == 0
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    assert hub_token() == "hf_other"
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(UserError, match="no token"):
        keep_hub_token("two words")
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert "forgotten" in run("models token", capsys)[1]
    assert hub_token() == ""
