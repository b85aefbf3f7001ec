"""models get, from a hub on this machine: what arrives is said with what to write to use it."""

import pytest

from paintdiff.cli import main
from tests.own_hub import hub  # noqa: F401
from tests.safetensors_files import SD1_LORA, write_header


@pytest.fixture(autouse=True)
def own_settings(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "remembered"))


def test_what_was_fetched_is_said_with_how_to_use_it(hub, tmp_path, capsys) -> None:  # noqa: F811
    hub.repositories["owner/ink"] = write_header(tmp_path / "hub" / "ink" / "ink.safetensors", SD1_LORA).parent
    assert main(["models", "get", "owner/pipeline"]) == 0
    assert capsys.readouterr().err.rstrip().endswith("; use it with --model owner/pipeline")
    assert main(["models", "get", "owner/ink"]) == 0
    assert capsys.readouterr().err.rstrip().endswith("; use it with <lora:ink:1> in the prompt")
    hub.manners.silent = True
    assert main(["models", "--add-ons"]) == 0
    assert "owner/ink/ink" in capsys.readouterr().out
    assert main(["models", "get", "owner/nothing"]) == 2
    assert capsys.readouterr().err.startswith("paintdiff: The hub at 127.0.0.1 does not answer")
