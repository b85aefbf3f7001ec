import json
import sys
from pathlib import Path

import pytest

from paintdiff.generation.model_card import Family, Place
from paintdiff.models.catalogue import find_add_on, find_model, is_on_this_machine, scan, scan_add_ons
from paintdiff.models.families import Part
from paintdiff.models.places import hub_cache
from tests.models.repositories import pipeline_repository, write
from tests.safetensors_files import SD1, SD1_LORA, write_header

OLD, NEW, TAGGED = ("a" * 40, "b" * 40, "c" * 40)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def repository(cache: Path, name: str, **refs: str) -> Path:
    folder = cache / f"models--{name.replace('/', '--')}"
    for ref, commit in refs.items():
        (folder / "refs").mkdir(parents=True, exist_ok=True)
        (folder / "refs" / ref).write_text(commit)
    return folder / "snapshots"


def shown() -> dict[str, Family]:
    return {card.source: card.family for card in scan([]) if card.place is Place.CACHE}


def test_branches_and_tags_are_shown_by_name_and_older_states_are_not(cache) -> None:
    snapshots = repository(cache, "owner/model", main=NEW, v1=TAGGED)
    for commit in (OLD, NEW, TAGGED):
        pipeline_repository(snapshots / commit, 100)
        (snapshots / commit / "v1-5-pruned.safetensors").unlink()
    assert set(shown()) == {"owner/model", "owner/model@v1"}
    assert find_model("owner/model")[1] == snapshots / NEW
    assert find_model("owner/model@v1")[1] == snapshots / TAGGED
    assert find_model(f"owner/model@{OLD}")[1] == snapshots / OLD
    assert not is_on_this_machine("owner/model@v2")


def test_what_is_there_in_part_or_belongs_to_other_programs_is_not_shown(cache) -> None:
    snapshot = pipeline_repository(repository(cache, "owner/part", main=NEW) / NEW, 100)
    for weights in (snapshot / "unet").glob("*.safetensors"):
        weights.unlink()
    (snapshot / "unet" / "diffusion_pytorch_model.bin").unlink()
    (snapshot / "v1-5-pruned.safetensors").unlink()
    language = repository(cache, "owner/language", main=NEW) / NEW
    write(language / "config.json", {"architectures": ["LlamaForCausalLM"]})
    write_header(language / "model.safetensors", {"model.layers.0.mlp.weight": (2, 2)})
    assert shown() == {}


def test_files_are_shown_as_files_and_add_ons_found_by_name(cache) -> None:
    snapshot = repository(cache, "owner/files", main=NEW) / NEW
    write_header(snapshot / "deep" / "one.safetensors", SD1)
    write_header(snapshot / "ink.safetensors", SD1_LORA)
    assert shown() == {"owner/files/deep/one.safetensors": Family.SD1}
    assert [(card.source, card.name) for card in scan_add_ons([])] == [("owner/files/ink.safetensors", "ink")]
    assert find_add_on("ink", Part.LORA, []) == snapshot / "ink.safetensors"
    assert find_add_on("owner/files/ink.safetensors", Part.LORA, []) == snapshot / "ink.safetensors"


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_damaged_references_and_links_to_nothing_do_no_harm(cache) -> None:
    snapshots = repository(cache, "owner/odd", main="../../../etc", other="d" * 40)
    (snapshots / NEW).mkdir(parents=True)
    (snapshots / NEW / "gone.safetensors").symlink_to("../../blobs/gone")
    (snapshots / NEW / "model_index.json").symlink_to("../../blobs/gone")
    (cache / "models--one").mkdir()
    (cache / "version.txt").write_text("1")
    assert shown() == {}
    (snapshots / NEW / "model_index.json").unlink()
    (snapshots / NEW / "model_index.json").write_text(json.dumps({"_class_name": 5}))
    assert shown() == {}


def test_the_cache_is_where_the_library_would_have_it(tmp_path, monkeypatch) -> None:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert hub_cache() == tmp_path / "huggingface" / "hub"
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    assert hub_cache() == tmp_path / "home" / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", "$HF_HOME/else")
    assert hub_cache() == tmp_path / "home" / "else"
