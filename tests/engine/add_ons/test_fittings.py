"""Add-ons through the whole engine: found by name, in the recipe, off again, and run again."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from paintdiff.engine.engine import DiffusionEngine
from paintdiff.generation.add_ons import AddOns, Lora
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.errors import UserError
from paintdiff.generation.placing import Placing
from paintdiff.generation.request import Recipe, Request
from paintdiff.generation.result import Result
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from paintdiff.models.preferences import add_folder
from tests.tiny_add_ons import tiny_embedding, tiny_lora, tiny_lycoris
from tests.tiny_checkpoints import (
    loud,
    stable_diffusion_unet,
    tiny_autoencoder,
    tiny_stable_diffusion,
    tiny_text_encoder,
)

FRAME = Rect(0, 0, 32, 32)


@dataclass(frozen=True)
class Folders:
    checkpoint: Path
    models: Path


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    root = tmp_path_factory.mktemp("add-ons")
    models = root / "webui" / "models"
    for folder in (models / "Lora", models / "VAE", root / "webui" / "embeddings"):
        folder.mkdir(parents=True)
    unet, text = stable_diffusion_unet(4), tiny_text_encoder()
    tiny_lora(models / "Lora" / "ink.safetensors", unet, (text,))
    tiny_lora(models / "Lora" / "wash.safetensors", unet, (text,), "diffusers", seed=2)
    tiny_lycoris(models / "Lora" / "weave.safetensors", unet, text)
    tiny_embedding(root / "webui" / "embeddings" / "moss.safetensors", "a1111", (12,))
    loud(tiny_autoencoder()).save_pretrained(models / "VAE" / "clear", safe_serialization=True)
    return Folders(tiny_stable_diffusion(root / "model"), root / "webui")


@pytest.fixture(autouse=True)
def _own_folders(folders, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    add_folder(folders.models)


@pytest.fixture(scope="module")
def engine() -> DiffusionEngine:
    return DiffusionEngine()


def request_of(folders: Folders, prompt: str = "a red apple", add_ons: AddOns | None = None, **more: object) -> Request:
    picture = np.full((32, 32, 4), 255, np.uint8)
    change_map = np.full((32, 32), 255, np.uint8)
    sampling = Sampling(prompt, steps=3, candidates=1, tone="free", **more)
    return Request(
        "inpaint", FRAME, FRAME, picture, change_map, sampling, str(folders.checkpoint), "cpu",
        add_ons=add_ons or AddOns(),
    )  # fmt: skip


def painted(engine: DiffusionEngine, request: Request) -> tuple[np.ndarray, Recipe, Result]:
    result = engine.generate(request, lambda progress: None, CancelToken())
    return result.candidates[0].patch, result.candidates[0].recipe, result


def test_tags_words_and_options_change_the_picture_and_stand_in_the_recipe(engine, folders) -> None:
    base, plain, _ = painted(engine, request_of(folders))
    assert plain.add_ons == AddOns()
    tagged, recipe, _ = painted(engine, request_of(folders, "a red apple <lora:ink:0.8>"))
    assert recipe.sampling.prompt == "a red apple"
    (lora,) = recipe.add_ons.loras
    assert (Path(lora.file).name, lora.weight, len(lora.sha256)) == ("ink.safetensors", 0.8, 64)
    given, _, _ = painted(engine, request_of(folders, add_ons=AddOns((Lora("ink", 0.8),))))
    assert np.array_equal(given, tagged)
    worded, recipe, _ = painted(engine, request_of(folders, "a moss apple"))
    assert [each.word for each in recipe.add_ons.words] == ["moss"]
    other, recipe, _ = painted(engine, request_of(folders, add_ons=AddOns(vae="clear")))
    assert len(recipe.add_ons.vae_sha256) == 64
    pictures = [base, tagged, worded, other]
    assert all(not np.array_equal(a, b) for i, a in enumerate(pictures) for b in pictures[:i])
    again, _, _ = painted(engine, request_of(folders))
    assert np.array_equal(again, base)


def test_a_recipe_gives_the_same_picture_again_in_another_session(engine, folders) -> None:
    request = request_of(folders, "a (moss:1.2) apple <lora:ink:0.8> <lora:wash:-0.5>", AddOns(vae="clear"))
    first, recipe, _ = painted(engine, request)
    recipe = Recipe.from_json(recipe.to_json())
    again = replace(request, sampling=recipe.sampling, add_ons=recipe.add_ons)
    second, same, result = painted(DiffusionEngine(), again)
    assert np.array_equal(first, second)
    assert same == recipe
    assert not result.report.notices


def test_a_file_that_is_gone_is_named_before_the_run_and_one_that_changed_is_told_of(engine, folders, tmp_path) -> None:
    file = tmp_path / "mine.safetensors"
    file.write_bytes((folders.models / "models" / "Lora" / "ink.safetensors").read_bytes())
    _, recipe, _ = painted(engine, request_of(folders, add_ons=AddOns((Lora(str(file)),))))
    file.write_bytes((folders.models / "models" / "Lora" / "wash.safetensors").read_bytes())
    _, _, result = painted(engine, request_of(folders, add_ons=recipe.add_ons))
    assert any("mine.safetensors is not the file that it was" in notice for notice in result.report.notices)
    file.unlink()
    with pytest.raises(UserError, match=r"The LoRA .*mine\.safetensors is not there"):
        painted(engine, request_of(folders, add_ons=recipe.add_ons))


def test_after_a_refusal_the_next_picture_is_the_model_s_own(engine, folders, tmp_path) -> None:
    base, _, _ = painted(engine, request_of(folders))
    halves = {"x.lora_down.weight": torch.zeros(2, 2), "x.lora_up.weight": torch.zeros(2, 2)}
    save_file(halves, tmp_path / "bad.safetensors")
    painted(engine, request_of(folders, "a red apple <lora:ink>"))
    with pytest.raises(UserError, match="bad"):
        painted(engine, request_of(folders, add_ons=AddOns((Lora("ink"), Lora(str(tmp_path / "bad.safetensors"))))))
    again, _, _ = painted(engine, request_of(folders))
    assert np.array_equal(again, base)


def test_other_weights_neither_load_the_model_again_nor_read_its_files(engine, folders) -> None:
    painted(engine, request_of(folders, "a red apple <lora:ink:0.8>"))
    unet = engine._model.weights
    modules = set(map(id, unet.modules()))
    painted(engine, request_of(folders, "a red apple <lora:ink:0.3>"))
    assert engine._model.weights is unet
    assert set(map(id, unet.modules())) == modules


def test_the_bundled_model_says_that_it_takes_none(folders, tmp_path) -> None:
    from tests.tiny_model import tiny_model

    request = replace(request_of(folders, add_ons=AddOns((Lora("ink"),))), model=str(tiny_model(tmp_path / "fill")))
    with pytest.raises(UserError, match="takes no LoRA"):
        painted(DiffusionEngine(), request)
    worded = replace(request_of(folders, "moss"), model=request.model)
    _, _, result = painted(DiffusionEngine(), worded)
    assert result.report.notices == ("The model Tiny takes no embeddings: it reads moss as it is written.",)


@pytest.mark.parametrize(
    ("rung", "precision", "off"),
    [
        ("group", "float32", 2), ("all", "float8", 60),
        pytest.param("sequential", "float32", 2, marks=pytest.mark.slow),
        pytest.param("sequential", "float8", 60, marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_add_ons_go_on_and_off_wherever_the_weights_lie(folders, rung, precision, off) -> None:
    engine, add_ons = DiffusionEngine(), AddOns((Lora("ink", 0.8), Lora("weave", 0.5)), vae="clear")
    exactly = Placing(precision="float32")
    usual, _, _ = painted(engine, replace(request_of(folders, "a moss apple", add_ons), placing=exactly))
    there = Placing(memory=rung, precision=precision)
    plain, _, _ = painted(engine, replace(request_of(folders), placing=there))
    fitted, _, _ = painted(engine, replace(request_of(folders, "a moss apple", add_ons), placing=there))
    again, _, _ = painted(engine, replace(request_of(folders), placing=there))
    assert np.abs(fitted.astype(int) - usual).max() <= off
    assert not np.array_equal(fitted, plain)
    assert np.array_equal(again, plain)
