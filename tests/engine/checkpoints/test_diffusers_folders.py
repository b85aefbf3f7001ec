"""Folders in the layout of diffusers: what opens, and what is refused with one sentence before anything is imported."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from paintdiff.engine.denoiser import Condition
from paintdiff.engine.model import load_model
from paintdiff.generation.errors import UserError
from tests.tiny_checkpoints import MERGES, tiny_pixel_unet, tiny_stable_diffusion, vocabulary


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("sound")
    return {
        "latent": tiny_stable_diffusion(root / "Little Painter"),
        "inpaint": tiny_stable_diffusion(root / "inpaint", mask_channels=True),
        "pixel": tiny_pixel_unet(root / "pixel"),
    }


@pytest.fixture
def folder(sound: dict[str, Path], tmp_path: Path) -> Path:
    return shutil.copytree(sound["latent"], tmp_path / "copy")


def refused(folder: Path, words: str) -> None:
    with pytest.raises(UserError, match=words) as raised:
        load_model(str(folder), "cpu", torch.bfloat16)
    assert "\n" not in str(raised.value)
    assert torch.get_default_dtype() == torch.float32, "a network that cannot be built leaves theirs behind"


def changed(file: Path, **entries) -> None:
    values = json.loads(file.read_text())
    file.write_text(json.dumps(values | entries))


def test_a_folder_opens_under_its_own_name_and_says_what_it_can_do(sound) -> None:
    info = load_model(str(sound["latent"]), "cpu").info
    assert (info.name, info.device, info.size) == ("Little Painter", "cpu", 32)
    assert (info.mask_channels, info.text, info.labels) == (False, True, 0)
    assert load_model(str(sound["inpaint"]), "cpu").info.mask_channels
    assert not load_model(str(sound["pixel"]), "cpu").info.text


@pytest.mark.parametrize("kind", ["latent", "inpaint"])
def test_every_input_has_a_say_in_the_networks_answer(sound, kind) -> None:
    model = load_model(str(sound[kind]), "cpu", torch.float32)
    x_t, other = torch.randn(2, *model.space.shape[1:]).split(1)
    mask = torch.ones(1, 1, *model.space.shape[2:])
    told = replace(model.encode_text("a cat"), mask=mask, known=torch.zeros(model.space.shape))
    answer = model.network(x_t, 0.5, told)
    assert answer.shape == x_t.shape
    assert answer.dtype == torch.float32
    assert not torch.allclose(answer, model.network(other, 0.5, told))
    assert not torch.allclose(answer, model.network(x_t, 0.9, told))
    assert not torch.equal(answer, model.network(x_t, 0.5, told.prompted(model.encode_text("a dog"))))
    if kind == "inpaint":
        assert not torch.allclose(answer, model.network(x_t, 0.5, Condition(told.text, None, mask * 0, told.known)))
        assert not torch.allclose(answer, model.network(x_t, 0.5, Condition(told.text, None, mask, told.known + 1)))
        with pytest.raises(ValueError, match="mask"):
            model.network(x_t, 0.5, Condition(told.text))


@pytest.mark.parametrize("prompt", ["x" * 700, "🍎🌳" * 50, "תפוח אדום", "\ud800", "\n\t\0", "   "])
def test_a_prompt_of_any_kind_is_read(sound, prompt) -> None:
    words = load_model(str(sound["latent"]), "cpu").encode_text(prompt)
    assert words.text.shape[:2] == words.text_mask.shape
    assert words.text.shape[1] % 77 == 0
    assert words.text.isfinite().all()


def test_bfloat16_gives_nearly_the_answer_of_float32(sound) -> None:
    one, other = (load_model(str(sound["latent"]), "cpu", dtype) for dtype in (torch.float32, torch.bfloat16))
    x_t = torch.randn(one.space.shape, generator=torch.Generator().manual_seed(0))
    a, b = (model.network(x_t, 0.5, model.encode_text("a cat")) for model in (one, other))
    assert not torch.equal(a, b)
    assert (a - b).abs().max() < 0.05 * a.abs().max()


def test_weights_that_come_in_half_precision_alone_open(folder) -> None:
    for file in folder.rglob("*.safetensors"):
        file.rename(file.with_suffix(".fp16.safetensors"))
    assert load_model(str(folder), "cpu").info.size == 32


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"_class_name": "StableCascadePipeline"}, "'StableCascadePipeline'"),
        ({"_class_name": ["os", "system"]}, "cannot open"),
        ({"_class_name": None}, "cannot open"),
        ({"unet": ["os", "system"]}, "'system'"),
        ({"unet": ["diffusers", "SomethingElse"]}, "'SomethingElse'"),
        ({"unet": []}, "unet"),
        ({"unet": ["diffusers", ["UNet2DModel"]]}, "unet"),
        ({"vae": ["my_module", "AutoencoderTiny"]}, "'AutoencoderTiny'"),
        ({"tokenizer": ["transformers", "AutoTokenizer"]}, "'AutoTokenizer'"),
        ({"text_encoder": ["transformers", "T5EncoderModel"]}, "'T5EncoderModel'"),
        ({"scheduler": ["diffusers", "MyScheduler"]}, "'MyScheduler'"),
        ({"transformer": ["diffusers", "MyTransformer2DModel"]}, "'MyTransformer2DModel'"),
        ({"controlnet": ["elsewhere", "run_me"]}, "'run_me'"),
        ({"vae": [None, None]}, "has no vae"),
        ({"unet": ["diffusers", "UNet2DModel"]}, "reads no prompt|not a compatible model"),
        ({"_class_name": "DDPMPipeline"}, "UNet2DModel is expected"),
    ],
)
def test_a_class_that_we_do_not_know_is_refused_by_name(folder, entries, words) -> None:
    changed(folder / "model_index.json", **entries)
    refused(folder, words)


def test_a_refused_folder_imports_neither_diffusers_nor_what_it_names(folder) -> None:
    changed(folder / "model_index.json", unet=["antigravity", "fly"])
    code = """
