import json
import os
import sys
from pathlib import Path

import pytest

from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family, ModelCard, Place
from paintdiff.models.catalogue import find_add_on, find_model, look_at, scan, scan_add_ons, source_of
from paintdiff.models.families import Part
from paintdiff.models.preferences import add_folder
from tests.safetensors_files import FLUX, FLUX_LORA, SD1, SD1_INPAINT, SD1_LORA, SDXL, VAE, write_header

README = """---
license: creativeml-openrail-m
tags:
- stable-diffusion
---
# A model
license: not this one
"""


def pipeline(folder: Path, width: int = 768, channels: int = 4, **index: object) -> Path:
    """A diffusers folder whose weights are empty: enough to be looked at."""
    parts = {
        "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
        "text_encoder": ["transformers", "CLIPTextModel"], "tokenizer": ["transformers", "CLIPTokenizer"],
        "scheduler": ["diffusers", "DDIMScheduler"],
    }  # fmt: skip
    (folder / "unet").mkdir(parents=True)
    (folder / "vae").mkdir()
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline", **parts, **index}))
    config = {"_class_name": "UNet2DConditionModel", "cross_attention_dim": width, "in_channels": channels}
    (folder / "unet" / "config.json").write_text(json.dumps(config | {"out_channels": 4, "sample_size": 64}))
    (folder / "vae" / "config.json").write_text(json.dumps({"block_out_channels": [1, 2, 3, 4]}))
    for part in ("unet", "vae"):
        (folder / part / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"0" * 100)
    (folder / "text_encoder").mkdir()
    (folder / "text_encoder" / "model.safetensors").write_bytes(b"0" * 50)
    return folder


def own(cards: object) -> dict[str, ModelCard]:
    return {card.name: card for card in cards if card.place is not Place.BUNDLED}


def test_what_ships_is_always_there() -> None:
    first = next(iter(scan([])))
    assert (first.source, first.place, first.family, first.side) == ("first-light", Place.BUNDLED, Family.BUNDLED, 128)
    assert first.inpaints
    assert first.licence == "Apache-2.0"
    assert first.size_bytes > 10_000_000
    assert not first.problem


def test_the_folders_of_other_programs_are_understood(tmp_path) -> None:
    models = tmp_path / "webui" / "models"
    write_header(models / "Stable-diffusion" / "anything.safetensors", SD1)
    write_header(models / "Stable-diffusion" / "sub" / "any-inpainting.safetensors", SD1_INPAINT)
    write_header(models / "Lora" / "ink.safetensors", SD1_LORA)
    write_header(tmp_path / "webui" / "venv" / "lib" / "not-this.safetensors", SD1)
    comfy = tmp_path / "ComfyUI" / "models"
    licence = {"modelspec.license": "CreativeML Open RAIL++-M"}
    write_header(comfy / "checkpoints" / "big_lightning.safetensors", SDXL, licence)
    write_header(comfy / "loras" / "flux-ink.safetensors", FLUX_LORA)
    write_header(comfy / "vae" / "better.safetensors", VAE)
    found = own(scan([tmp_path / "webui", tmp_path / "ComfyUI"]))
    assert set(found) == {"anything", "any-inpainting", "big_lightning"}
    assert found["anything"].family is Family.SD1
    assert not found["anything"].inpaints
    assert found["any-inpainting"].inpaints
    big = found["big_lightning"]
    assert (big.family, big.few_steps, big.side) == (Family.SDXL, "Lightning", 1024)
    assert big.licence == "CreativeML Open RAIL++-M"
    assert not any(card.problem for card in found.values())
    add_ons = {card.name: (card.part, card.family) for card in scan_add_ons([tmp_path / "webui", tmp_path / "ComfyUI"])}
    assert add_ons == {
        "ink": (Part.LORA, Family.SD1), "flux-ink": (Part.LORA, Family.FLUX), "better": (Part.VAE, Family.UNKNOWN),
    }  # fmt: skip


def test_a_diffusers_folder_is_one_model_with_its_licence_and_size(tmp_path) -> None:
    (pipeline(tmp_path / "mine" / "deep" / "painter") / "README.md").write_text(README)
    pipeline(tmp_path / "mine" / "filler", 1024, 9)
    found = own(scan([tmp_path]))
    assert set(found) == {"painter", "filler"}
    painter = found["painter"]
    assert (painter.family, painter.side, painter.size_bytes) == (Family.SD1, 512, 250)
    assert painter.licence == "creativeml-openrail-m"
    assert (found["filler"].family, found["filler"].inpaints) == (Family.SD2, True)


def test_a_pipeline_that_does_not_open_is_listed_with_why(tmp_path) -> None:
    pipeline(tmp_path / "foreign", _class_name="KandinskyPipeline")
    pipeline(tmp_path / "hostile", vae=["os", "system"])
    (pipeline(tmp_path / "part") / "text_encoder" / "model.safetensors").unlink()
    problems = {name: card.problem for name, card in own(scan([tmp_path])).items()}
    assert "'KandinskyPipeline'" in problems["foreign"]
    assert "'system'" in problems["hostile"]
    assert "holds no weights" in problems["part"]


