"""The memory ladder: every rung gives the same picture, weights lie where it says, and a full memory means the next."""

import gc
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import ControlNetModel, SD3Transformer2DModel, UNet2DConditionModel
from torch.nn.modules.module import register_module_forward_pre_hook

from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.hardware.device import dtype_of, find_device, free_bytes
from paintdiff.engine.hardware.placement import REPEATED, Placement, lifted, needs_of_parts, place_as_fits, size
from paintdiff.engine.model import load_model
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.errors import UserError
from paintdiff.generation.placing import ALL, GROUP, RUNGS, SEQUENTIAL, TEXT_OFF, TILED, Placing, rung_below
from paintdiff.generation.request import Request
from paintdiff.generation.result import Result
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from tests.tiny_checkpoints import tiny_stable_diffusion
from tests.tiny_flow_checkpoints import tiny_stable_diffusion_3

CPU = torch.device("cpu")
FRAME = Rect(0, 0, 32, 32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_stable_diffusion(tmp_path_factory.mktemp("placement") / "inpaint", mask_channels=True))


def request(folder: str, candidates: int = 1, **placing) -> Request:
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 4), np.uint8)
    picture[..., 3] = 255
    change_map = np.zeros((32, 32), np.uint8)
    change_map[8:24, 8:24] = 255
    sampling = Sampling(prompt="red", steps=2, candidates=candidates)
    asked = Placing(**{"precision": "float32"} | placing)
    return Request("inpaint", FRAME, FRAME, picture, change_map, sampling, folder, "cpu", feather=0, placing=asked)


def generated(engine: DiffusionEngine, asked: Request) -> Result:
    return engine.generate(asked, lambda progress: None, CancelToken())


def differ(a: Result, b: Result) -> int:
    """The largest difference in levels of the first candidates."""
    return int(np.abs(a.candidates[0].patch.astype(int) - b.candidates[0].patch).max())


@pytest.fixture(scope="module")
def whole(folder) -> Result:
    return generated(DiffusionEngine(), request(folder, memory=ALL))


@contextmanager
def room_below(rung: str) -> Iterator[list[str]]:
    """A device on which the network only has room once less of it is resident than on `rung`; yields what was tried.

    What is resident is read off the weights: parameters on no device, or none of its own in the blocks, come and go.
    """
    tried: list[str] = []

    def before(module: torch.nn.Module, arguments: object) -> None:
        if isinstance(module, UNet2DConditionModel):
            tried.append(standing(module))
            if list(RUNGS).index(tried[-1]) <= list(RUNGS).index(rung):
                raise torch.OutOfMemoryError("out of memory, as the allocator says")

    hook = register_module_forward_pre_hook(before)
    try:
        yield tried
    finally:
        hook.remove()


def standing(network: torch.nn.Module) -> str:
    if any(p.is_meta for p in network.parameters()):
        return SEQUENTIAL
    return GROUP if any(hasattr(module, "_diffusers_hook") for module in network.modules()) else TILED


@pytest.mark.parametrize("rung", RUNGS)
def test_every_rung_gives_the_same_picture(folder, whole, rung) -> None:
    engine = DiffusionEngine()
    result = generated(engine, request(folder, memory=rung))
    assert differ(result, whole) <= 1
    assert (result.report.memory, result.report.notices) == (rung, ())
    assert engine.load(folder, "cpu", Placing(rung, "float32")).memory == rung


@pytest.mark.parametrize("rung", [TEXT_OFF, SEQUENTIAL])
def test_text_encoders_whose_weights_stand_in_two_places_read_the_same_from_the_disk(tmp_path, rung) -> None:
    folder = str(tiny_stable_diffusion_3(tmp_path / "sd3"))  # T5 has its words in the model and in its encoder
    whole, placed = (load_model(folder, "cpu", torch.float32, Placing(each)) for each in (ALL, rung))
    with torch.inference_mode():
        wanted, got = whole.encode_text("red"), placed.encode_text("red")
    torch.testing.assert_close(got.text, wanted.text)
    assert placed.parts.text_encoders[2].shared is placed.parts.text_encoders[2].encoder.embed_tokens


