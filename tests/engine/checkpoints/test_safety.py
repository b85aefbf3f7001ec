"""The safety checker of a checkpoint: honoured, switched off, and never silent."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import CLIPConfig
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from paintdiff.__main__ import main
from paintdiff.engine.checkpoints.safety import SafetyChecker, sentence, veiled
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.model import load_model
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Request
from paintdiff.generation.result import Result
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from tests.tiny_checkpoints import loud, tiny_stable_diffusion

SIDE = 28  # pixels that the tiny checker looks at
NEVER, ALWAYS = 2.0, -2.0  # thresholds above and below every cosine


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_stable_diffusion(tmp_path_factory.mktemp("plain") / "plain")


def checker(threshold: float) -> StableDiffusionSafetyChecker:
    torch.manual_seed(7)
    vision = {
        "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "image_size": SIDE, "patch_size": 7, "projection_dim": 8,
    }  # fmt: skip
    network = loud(StableDiffusionSafetyChecker(CLIPConfig(projection_dim=8, vision_config=vision)).eval())
    network.concept_embeds.data.normal_()
    network.concept_embeds_weights.data.fill_(threshold)
    network.special_care_embeds_weights.data.fill_(NEVER)
    return network


def with_checker(plain: Path, folder: Path, threshold: float) -> str:
    shutil.copytree(plain, folder)
    checker(threshold).save_pretrained(folder / "safety_checker")
    index = json.loads((folder / "model_index.json").read_text())
    index["safety_checker"] = ["stable_diffusion", "StableDiffusionSafetyChecker"]
    (folder / "model_index.json").write_text(json.dumps(index))
    return str(folder)


def generated(model: str, **sampling) -> Result:
    frame = Rect(0, 0, 32, 32)
    picture, whole = np.full((32, 32, 4), 255, np.uint8), np.full((32, 32), 255, np.uint8)
    settings = Sampling(steps=2, **{"candidates": 3} | sampling)
    asked = Request("inpaint", frame, frame, picture, whole, settings, model, "cpu")
    return DiffusionEngine().generate(asked, lambda _: None, CancelToken())


def test_a_model_says_whether_it_brings_a_checker(plain, tmp_path) -> None:
    assert not load_model(str(plain), "cpu").info.safety
    assert load_model(with_checker(plain, tmp_path / "checked", NEVER), "cpu").info.safety


def test_a_checker_that_objects_to_nothing_changes_nothing(plain, tmp_path) -> None:
    free, checked = generated(str(plain)), generated(with_checker(plain, tmp_path / "checked", NEVER))
    assert len(checked.candidates) == 3
    for one, other in zip(free.candidates, checked.candidates, strict=True):
        assert np.array_equal(one.patch, other.patch)
    assert not any("safety" in notice for notice in checked.report.notices)


def test_when_everything_is_held_back_that_is_said_and_what_can_be_done(plain, tmp_path) -> None:
    model = with_checker(plain, tmp_path / "checked", ALWAYS)
    with pytest.raises(UserError, match=r"held back all 3 candidates; .*\(--safety off\)"):
        generated(model)
    with pytest.raises(UserError, match="held back what was painted"):
        generated(model, candidates=1)


def test_it_can_be_switched_off(plain, tmp_path) -> None:
    model = with_checker(plain, tmp_path / "checked", ALWAYS)
    for one, other in zip(generated(str(plain)).candidates, generated(model, safety="off").candidates, strict=True):
        assert np.array_equal(one.patch, other.patch)


@pytest.mark.parametrize("more", [{}, {"windows": (Rect(0, 0, 32, 32), Rect(16, 0, 32, 32))}])
def test_what_it_has_not_seen_yet_is_shown_in_colours_alone(plain, tmp_path, monkeypatch, more) -> None:
    monkeypatch.setattr("paintdiff.engine.job._Throttle.open", True)
    model = with_checker(plain, tmp_path / "checked", NEVER)
    frame = Rect(0, 0, 48, 32) if more else Rect(0, 0, 32, 32)
    picture = np.full((*frame.shape, 4), 255, np.uint8)
    picture[:, :4, :3] = np.random.default_rng(0).integers(0, 256, (frame.h, 4, 3), np.uint8)
    change_map = np.full(frame.shape, 255, np.uint8)
    change_map[:, :4] = 0

    def previews(model: str, safety: str) -> tuple[list[np.ndarray], Result]:
        shown: list[np.ndarray] = []
        settings = Sampling(steps=3, candidates=2, safety=safety, tone="free")
        asked = Request("inpaint", frame, frame, picture, change_map, settings, model, "cpu", feather=0, **more)
        result = DiffusionEngine().generate(
            asked, lambda said: None if said.preview is None else shown.append(said.preview), CancelToken()
        )
        return shown, result

    def detail(shown: list[np.ndarray]) -> float:
        return max(float(np.abs(np.diff(each[:, 4:, :3].astype(float), axis=1)).mean()) for each in shown)

    (checked, result), (free, other), (off, _) = (
        previews(model, "on"), previews(str(plain), "on"), previews(model, "off")
    )  # fmt: skip
    assert len(checked) == len(free) == len(off) > 2
    assert all(np.array_equal(a, b) for a, b in zip(free, off, strict=True))
    assert detail(checked) < detail(free) / 2
    assert all(np.array_equal(each[:, :4], picture[:, :4]) for each in checked), "what is kept is the painter's own"
    for one, two in zip(result.candidates, other.candidates, strict=True):
        assert np.array_equal(one.patch, two.patch)
        if one.trajectory is not None:  # of a candidate that passed, nothing is veiled any more
            assert all(moment.preview is not None for moment in one.trajectory.moments if moment.x0 is not None)


def test_a_veil_leaves_little_of_a_picture() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 40, 3), np.uint8)
    assert veiled(pixels).shape == pixels.shape
    assert veiled(pixels).std() < pixels.std() / 5
    assert veiled(pixels[:1, :1]).shape == (1, 1, 3)


def test_candidates_that_are_held_back_leave_the_others_as_they_were(plain, tmp_path) -> None:
    free = generated(str(plain)).candidates
    looks = SafetyChecker(checker(NEVER))
    with torch.no_grad():
        nearest = sorted((worst(looks, candidate.patch), k) for k, candidate in enumerate(free))
    gap, at = max((nearest[i + 1][0] - nearest[i][0], i) for i in range(2))
    assert gap > 0.003, "no threshold tells some from the others"
    held_back = sorted(k for _, k in nearest[at + 1 :])
    result = generated(with_checker(plain, tmp_path / "checked", nearest[at][0] + gap / 2))
    passed = [k for k in range(3) if k not in held_back]
    assert [candidate.recipe.sampling.seed for candidate in result.candidates] == passed
    for k, candidate in zip(passed, result.candidates, strict=True):
        assert np.array_equal(free[k].patch, candidate.patch)
    assert sentence(held_back, 3) in result.report.notices


def worst(checker: SafetyChecker, patch: np.ndarray) -> float:
    """The cosine with the concept that a picture is most like."""
    network = checker.network
    embedding = network.visual_projection(network.vision_model(checker.seen(patch[..., :3].copy()))[1])
    return float(torch.cosine_similarity(embedding, network.concept_embeds).max())


@pytest.mark.parametrize("shape", [(28, 28), (64, 40), (33, 90)])
def test_it_sees_what_diffusers_would_show_it(shape) -> None:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (4, 4, 3), np.uint8)
    picture = Image.fromarray(coarse).resize(shape[::-1], Image.Resampling.BICUBIC)
    processor = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    theirs = processor(picture, return_tensors="pt").pixel_values
    ours = SafetyChecker(checker(NEVER)).seen(np.asarray(picture))
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() < 0.05


def test_the_command_line_writes_what_was_let_through_and_says_what_was_not(plain, tmp_path, capsys) -> None:
    model = with_checker(plain, tmp_path / "checked", ALWAYS)
    Image.new("RGB", (32, 32)).save(tmp_path / "in.png")
    arguments = ["sdedit", "--image", str(tmp_path / "in.png"), "--out", str(tmp_path / "out.png"), "--steps", "1"]
    arguments += ["--model", model, "--device", "cpu", "--candidates", "2"]
    assert main(arguments) == 2
    assert "safety checker held back all 2 candidates" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()
    assert main([*arguments, "--safety", "off"]) == 0
    assert (tmp_path / "out.png").exists()


def test_a_checker_by_the_names_of_released_files_is_the_same(plain, tmp_path) -> None:
    model = with_checker(plain, tmp_path / "checked", NEVER)
    file = tmp_path / "checked/safety_checker/model.safetensors"
    older = {name.replace("vision_model.", "vision_model.vision_model."): x for name, x in load_file(file).items()}
    older["vision_model.vision_model.embeddings.position_ids"] = torch.arange(17)[None]
    save_file(older, file, {"format": "pt"})
    load = load_model(model, "cpu").safety
    assert load is not None
    ours = load().network.state_dict()
    assert all(torch.equal(ours[name], theirs) for name, theirs in checker(NEVER).state_dict().items())


def test_a_damaged_checker_is_refused_with_the_model(plain, tmp_path) -> None:
    model = with_checker(plain, tmp_path / "checked", NEVER)
    weights = tmp_path / "checked/safety_checker/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(UserError, match="not a valid model"):
        load_model(model, "cpu")


def test_the_sentence_names_the_candidates_as_the_painter_counts_them() -> None:
    assert "held back candidates 1, 2 and 4 of 5;" in sentence([0, 1, 3], 5)
    assert "held back candidate 2 of 4;" in sentence([1], 4)