def test_files_that_are_no_whole_model_say_so(tmp_path) -> None:
    write_header(tmp_path / "flux-whole.safetensors", FLUX)
    unet = {name: shape for name, shape in SD1.items() if name.startswith("model.")}
    write_header(tmp_path / "only-unet.safetensors", unet)
    problems = {name: card.problem for name, card in own(scan([tmp_path])).items()}
    assert "is not a compatible model: it has no " in problems["flux-whole"]
    assert "only the denoiser" in problems["only-unet"]


def test_pickles_are_listed_with_how_to_convert_them(tmp_path) -> None:
    for name in ("checkpoints/old.ckpt", "loras/old-ink.pt", "somewhere/notes.bin", "loose.ckpt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\x80\x04")
    found = own(scan([tmp_path]))
    assert set(found) == {"old", "loose"}
    assert "safetensors" in found["old"].problem
    assert [(card.name, card.part, "pickle" in card.problem) for card in scan_add_ons([tmp_path])] == [
        ("old-ink", Part.LORA, True)
    ]
    (pipeline(tmp_path / "pickled") / "unet" / "diffusion_pytorch_model.fp16.safetensors").rename(
        tmp_path / "pickled" / "unet" / "diffusion_pytorch_model.bin"
    )
    assert "pickles" in own(scan([tmp_path]))["pickled"].problem


def test_a_damaged_file_is_listed_with_what_is_wrong(tmp_path) -> None:
    file = write_header(tmp_path / "half.safetensors", SD1)
    file.write_bytes(file.read_bytes()[:-10])
    assert "cut off" in own(scan([tmp_path]))["half"].problem


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_in_a_circle_and_closed_folders_do_no_harm(tmp_path) -> None:
    write_header(tmp_path / "real" / "model.safetensors", SD1)
    (tmp_path / "real" / "again").symlink_to(tmp_path)
    (tmp_path / "again.safetensors").symlink_to(tmp_path / "real" / "model.safetensors")
    (tmp_path / "nowhere.safetensors").symlink_to(tmp_path / "gone")
    (tmp_path / "closed").mkdir(mode=0)
    cards = [card for card in scan([tmp_path, tmp_path / "real", tmp_path / "gone"]) if card.place is Place.FOLDER]
    assert len(cards) == 1


def test_files_that_did_not_change_are_not_read_again(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    files = [write_header(tmp_path / "models" / f"model-{i}.safetensors", SD1) for i in range(20)]
    before = list(scan([tmp_path / "models"]))
    status = files[3].stat()
    files[3].write_bytes(b"?" * status.st_size)
    os.utime(files[3], ns=(status.st_atime_ns, status.st_mtime_ns))
    assert list(scan([tmp_path / "models"])) == before
    os.utime(files[3])
    changed = own(scan([tmp_path / "models"]))
    assert [name for name, card in changed.items() if card.problem] == ["model-3"]
    memory = next((tmp_path / "cache").rglob("*.json"))
    memory.write_text("{")
    assert own(scan([tmp_path / "models"])) == changed


def test_a_lora_is_found_by_the_name_in_the_prompt(tmp_path) -> None:
    ink = write_header(tmp_path / "Lora" / "Ink v2.safetensors", SD1_LORA)
    write_header(tmp_path / "vae" / "Ink v2.safetensors", VAE)
    assert find_add_on("Ink v2", Part.LORA, [tmp_path]) == ink
    assert find_add_on("ink V2", Part.LORA, [tmp_path]) == ink
    assert find_add_on(str(ink), Part.LORA, [tmp_path]) == ink
    with pytest.raises(UserError, match=r"No LoRA is called 'oil': there is Ink v2\."):
        find_add_on("oil", Part.LORA, [tmp_path])


def test_a_name_stands_for_what_is_on_this_machine(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = write_header(tmp_path / "owner" / "name.safetensors", SD1)
    assert find_model("first-light")[0] is Place.BUNDLED
    assert find_model("owner/name.safetensors") == (Place.FOLDER, Path("owner/name.safetensors"))
    assert look_at(str(file)).family is Family.SD1
    with pytest.raises(UserError, match="models get owner/name "):
        find_model("owner/name")
    with pytest.raises(UserError, match="No model is called ''"):
        find_model("")


def test_a_model_in_the_folders_is_found_by_the_name_in_the_list(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    file = write_header(tmp_path / "one" / "Mine v1.5.safetensors", SD1)
    (tmp_path / "one" / "old.ckpt").write_bytes(b"\x80\x04")
    add_folder(tmp_path / "one")
    assert source_of("mine V1.5") == source_of("Mine v1.5.safetensors") == str(file)
    assert (source_of("first-light"), source_of("yours"), source_of("owner/name")) == (
        "first-light", "yours", "owner/name"
    )  # fmt: skip
    with pytest.raises(UserError, match=r"old\.ckpt is a pickle"):
        source_of("old")
    other = write_header(tmp_path / "two" / "Mine v1.5.safetensors", SD1)
    add_folder(tmp_path / "two")
    with pytest.raises(UserError, match=f"Several models are called Mine v1.5: {file}, {other}"):
        source_of("Mine v1.5")


def test_the_image_encoder_beside_an_ip_adapter_is_no_model(tmp_path) -> None:
    write_header(tmp_path / "adapters" / "image_encoder" / "model.safetensors", {"vision_model.pre.weight": (4,)})
    assert own(scan([tmp_path])) == {}
