"""The engine as the window and the command line use it: requests in, proven patches out."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.model import load_model
from paintdiff.engine.noise import Noise
from paintdiff.generation.cancel import Cancelled, CancelToken
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Request
from paintdiff.generation.result import Progress, Result
from paintdiff.generation.sampling import ADAPTIVE, MAX_SEED, SAMPLERS, Sampling
from paintdiff.image.blending import over
from paintdiff.image.geometry import Rect
from tests.tiny_model import tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture(scope="module")
def engine() -> DiffusionEngine:
    return DiffusionEngine()


def request(model: str, height: int = 24, width: int = 32, **sampling) -> Request:
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 4), np.uint8)
    picture[..., 3] = 255
    change_map = np.zeros((height, width), np.uint8)
    change_map[height // 4 : height // 2 + 1, width // 4 : width // 2 + 1] = 255
    frame = Rect(0, 0, width, height)
    sampling = {"steps": 4, "candidates": 1, "prompt": "a red apple"} | sampling
    return Request("inpaint", frame, frame, picture, change_map, Sampling(**sampling), model, "cpu", feather=0)


def generated(engine: DiffusionEngine, asked: Request, seen: list[Progress] | None = None) -> Result:
    return engine.generate(asked, (seen if seen is not None else []).append, CancelToken())


def same(a: Result, b: Result) -> bool:
    return all(np.array_equal(x.patch, y.patch) for x, y in zip(a.candidates, b.candidates, strict=True))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_same_request_gives_the_same_bytes(engine, model, sampler) -> None:
    asked = request(model, sampler=sampler, eta=0.5, tolerance=0.1, candidates=2)
    first = generated(engine, asked)
    assert same(first, generated(engine, asked))
    assert same(first, generated(DiffusionEngine(), asked))
    assert not np.array_equal(first.candidates[0].patch, first.candidates[1].patch)


def test_candidate_k_is_the_first_candidate_of_seed_plus_k(engine, model) -> None:
    asked = request(model, candidates=3, seed=MAX_SEED - 1)
    result = generated(engine, asked)
    assert [candidate.recipe.sampling.seed for candidate in result.candidates] == [MAX_SEED - 1, MAX_SEED, 0]
    for candidate in result.candidates:
        alone = replace(asked, sampling=candidate.recipe.sampling)
        assert np.array_equal(generated(engine, alone).candidates[0].patch, candidate.patch)


@pytest.mark.parametrize(
    "changed",
    [
        {"prompt": "x"}, {"negative": "grey"}, {"seed": 1}, {"steps": 5}, {"guidance": 5.0}, {"strength": 0.5},
        {"sampler": "ddpm"}, {"sampler": "ddim", "eta": 0.7}, {"spacing": "log_snr"},
        {"sampler": "adaptive"},
    ],
)  # fmt: skip
def test_every_parameter_has_a_say(engine, model, changed) -> None:
    asked = request(model)
    other = replace(asked, sampling=replace(asked.sampling, **changed))
    assert not same(generated(engine, asked), generated(engine, other))


@pytest.mark.parametrize(
    ("sampler", "changed"),
    [
        ("ddim", {"eta": 0.7}), ("ddpm", {"variance": "large"}), ("predictor_corrector", {"corrector": 2}),
        ("predictor_corrector", {"snr": 0.3}), ("predictor_corrector", {"predictor": "reverse_diffusion"}),
        ("adaptive", {"tolerance": 1e-4}),
    ],
)  # fmt: skip
def test_every_parameter_of_a_sampler_has_a_say(engine, model, sampler, changed) -> None:
    asked = request(model, sampler=sampler)
    other = replace(asked, sampling=replace(asked.sampling, **changed))
    assert not same(generated(engine, asked), generated(engine, other))


def test_a_model_that_has_not_learned_its_variance_says_so(engine, model) -> None:
    with pytest.raises(UserError, match="has not learned its variance"):
        generated(engine, request(model, sampler="ddpm", variance="learned"))


def test_a_fill_is_ddim_with_replacement_guidance_and_a_clamp_written_out(tmp_path) -> None:
    """The whole engine against ten plain lines, on a network that overshoots."""
    folder = tiny_model(tmp_path / "loud")
    weights = load_file(folder / "model.safetensors")
    weights["leave.weight"] *= 10
    save_file(weights, folder / "model.safetensors")
    asked = request(str(folder), 16, 16, sampler="ddim", guidance=4.0, negative="grey", tone="free")
    patch = generated(DiffusionEngine(), asked).candidates[0].patch

    model = load_model(str(folder), "cpu")
    known = model.space.encode(asked.picture[..., :3])
    mask = torch.from_numpy(asked.change_map > 0).float()[None, None]
    prompt = replace(model.encode_text("a red apple"), mask=mask, known=known * (1 - mask))
    negative = replace(model.encode_text("grey"), mask=mask, known=prompt.known)
    noise = x_t = Noise(0, (1, 3, 16, 16))(0)
    for t, s in ((1.0, 0.75), (0.75, 0.5), (0.5, 0.25), (0.25, 0.0)):
        towards, away = model.network(torch.cat([x_t, x_t]), t, prompt.with_batch(negative)).chunk(2)
        x0 = mask * (away + 4 * (towards - away)).clamp(-1, 1) + (1 - mask) * known
        eps = mask * (x_t - (1 - t) * x0) / t + (1 - mask) * noise
        x_t = (1 - s) * x0 + s * eps
    painted = asked.change_map > 0
    assert abs(model.space.decode(x_t)[painted] - patch[painted][:, :3]).max() <= 1


def test_a_patch_that_would_change_a_kept_pixel_is_an_error(engine, model, monkeypatch) -> None:
    monkeypatch.setattr("paintdiff.engine.job.kept_pixels", lambda request, patch: (700, 1))
    with pytest.raises(RuntimeError, match="1 of 700 kept pixels"):
        generated(engine, request(model))


def test_another_model_reads_the_prompt_anew(engine, model, tmp_path) -> None:
    other = str(tiny_model(tmp_path / "other", seed=1))
    generated(engine, request(model))
    assert same(generated(engine, request(other)), generated(DiffusionEngine(), request(other)))


def test_progress_counts_over_all_candidates_and_shows_the_picture_forming(engine, model) -> None:
    seen: list[Progress] = []
    asked = request(model, candidates=2, steps=3)
    generated(engine, asked, seen)
    assert [(p.stage, p.step) for p in seen] == [
        ("loading", 0), ("sampling", 0), ("sampling", 1), ("sampling", 2), ("sampling", 3), ("finishing", 3),
        ("sampling", 3), ("sampling", 4), ("sampling", 5), ("sampling", 6), ("finishing", 6),
    ]  # fmt: skip
    previews = [p.preview for p in seen if p.preview is not None]
    assert previews
    for preview in previews:
        assert preview.shape == (12, 16, 4)
        assert preview.dtype == np.uint8
    assert {p.steps for p in seen[1:]} == {6}


def test_the_report_says_what_the_run_cost_and_proved(engine, model) -> None:
    asked = request(model, steps=3, candidates=2)
    report = generated(engine, asked).report
    assert report.network_evaluations == 3 * 2 * 2
    assert report.kept_pixels == np.count_nonzero(asked.change_map == 0)
    assert report.kept_pixels_changed == 0
    assert report.device == "cpu"
    assert set(report.seconds) == {"load", "encode", "sampling", "network", "finish"}
    assert report.seconds["network"] <= report.seconds["sampling"]


@pytest.mark.parametrize("guidance", [0.0, 1.0])
def test_guidance_0_and_1_ask_the_network_once_a_step(engine, model, guidance) -> None:
    assert generated(engine, request(model, steps=3, guidance=guidance)).report.network_evaluations == 3


@pytest.mark.parametrize("prompt", ["", "a cat"])
def test_a_prompt_and_the_same_negative_one_ask_the_network_once_a_step(engine, model, prompt) -> None:
    asked = request(model, steps=3, guidance=4.0, prompt=prompt, negative=prompt)
    assert generated(engine, asked).report.network_evaluations == 3


def test_at_guidance_0_the_prompt_is_ignored(engine, model) -> None:
    a, b = (generated(engine, request(model, guidance=0.0, prompt=prompt)) for prompt in ("a cat", "a dog"))
    assert same(a, b)


@pytest.mark.parametrize("nothing", ["strength", "map"])
def test_a_request_that_changes_nothing_asks_no_network(engine, nothing) -> None:
    asked = request("no-such-model", strength=0.0 if nothing == "strength" else 1.0, candidates=2)
    if nothing == "map":
        asked = replace(asked, change_map=np.zeros_like(asked.change_map))
    result = generated(engine, asked)
    assert [candidate.patch.any() for candidate in result.candidates] == [False, False]
    assert result.report.network_evaluations == 0


def test_transparent_pixels_are_shown_over_the_matte(engine, model) -> None:
    asked = request(model)
    asked.picture[..., 3] = 0
    white, red = (generated(engine, replace(asked, matte=matte)) for matte in ((255, 255, 255), (255, 0, 0)))
    assert not same(white, red)


def test_what_lies_under_a_full_mask_has_no_say_at_full_strength(engine, model) -> None:
    """Nothing of what is repainted may leak: neither through x_t, nor through the channels, nor by resampling."""
    for side in (16, 24, 40, 8):
        asked = request(model, side, side)
        other = asked.picture.copy()
        other[asked.change_map > 0] = 255 - other[asked.change_map > 0]
        other[..., 3] = 255
        assert same(generated(engine, asked), generated(engine, replace(asked, picture=other)))


def test_a_known_picture_has_a_say(engine, model) -> None:
    asked = request(model)
    other = asked.picture.copy()
    other[0, 0, :3] ^= 255
    other[:4, :, :3] ^= 255
    assert not same(generated(engine, asked), generated(engine, replace(asked, picture=other)))


def test_a_prompt_of_any_kind_is_taken(engine, model) -> None:
    for prompt in ("x" * 10_000, "🍎🌳" * 50, "תפוח אדום", "\ud800", "\n\t\0", "   "):
        assert generated(engine, request(model, prompt=prompt, steps=1)).candidates


def test_a_network_that_breaks_down_is_a_clear_sentence_and_the_next_request_works(model, tmp_path) -> None:
    broken = tiny_model(tmp_path / "broken")
    weights = load_file(broken / "model.safetensors")
    weights["leave.bias"][:] = float("nan")
    save_file(weights, broken / "model.safetensors")
    engine = DiffusionEngine()
    with pytest.raises(UserError, match="not numbers"):
        generated(engine, request(str(broken)))
    assert generated(engine, request(model)).candidates


def test_a_model_that_fails_to_load_leaves_the_engine_usable(engine, model) -> None:
    with pytest.raises(UserError):
        engine.load("no-such-model", "cpu")
    assert engine.load(model, "cpu").name == "Tiny"
    assert generated(engine, request(model)).candidates


@st.composite
def requests(draw: st.DrawFn, model: str) -> Request:
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    frame = Rect(draw(st.integers(-30, 30)), draw(st.integers(-30, 30)), width, height)
    canvas = Rect(0, 0, draw(st.integers(1, 60)), draw(st.integers(1, 60)))
    inside = np.zeros(frame.shape, bool)
    overlap = frame.intersected(canvas)
    if not overlap.empty:
        inside[overlap.slices_in(frame)] = True
    picture = rng.integers(0, 256, (height, width, 4), np.uint8) * inside[..., None].astype(np.uint8)
    kind = draw(st.sampled_from(["none", "full", "grey", "dots", "one"]))
    change_map = {
        "none": np.zeros(frame.shape, np.uint8),
        "full": np.full(frame.shape, 255, np.uint8),
        "grey": rng.integers(0, 256, frame.shape, np.uint8),
        "dots": (rng.random(frame.shape) < 0.2).astype(np.uint8) * 255,
        "one": np.zeros(frame.shape, np.uint8),
    }[kind]
    if kind == "one":
        change_map[rng.integers(height), rng.integers(width)] = rng.integers(1, 256)
    change_map[~inside] = 255
    sampling = Sampling(
        prompt=draw(st.text(max_size=20)),
        steps=draw(st.integers(1, 5)),
        guidance=draw(st.floats(0, 30)),
        strength=draw(st.floats(0, 1) | st.sampled_from([0.0, 1.0, 1e-9])),
        seed=draw(st.integers(0, MAX_SEED)),
        sampler=draw(st.sampled_from(sorted(SAMPLERS.keys() - {ADAPTIVE}))),  # it takes long on a random network
        eta=draw(st.floats(0, 1)),
        guidance_rescale=draw(st.floats(0, 1)),
        guidance_until=draw(st.sampled_from([0.0, 0.4])),
        then=draw(st.sampled_from(["", "", "a sky"])),
        switch=draw(st.floats(0, 1)),
        blend=draw(st.floats(0, 1)),
        variation=draw(st.sampled_from([0.0, 0.3, 1.0])),
        candidates=draw(st.integers(1, 2)),
    )
    return Request("inpaint", frame, canvas, picture, change_map, sampling, model, "cpu", draw(st.integers(0, 12)))


RELAXED = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@RELAXED
@given(data=st.data())
def test_any_request_gives_whole_patches_that_keep_what_is_kept(engine, model, data) -> None:
    asked = data.draw(requests(model))
    before = asked.picture.copy(), asked.change_map.copy()
    result = generated(engine, asked)
    assert len(result.candidates) == asked.sampling.candidates
    for candidate in result.candidates:
        assert candidate.patch.shape == (*asked.frame.shape, 4)
        assert candidate.patch.dtype == np.uint8
        kept = asked.change_map == 0
        assert (candidate.patch[kept] == 0).all()
        assert np.array_equal(over(asked.picture, candidate.patch)[kept], asked.picture[kept])
    assert result.report.kept_pixels == np.count_nonzero(asked.change_map == 0)
    assert same(result, generated(engine, asked))
    assert np.array_equal(asked.picture, before[0])
    assert np.array_equal(asked.change_map, before[1])


@RELAXED
@given(data=st.data())
def test_a_cancelled_request_leaves_nothing_behind(engine, model, data) -> None:
    asked = data.draw(requests(model))
    whole = generated(engine, asked)
    total = asked.sampling.steps * asked.sampling.candidates
    stop, cancel, seen = data.draw(st.integers(0, total - 1)), CancelToken(), []

    def report(progress: Progress) -> None:
        seen.append(progress)
        if progress.stage == "sampling" and progress.step >= stop:
            cancel.cancel()

    if whole.report.network_evaluations == 0:
        return
    with pytest.raises(Cancelled):
        engine.generate(asked, report, cancel)
    assert max(progress.step for progress in seen) == stop
    assert same(whole, generated(engine, asked))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 20_000), (20_000, 1), (17, 23), (500, 3)])
def test_frames_of_any_shape_work(engine, model, height, width) -> None:
    asked = request(model, height, width, steps=1)
    result = generated(engine, asked)
    assert result.candidates[0].patch.shape == (height, width, 4)
    assert np.array_equal(result.candidates[0].patch[..., 3] > 0, asked.change_map > 0)


def test_what_lies_beyond_the_canvas_is_made_anew_at_any_strength(engine, model) -> None:
    asked = request(model, strength=0.5)
    picture, change_map = asked.picture.copy(), asked.change_map.copy()
    picture[:, 16:], change_map[:, 16:] = 0, 255
    asked = replace(asked, picture=picture, change_map=change_map, canvas=Rect(0, 0, 16, 24))
    on_white = generated(engine, replace(asked, matte=(255, 255, 255)))
    on_black = generated(engine, replace(asked, matte=(0, 0, 0)))
    assert same(on_white, on_black), "nothing of the matte is left where there was no picture"
