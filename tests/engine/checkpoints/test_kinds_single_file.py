"""Checkpoints of one file: the same model as the folder with the same weights, and what such a file leaves open."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import load_file, save_file
from torch import Tensor

from paintdiff.engine.checkpoints.clip_vocabulary import OPENCLIP_PAD, clip_tokenizer
from paintdiff.engine.checkpoints.single_file import V_SIGN, guessed
from paintdiff.engine.model import Model, load_model
from paintdiff.generation.errors import UserError
from tests import single_files
from tests.single_files import save_folder, save_single

KINDS = {
    "sd1": (single_files.sd1, {}), "sd1-inpaint": (single_files.sd1, {"mask_channels": True}),
    "sd2": (single_files.sd2, {}), "sdxl": (single_files.sdxl, {}),
    "sdxl-inpaint": (single_files.sdxl, {"mask_channels": True}),
}  # fmt: skip

REPEATING = ("sd1-inpaint", "sdxl")  # what the other kinds show together


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("single")


@pytest.fixture(scope="module")
def parts() -> dict[str, Any]:
    return single_files.sd1()


@pytest.fixture(scope="module")
def file(root: Path, parts: dict[str, Any]) -> Path:
    return save_single(parts, root / "painter.safetensors")


def opened(source: Path) -> Model:
    return load_model(str(source), "cpu", torch.float32)


def answer(model: Model, prompt: str) -> Tensor:
    """What the network says of some latents, smaller than those that it works on."""
    generator = torch.Generator().manual_seed(2)
    condition = model.encode_text(prompt)
    x_t = torch.randn(1, 4, 8, 8, generator=generator)
    if model.mask_channels:
        condition = replace(condition, mask=torch.ones(1, 1, 8, 8), known=x_t / 2)
    with torch.no_grad():
        return model.network(x_t, 0.5, condition)


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.slow if kind in REPEATING else ()) for kind in KINDS]
)
def test_a_single_file_is_the_same_model_as_the_folder_with_its_weights(root, kind) -> None:
    make, options = KINDS[kind]
    parts = make(**options)
    one, other = opened(save_single(parts, root / f"{kind}.safetensors")), opened(save_folder(parts, root / kind))
    assert one.info.mask_channels == other.info.mask_channels == ("inpaint" in kind)
    assert one.info.size == other.info.size == (1024 if "xl" in kind else 512)
    assert one.predicts == other.predicts
    assert (one.schedule.alphas == other.schedule.alphas).all()
    assert torch.equal(answer(one, "a red apple"), answer(other, "a red apple"))
    for prompt in ("a red apple", ""):
        mine, theirs = one.encode_text(prompt), other.encode_text(prompt)
        assert torch.equal(mine.text, theirs.text)
        assert (mine.pooled is None) == (theirs.pooled is None)
    pixels = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(3)) * 2 - 1
    with torch.no_grad():
        assert torch.equal(one.space.from_pixels(pixels), other.space.from_pixels(pixels))
        latents = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(4))
        assert torch.equal(one.space.to_pixels(latents), other.space.to_pixels(latents))


def test_sd2_reads_prompts_through_open_clip_as_diffusers_does(root) -> None:
    folder = save_folder(single_files.sd2(prediction="v_prediction"), root / "sd2-v")
    pipeline = StableDiffusionPipeline.from_pretrained(folder, local_files_only=True)
    model = opened(folder)
    assert model.predicts == "v"
    for prompt in ("a red apple", ""):
        expected, _ = pipeline.encode_prompt(prompt, "cpu", 1, False)
        torch.testing.assert_close(model.encode_text(prompt).text, expected)


def test_the_vocabulary_that_ships_is_that_of_clip() -> None:
    """The numbers are those that CLIP's own documentation gives for this sentence."""
    ids = clip_tokenizer()("a photo of an astronaut riding a horse").input_ids
    assert ids == [49406, 320, 1125, 539, 550, 18376, 6765, 320, 4558, 49407]
    padded = clip_tokenizer(OPENCLIP_PAD)("a", padding="max_length", max_length=5).input_ids
    assert padded == [49406, 320, 49407, 0, 0]