import sys
from paintdiff.engine.model import load_model
try:
    load_model(sys.argv[1], "cpu")
except Exception as error:
    print(type(error).__name__)
print(sorted({"diffusers", "transformers", "antigravity"} & set(sys.modules)))
"""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, cwd=root, timeout=120
    )
    assert done.stdout.split() == ["UserError", "[]"], done.stderr


@pytest.mark.parametrize(
    ("file", "entries", "words"),
    [
        ("unet/config.json", {"in_channels": 8}, "conv_in.weight is 8 × 8"),
        ("unet/config.json", {"out_channels": 8}, "conv_out.weight is 8 × 8"),
        ("unet/config.json", {"cross_attention_dim": 768}, "cross_attention_dim is 768"),
        ("unet/config.json", {"sample_size": None}, "how large"),
        ("unet/config.json", {"addition_embed_type": "text_time"}, "addition_embed_type|not a compatible model"),
        ("unet/config.json", {"time_cond_proj_dim": 256}, "not those of its config"),
        ("unet/config.json", {"block_out_channels": [8, 32]}, "not those of its config"),
        ("unet/config.json", {"down_block_types": ["Nonsense", "DownBlock2D"]}, "is built like it"),
        ("vae/config.json", {"latent_channels": 16}, "latent_channels is 16"),
        ("scheduler/scheduler_config.json", {"prediction_type": "guess"}, "'guess'"),
        ("scheduler/scheduler_config.json", {"beta_schedule": "steep"}, "'steep'"),
        ("scheduler/scheduler_config.json", {"num_train_timesteps": "many"}, "num_train_timesteps is 'many'"),
    ],
)
def test_parts_that_do_not_fit_together_are_one_clear_sentence(folder, file, entries, words) -> None:
    changed(folder / file, **entries)
    refused(folder, words)


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_pickled_weights_are_refused_and_never_opened(folder, part) -> None:
    (weights,) = (folder / part).glob("*.safetensors")
    weights.rename(weights.with_suffix(".bin"))
    refused(folder, "pickles")


@pytest.mark.parametrize("name", ["unet/config.json", "vae/config.json", "scheduler/scheduler_config.json"])
@pytest.mark.parametrize("text", [None, "", "[]", "{", "[" * 100_000])
def test_a_missing_or_damaged_config_names_its_file(folder, name, text) -> None:
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(text)
    refused(folder, Path(name).name)


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder", "tokenizer"])
def test_a_missing_part_is_one_clear_sentence(folder, part) -> None:
    shutil.rmtree(folder / part)
    refused(folder, f"no folder {part}")


def test_the_tokenizer_files_of_older_checkpoints_open_too(sound, folder) -> None:
    parts = folder / "tokenizer"
    (parts / "tokenizer.json").unlink()
    (parts / "vocab.json").write_text(json.dumps(vocabulary()))
    (parts / "merges.txt").write_text("#version: 0.2\n" + "\n".join(map(" ".join, MERGES)) + "\n")
    new, old = (load_model(str(folder), "cpu", torch.float32) for folder in (sound["latent"], folder))
    assert torch.equal(new.encode_text("a red apple").text, old.encode_text("a red apple").text)
    assert not torch.equal(old.encode_text("a red apple").text, old.encode_text("a rad apple").text)


@pytest.mark.parametrize("part", ["unet", "text_encoder"])
def test_one_part_of_a_checkpoint_is_not_a_model(folder, part) -> None:
    refused(folder / part, "holds model_index.json")


def test_a_tokenizer_without_words_is_refused(folder) -> None:
    for file in (folder / "tokenizer").iterdir():
        if file.name != "tokenizer_config.json":
            file.unlink()
    refused(folder, "tokenizer is not whole")


@pytest.mark.parametrize("keep", [0, 4, 100, 5000])
@pytest.mark.parametrize("part", ["unet", "text_encoder"])
def test_cut_weights_are_one_clear_sentence(folder, part, keep) -> None:
    (weights,) = (folder / part).glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:keep])
    refused(folder, "not a valid model")


def missing(tensors: dict[str, torch.Tensor]) -> None:
    del tensors["conv_out.weight"]


def reshaped(tensors: dict[str, torch.Tensor]) -> None:
    tensors["conv_out.weight"] = tensors["conv_out.weight"][:, :2].contiguous()


@pytest.mark.parametrize("damage", [missing, reshaped])
def test_weights_of_another_network_are_never_filled_up_with_random_ones(
    folder, damage: Callable[[dict[str, torch.Tensor]], None]
) -> None:
    (weights,) = (folder / "unet").glob("*.safetensors")
    tensors = load_file(weights)
    damage(tensors)
    save_file(tensors, weights, metadata={"format": "pt"})
    refused(folder, "not a compatible model")


def test_opening_a_folder_touches_no_network_and_runs_no_code_from_it(folder) -> None:
    for part in (folder, folder / "unet"):
        (part / "pipeline.py").write_text("raise SystemExit('code from the folder was run')")
    changed(folder / "model_index.json", _module="pipeline")
    changed(folder / "unet/config.json", auto_map={"AutoModel": "pipeline.Model"}, _class_name="Model")
    code = """
import socket, sys
def refuse(*arguments, **options):
    raise SystemExit("the network was touched")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
from paintdiff.engine.model import load_model
print(load_model(sys.argv[1], "cpu").info.name)
"""
    root = Path(__file__).parents[3]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, cwd=root, timeout=300,
        env=environment,
    )  # fmt: skip
    assert done.stdout.strip() == "copy", done.stderr
    assert done.stderr == ""
