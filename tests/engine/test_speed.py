"""Speed that costs nothing: what is not encoded twice, not decoded for a glance, and not computed after a cancel."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from diffusers.models.attention_processor import AttnProcessor2_0
from torch.nn.modules.module import register_module_forward_pre_hook

from paintdiff.engine.checkpoints.latent_space import LatentSpace
from paintdiff.engine.checkpoints.sketch import Sketch, colour_chart, sketch_of
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.hardware.caches import KEPT, Encodings
from paintdiff.engine.model import load_model
from paintdiff.generation.cancel import Cancelled, CancelToken
from paintdiff.generation.request import Request
from paintdiff.generation.result import Progress
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from tests.tiny_checkpoints import BlockAutoencoder, tiny_stable_diffusion

CPU = torch.device("cpu")
FRAME = Rect(0, 0, 32, 32)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("speed")
    return {
        name: str(tiny_stable_diffusion(root / name, mask_channels=name == "inpaint")) for name in ("base", "inpaint")
    }


def request(model: str, **sampling) -> Request:
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 4), np.uint8)
    picture[..., 3] = 255
    change_map = np.zeros((32, 32), np.uint8)
    change_map[8:24, 8:24] = 255
    asked = Sampling(**{"prompt": "red", "steps": 3, "candidates": 1, "method": "replace"} | sampling)
    return Request("inpaint", FRAME, FRAME, picture, change_map, asked, model, "cpu", feather=0)


@contextmanager
def counted() -> Iterator[dict[str, list[int]]]:
    """How often autoencoders encode and decode within it, and the side in pixels or latents of each picture."""
    sides: dict[str, list[int]] = {"Encoder": [], "Decoder": []}

    def before(module: torch.nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
        kind = type(module).__name__
        if kind in sides:
            sides[kind].append(arguments[0].shape[-1])

    hook = register_module_forward_pre_hook(before)
    try:
        yield sides
    finally:
        hook.remove()


@pytest.mark.parametrize(("name", "pictures"), [("base", 1), ("inpaint", 2)])
def test_the_same_mask_again_with_a_new_seed_and_prompt_encodes_nothing(folders, name, pictures) -> None:
    """A model with mask channels looks at the picture and at the picture without what is repainted."""
    engine = DiffusionEngine()
    with counted() as first:
        engine.generate(request(folders[name], candidates=2), lambda progress: None, CancelToken())
    assert first["Encoder"].count(32) == pictures, "once for both candidates"
    assert len(first["Encoder"]) <= pictures + 1, "and once a chart of colours, for the sketch"
    with counted() as second:
        result = engine.generate(request(folders[name], seed=7, prompt="a cat"), lambda progress: None, CancelToken())
    assert second == {"Encoder": [], "Decoder": [8]}
    fresh = DiffusionEngine().generate(request(folders[name], seed=7, prompt="a cat"), lambda _: None, CancelToken())
    assert np.array_equal(fresh.candidates[0].patch, result.candidates[0].patch), "what was kept is what it would be"


def test_another_mask_or_picture_is_encoded(folders) -> None:
    engine, asked = DiffusionEngine(), request(folders["base"])
    engine.generate(asked, lambda progress: None, CancelToken())
    other = asked.picture.copy()
    other[0, 0, 0] ^= 255
    wider = asked.change_map.copy()
    wider[7] = 255
    for changed in (replace(asked, picture=other), replace(asked, change_map=wider)):
        with counted() as again:
            engine.generate(changed, lambda progress: None, CancelToken())
        assert again["Encoder"] == [32]


def test_encodings_make_room_for_new_ones() -> None:
    encodings, calls = Encodings(), []

    def encode(pixels: torch.Tensor) -> torch.Tensor:
        calls.append(float(pixels[0, 0, 0, 0]))
        return pixels + 1

    for value in (*range(KEPT), 0, KEPT, 0, 1):
        assert encodings.of(torch.full((1, 3, 2, 2), float(value)), encode).mean() == value + 1
    assert calls == [*range(KEPT), KEPT, 1], "the one looked at longest ago went"
    encodings.of(torch.zeros(1, 3, 1, 4), encode)
    assert len(calls) == KEPT + 3, "the same bytes in another shape are another picture"


def test_a_cancelled_run_decodes_nothing(folders) -> None:
    engine = DiffusionEngine()
    for stop in (0, 1, 3):
        cancel = CancelToken()

        def report(progress: Progress, stop: int = stop, cancel: CancelToken = cancel) -> None:
            if progress.stage == "sampling" and progress.step == stop:
                cancel.cancel()

        with counted() as sides, pytest.raises(Cancelled):
            engine.generate(request(folders["inpaint"]), report, cancel)
        assert sides["Decoder"] == [], stop


def test_a_cancel_is_obeyed_in_the_middle_of_a_step_and_of_the_decoding(folders) -> None:
    engine, blocks = DiffusionEngine(), []
    engine.load(folders["base"], "cpu")
    for last in ("CrossAttnDownBlock2D", "Decoder"):
        cancel, after = CancelToken(), []

        def before(module: torch.nn.Module, arguments: object, last: str = last, cancel=cancel, after=after) -> None:
            if cancel.cancelled:
                after.append(type(module).__name__)
            if type(module).__name__ == last:
                cancel.cancel()

        hook = register_module_forward_pre_hook(before)
        try:
            with pytest.raises(Cancelled):
                engine.generate(request(folders["base"]), lambda progress: None, cancel)
        finally:
            hook.remove()
        assert after == [], "the block that the cancel met was the last one to begin"
        blocks.append(last)
    assert engine.generate(request(folders["base"]), lambda progress: None, CancelToken()).candidates
    assert engine._model is not None
    assert not any(module._forward_pre_hooks for module in engine._model.networks[-1].modules()), "nothing stays behind"


def test_a_run_is_previewed_without_decoding(folders) -> None:
    seen: list[Progress] = []
    with counted() as sides:
        DiffusionEngine().generate(request(folders["base"], steps=4), seen.append, CancelToken())
    assert any(progress.preview is not None for progress in seen)
    assert sides["Decoder"] == [8], "the result, and nothing else"


def test_a_sketch_of_a_linear_autoencoder_shows_the_colours_of_any_picture() -> None:
    autoencoder = BlockAutoencoder()
    sketch = sketch_of(autoencoder.encode, 8, CPU)
    smooth = np.linspace(0, 255, 64, dtype=np.float32)
    picture = np.stack([np.tile(smooth, (64, 1)), np.tile(smooth[:, None], (1, 64)), np.full((64, 64), 90.0)], -1)
    pixels = torch.from_numpy(picture.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
    shown = sketch(autoencoder.encode(pixels))
    assert shown.shape == picture.shape
    assert np.abs(shown - picture)[8:-8, 8:-8].max() < 4
    assert len(np.unique(colour_chart(2).reshape(-1, 3), axis=0)) == 64
    assert isinstance(sketch, Sketch)


@pytest.fixture(scope="module")
def tiny() -> AutoencoderTiny:
    torch.manual_seed(8)
    return AutoencoderTiny(
        encoder_block_out_channels=(4, 4, 4), decoder_block_out_channels=(4, 4, 4), num_encoder_blocks=(1, 1, 1),
        num_decoder_blocks=(1, 1, 1),
    )  # fmt: skip


def test_a_tiny_autoencoder_in_the_models_folder_decodes_the_previews(tmp_path: Path, tiny: AutoencoderTiny) -> None:
    folder = tiny_stable_diffusion(tmp_path / "model")
    tiny.save_pretrained(folder / "taesd")
    space = load_model(str(folder), "cpu", torch.float32).space
    assert isinstance(space, LatentSpace)
    x0 = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = (tiny.decode(x0).sample[0].clamp(-1, 1).permute(1, 2, 0) + 1) * 127.5
        assert space.look(x0) == pytest.approx(expected.numpy(), abs=0.01)
        assert not np.allclose(space.look(x0), space.decode(x0), atol=1)


def test_a_tiny_autoencoder_is_found_in_the_hub_cache_by_the_latents_that_it_reads(tmp_path, tiny, monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    snapshot = tmp_path / "hub" / "models--madebyollin--taesd" / "snapshots" / ("0" * 40)
    snapshot.parent.mkdir(parents=True)
    tiny.save_pretrained(snapshot)
    folder = tiny_stable_diffusion(tmp_path / "model")
    assert load_model(str(folder), "cpu").space.tiny is None, "those are other latents"
    config = folder / "vae" / "config.json"
    config.write_text(config.read_text().replace('"scaling_factor": 2.0', '"scaling_factor": 0.18215'))
    assert load_model(str(folder), "cpu").space.tiny is not None


def test_a_damaged_tiny_autoencoder_is_no_reason_to_refuse_the_model(tmp_path, tiny, caplog) -> None:
    folder = tiny_stable_diffusion(tmp_path / "model")
    tiny.save_pretrained(folder / "taesd")
    (folder / "taesd" / "diffusion_pytorch_model.safetensors").write_bytes(b"\0" * 100)
    space = load_model(str(folder), "cpu").space
    assert space.tiny is None
    assert "cannot be used" in caplog.text
    assert space.look(torch.zeros(1, 4, 8, 8)).shape == (32, 32, 3)


def test_attention_is_fused_and_channels_come_last(folders) -> None:
    parts = load_model(folders["base"], "cpu").parts
    assert {type(each) for each in parts.denoiser.attn_processors.values()} == {AttnProcessor2_0}
    assert isinstance(parts.vae, AutoencoderKL)
    for network in (parts.denoiser, parts.vae):
        weight = network.conv_in.weight if network is parts.denoiser else network.decoder.conv_in.weight
        assert weight.is_contiguous(memory_format=torch.channels_last)