def test_opening_a_single_file_touches_no_network(file) -> None:
    code = """
import socket, sys
def refuse(*arguments, **options):
    raise SystemExit("the network was touched")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
from paintdiff.engine.model import load_model
print(load_model(sys.argv[1], "cpu").info.name)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, cwd=Path(__file__).parents[3],
        timeout=300, env={"HF_HOME": "/nowhere", "PATH": "", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.stdout.strip() == "painter", done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("name", "marks", "beside", "predicts", "pure"),
    [
        ("plain", (), {}, "eps", False),
        ("marked", ("v_pred",), {}, "v", False),
        ("pure", ("v_pred", "ztsnr"), {}, "v", True),
        ("noob-vpred-1", (), {}, "v", False),
        ("beside", (), {"beside.json": '{"prediction_type": "v_prediction"}'}, "v", False),
        ("levels", ("v_pred",), {"levels.json": '{"rescale_betas_zero_snr": true}'}, "v", True),
        ("old", (), {"old.yaml": 'model:\n  params:\n    parameterization: "v"\n'}, "v", False),
        ("not-vpred", (), {"not-vpred.json": '{"prediction_type": "epsilon"}'}, "eps", False),
        ("foreign", (), {"foreign.json": "[", "foreign.yaml": "\x00"}, "eps", False),
    ],
)
def test_what_the_network_predicts_is_told_by_marks_files_beside_it_and_its_name(
    root, parts, name, marks, beside, predicts, pure
) -> None:
    path = save_single(parts, root / f"{name}.safetensors", **{mark: torch.zeros(1) for mark in marks})
    for other, text in beside.items():
        (root / other).write_text(text)
    model = opened(path)
    assert model.predicts == predicts
    assert (model.schedule.alphas[-1] == 0) == pure


@pytest.mark.parametrize(
    ("spread", "predicts"), [(0.2, "v_prediction"), (0.01, "epsilon"), (None, "epsilon")]
)
def test_the_spread_of_the_last_norm_says_what_sd2_predicts(spread, predicts) -> None:
    noise = torch.randn(320, generator=torch.Generator().manual_seed(1))
    assert guessed({} if spread is None else {V_SIGN: noise * spread}) == predicts


def dropped(tensors: dict[str, Tensor], start: str) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(start)}


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ("first_stage_model.", "only the denoiser"), ("cond_stage_model.", "only the denoiser"),
        ("model.diffusion_model.", "not a compatible model"),
        ("model.diffusion_model.input_blocks.1.0.in_layers.0.", "missing"),
        ("first_stage_model.decoder.conv_in.", "missing"),
        ("cond_stage_model.transformer.text_model.encoder.", "missing"),
    ],
)  # fmt: skip
def test_a_file_that_lacks_something_is_one_clear_sentence(file, tmp_path, start, words) -> None:
    path = tmp_path / "cut.safetensors"
    save_file(dropped(load_file(file), start), path)
    with pytest.raises(UserError, match=words) as raised:
        opened(path)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_no_checkpoint_is_refused(file, tmp_path) -> None:
    for name, content, words in (("a.ckpt", b"PK", "pickle"), ("a.safetensors", b"", "empty")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=words):
            opened(tmp_path / name)
    damaged = load_file(file)
    damaged["model.diffusion_model.out.2.weight"] *= float("nan")
    save_file(damaged, tmp_path / "nan.safetensors")
    with pytest.raises(UserError, match="not numbers"):
        opened(tmp_path / "nan.safetensors")


def test_a_damaged_file_beside_a_checkpoint_is_named_when_it_names_an_unknown_prediction(file, tmp_path) -> None:
    path = tmp_path / "copy.safetensors"
    path.write_bytes(file.read_bytes())
    path.with_suffix(".json").write_text(json.dumps({"prediction_type": "guess"}))
    with pytest.raises(UserError, match="'guess'"):
        opened(path)