@pytest.mark.parametrize("rung", [GROUP, SEQUENTIAL])
def test_lifted_weights_are_what_they_were(folder, rung) -> None:
    plain, placed = (load_model(folder, "cpu", torch.float32, Placing(each)) for each in (ALL, rung))
    for name in ("denoiser", "vae"):
        values = lifted(getattr(placed.parts, name)).state_dict()
        for key, value in getattr(plain.parts, name).state_dict().items():
            assert torch.equal(values[key], value), key


def test_layer_by_layer_keeps_no_weight_in_memory(folder) -> None:
    parts = load_model(folder, "cpu", torch.float32, Placing(SEQUENTIAL)).parts
    assert all(p.is_meta for p in (*parts.denoiser.parameters(), *parts.vae.parameters()))


def test_the_folder_of_weights_that_come_and_go_is_removed_with_the_model(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    model = load_model(folder, "cpu", torch.float32, Placing(SEQUENTIAL))
    assert list(tmp_path.iterdir())
    del model
    gc.collect()
    assert not list(tmp_path.iterdir())


def test_tiles_of_the_autoencoder_are_asked_for_on_their_rung(folder) -> None:
    assert not load_model(folder, "cpu", placing=Placing(TEXT_OFF)).parts.vae.use_tiling
    assert load_model(folder, "cpu", placing=Placing(TILED)).parts.vae.use_tiling


def test_half_the_weights_fit_into_float8_and_the_picture_is_much_the_same(folder, whole) -> None:
    full, half = (load_model(folder, "cpu", torch.bfloat16, Placing(precision=each)) for each in ("auto", "float8"))
    assert size(half.parts.denoiser) < 0.75 * size(full.parts.denoiser)
    assert half.castable is None
    result = generated(DiffusionEngine(), request(folder, memory=GROUP, precision="float8"))
    painted = result.candidates[0].patch[..., 3] > 0
    difference = result.candidates[0].patch[painted].astype(float) - whole.candidates[0].patch[painted]
    assert np.abs(difference).mean() < 20


def test_out_of_memory_steps_down_says_so_and_begins_the_candidate_again(folder, whole) -> None:
    engine, seen = DiffusionEngine(), []
    with room_below(TILED) as tried:
        result = engine.generate(request(folder, 2, memory=TEXT_OFF), seen.append, CancelToken())
    assert tried == [TILED, TILED, TILED, TILED] + [GROUP] * 4, "two rungs, each first with half a batch; then both"
    assert result.report.memory == GROUP
    assert [notice.split("(")[1].split(")")[0] for notice in result.report.notices] == [RUNGS[TILED], RUNGS[GROUP]]
    assert all("Memory ran out" in notice for notice in result.report.notices)
    assert differ(result, whole) <= 1
    assert len(result.candidates) == 2
    again = generated(engine, request(folder, memory=TEXT_OFF))
    assert (again.report.memory, again.report.notices) == (GROUP, ()), "the next job stays there"


def test_finished_candidates_are_kept_when_the_memory_runs_out_in_a_later_one(folder) -> None:
    engine, calls = DiffusionEngine(), []
    expected = generated(engine, request(folder, 2, memory=TILED))

    def before(module: torch.nn.Module, arguments: object) -> None:
        if isinstance(module, UNet2DConditionModel):
            calls.append(standing(module))
            if len(calls) in (4, 5):  # within the second candidate
                raise torch.OutOfMemoryError("out of memory")

    hook = register_module_forward_pre_hook(before)
    try:
        result = generated(engine, request(folder, 2, memory=TILED))
    finally:
        hook.remove()
    assert calls == [TILED] * 5 + [GROUP] * 2, "the first candidate was not made again"
    for one, other in zip(result.candidates, expected.candidates, strict=True):
        assert np.abs(one.patch.astype(int) - other.patch).max() <= 1
        assert one.recipe == other.recipe


def test_below_the_last_rung_there_is_a_clear_error_and_the_next_job_works(folder, whole) -> None:
    engine = DiffusionEngine()
    with room_below(SEQUENTIAL) as tried, pytest.raises(UserError, match="ran out of memory; close what else"):
        generated(engine, request(folder, memory=GROUP))
    assert set(tried) == {GROUP, SEQUENTIAL}
    result = generated(engine, request(folder, memory=GROUP))
    assert differ(result, whole) <= 1
    assert (result.report.memory, result.report.notices) == (GROUP, ())


def test_another_model_frees_the_last_one(folder, tmp_path) -> None:
    other = str(tiny_stable_diffusion(tmp_path / "other"))
    engine = DiffusionEngine()
    for rung in (ALL, GROUP, SEQUENTIAL):
        generated(engine, request(folder, memory=rung))
        assert engine._model is not None
        assert engine._model.parts is not None
        last = [weakref.ref(each) for each in (engine._model, engine._model.parts.denoiser, engine._model.parts.vae)]
        engine.load(other, "cpu")
        assert [each() for each in last] == [None] * 3, rung


def test_the_rung_is_the_highest_that_the_free_memory_allows(folder) -> None:
    parts = load_model(folder, "cpu", torch.float32).parts
    needs = needs_of_parts(parts, 32)
    needed = [needs.at(rung) for rung in RUNGS]
    assert needed == sorted(needed, reverse=True)
    for rung in RUNGS:
        assert needs.at(needs.rung(round(needs.at(rung) / 0.9 + 1))) == needs.at(rung)
    assert needs.rung(0) is None


def test_a_model_that_does_not_fit_begins_on_a_lower_rung(folder, monkeypatch) -> None:
    needs = needs_of_parts(load_model(folder, "cpu", torch.float32).parts, 32)
    for free, rung in ((2**40, ALL), (round(needs.at(GROUP) / 0.9) + 1, GROUP), (1, SEQUENTIAL)):
        monkeypatch.setattr("paintdiff.engine.model.free_bytes", lambda device, free=free: free)
        assert load_model(folder, "cpu", torch.float32).info.memory == rung


def test_weights_of_the_parts_are_counted_whole(folder) -> None:
    parts = load_model(folder, "cpu", torch.float32).parts
    needs, one = needs_of_parts(parts, 32), sum(p.numel() * 4 for p in parts.denoiser.parameters())
    assert needs.network == one
    assert 0 < needs.layer < needs.block < needs.network
    assert needs_of_parts(replace(parts, text_encoders=()), 32).text == 0


def test_devices_and_precisions_are_chosen_or_refused_in_a_sentence() -> None:
    assert find_device("cpu") == CPU
    assert free_bytes(CPU) > 2**20
    assert dtype_of("float16", CPU) == torch.float16
    assert dtype_of("float8", CPU) == torch.bfloat16
    assert dtype_of("float8", torch.device("cuda")) in (torch.bfloat16, torch.float16)
    with pytest.raises(UserError, match="float8"):
        dtype_of("float8", torch.device("mps"))
    with pytest.raises(UserError, match="not known"):
        find_device("abacus")
    if torch.version.hip is None:
        with pytest.raises(UserError, match="no rocm device"):
            find_device("rocm")


def test_an_unknown_rung_or_precision_is_refused_in_a_sentence() -> None:
    with pytest.raises(UserError, match="memory 'none' is not known"):
        Placing(memory="none")
    with pytest.raises(UserError, match="precision 'int3' is not known"):
        Placing(precision="int3")
    assert rung_below(SEQUENTIAL) is None


def test_compiling_for_the_cpu_is_refused_in_a_sentence(folder) -> None:
    with pytest.raises(UserError, match="graphics cards"):
        load_model(folder, "cpu", placing=Placing(compile=True))


def test_without_triton_compiling_is_refused_before_anything_is_placed(folder, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "triton", None)
    parts = load_model(folder, "cpu").parts
    with pytest.raises(UserError, match="needs the package triton"):
        place_as_fits(parts, 32, torch.device("cuda"), Placing(compile=True), 2**40)
    assert {p.device for p in parts.denoiser.parameters()} == {CPU}


def test_the_blocks_that_a_network_repeats_are_compiled_also_in_those_that_do_not_name_them(folder) -> None:
    """Compiling begins with the first call, so that it can be asked for here."""
    placement = Placement(CPU, compiled=True)
    unet = load_model(folder, "cpu").parts.denoiser
    flow = SD3Transformer2DModel(
        sample_size=8, num_layers=2, attention_head_dim=4, num_attention_heads=2, joint_attention_dim=8,
        caption_projection_dim=8, pooled_projection_dim=8, pos_embed_max_size=8,
    )  # fmt: skip
    for network in (unet, ControlNetModel.from_unet(unet), flow):
        placement.network(network)
        compiled = {type(each).__name__ for each in network.modules() if each._compiled_call_impl is not None}
        assert compiled == ({"JointTransformerBlock"} if network is flow else {"BasicTransformerBlock"})


def test_a_machine_that_cannot_compile_says_so_in_a_sentence(folder) -> None:
    def no_compiler(*_: object) -> None:
        raise RuntimeError("Failed to find C compiler.")

    engine = DiffusionEngine()
    engine.load(folder, "cpu", request(folder).placing)
    assert engine._model is not None
    for block in engine._model.parts.denoiser.modules():
        if type(block).__name__ in REPEATED:
            block.compile(backend=no_compiler)
    with pytest.raises(UserError, match=r"cannot be compiled on this machine .*Failed to find C compiler"):
        generated(engine, request(folder))


def test_weights_in_float8_count_as_what_they_take(folder, monkeypatch) -> None:
    full = needs_of_parts(load_model(folder, "cpu", torch.bfloat16).parts, 32)
    half = needs_of_parts(load_model(folder, "cpu", torch.bfloat16, Placing(precision="float8")).parts, 32)
    assert half.network < 0.75 * full.network
    between = round((half.at(ALL) + full.at(ALL)) / 2 / 0.9)
    monkeypatch.setattr("paintdiff.engine.model.free_bytes", lambda device: between)
    assert load_model(folder, "cpu", torch.bfloat16, Placing(precision="float8")).info.memory == ALL
    assert load_model(folder, "cpu", torch.bfloat16).info.memory != ALL


def test_memory_that_runs_out_while_a_model_is_loaded_is_called_so(folder, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr("accelerate.disk_offload", full)
    with pytest.raises(UserError, match="ran out of memory while inpaint was loaded"):
        load_model(folder, "cpu", placing=Placing(SEQUENTIAL))


@pytest.mark.gpu
@pytest.mark.parametrize("rung", RUNGS)
def test_each_rung_takes_no_more_of_the_card_than_the_one_above(folder, rung) -> None:
    def peak(memory: str) -> int:
        gc.collect()  # networks with hooks on them lie in circles of references
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        generated(DiffusionEngine(), replace(request(folder, memory=memory), device="cuda"))
        return torch.cuda.max_memory_allocated()

    below = rung_below(rung)
    assert below is None or peak(below) <= peak(rung)


@pytest.mark.gpu
def test_a_compiled_network_gives_the_same_picture_and_says_when_it_compiles(folder) -> None:
    stages: list[str] = []
    asked = replace(request(folder), device="cuda")
    plain = generated(DiffusionEngine(), asked)
    engine = DiffusionEngine()
    for _ in range(2):
        compiled = engine.generate(
            replace(asked, placing=replace(asked.placing, compile=True)),
            lambda progress: stages.append(progress.stage), CancelToken(),
        )  # fmt: skip
    assert differ(plain, compiled) <= 2
    assert stages.count("compiling") == 1
