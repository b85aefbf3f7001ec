import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from paintdiff.generation.cancel import Cancelled, CancelToken
from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Place
from paintdiff.models.catalogue import find_model, is_on_this_machine, look_at, scan
from paintdiff.models.hub import Fetching, download, look_up
from paintdiff.models.offline import keep_libraries_offline
from tests.hub_server import Hub, commit_of, paths
from tests.models.repositories import noise, write
from tests.safetensors_files import SD1, SD1_LORA, write_header

WANTED = {
    "README.md", "model_index.json", "scheduler/scheduler_config.json", "tokenizer/merges.txt", "tokenizer/vocab.json",
    "text_encoder/config.json", "text_encoder/model.fp16.safetensors",
    "unet/config.json", "unet/diffusion_pytorch_model.fp16.safetensors",
    "vae/config.json", "vae/diffusion_pytorch_model.fp16.safetensors",
}  # fmt: skip
UNET = "unet/diffusion_pytorch_model.fp16.safetensors"


def get(name: str, token: str = "") -> Path:
    return download(name, token, lambda progress: None)


def refusal(name: str, token: str = "") -> str:
    with pytest.raises(UserError) as refused:
        get(name, token)
    return str(refused.value)


def test_a_pipeline_arrives_in_the_hubs_own_cache_without_pickles(hub, tmp_path) -> None:
    told: list[Fetching] = []
    folder = download("owner/pipeline", "", told.append)
    source = hub.repositories["owner/pipeline"]
    assert folder == tmp_path / "cache" / "models--owner--pipeline" / "snapshots" / commit_of(source)
    assert set(paths(folder)) == WANTED
    assert all((folder / path).read_bytes() == (source / path).read_bytes() for path in WANTED)
    assert (folder.parents[1] / "refs" / "main").read_text() == folder.name
    from huggingface_hub import snapshot_download

    theirs = snapshot_download(
        "owner/pipeline", cache_dir=tmp_path / "cache", local_files_only=True, allow_patterns=sorted(WANTED)
    )
    assert Path(theirs) == folder
    assert told[-1].done == told[-1].total == sum((folder / path).stat().st_size for path in WANTED)
    assert {each.stage for each in told} == {"asking", "fetching", "checking", "finishing"}
    assert not list(tmp_path.rglob("*.incomplete"))
    assert find_model("owner/pipeline") == (Place.CACHE, folder)
    card = next(card for card in scan([]) if card.place is Place.CACHE)
    assert (card.source, card.name, card.licence) == ("owner/pipeline", "owner/pipeline", "apache-2.0")
    assert look_at("owner/pipeline") == card
    assert not is_on_this_machine("owner/pipeline:full")
    sent = hub.sent
    assert get("owner/pipeline") == folder
    assert hub.sent == sent


def test_what_it_would_take_is_said_before(hub) -> None:
    offer = look_up("owner/pipeline", "")
    assert {path for path, _ in offer.files} == WANTED
    assert offer.size_bytes == offer.missing_bytes > 60_000
    assert (offer.licence, offer.gated, offer.choices) == ("apache-2.0", False, ())
    assert hub.sent == 0
    get("owner/pipeline")
    assert look_up("owner/pipeline", "").missing_bytes == 0


def test_the_full_weights_come_when_they_are_asked_for(hub) -> None:
    assert not [path for path in paths(get("owner/pipeline:full")) if "fp16" in path]
    for half in (hub.repositories["owner/pipeline"]).rglob("*.fp16.*"):
        half.unlink()
    assert "as fp16" in refusal("owner/pipeline:fp16")
    assert not is_on_this_machine("owner/pipeline:bf16")


def test_one_file_of_a_repository_can_be_named(hub, tmp_path) -> None:
    file = get("owner/pipeline/v1-5-pruned.safetensors@main")
    assert set(paths(file.parent)) == {"README.md", "v1-5-pruned.safetensors"}
    assert file.read_bytes() == (hub.repositories["owner/pipeline"] / file.name).read_bytes()
    only = get("owner/single")
    assert only.name == "one.safetensors"
    assert find_model("owner/single") == find_model("owner/single/weights/one.safetensors") == (Place.CACHE, only)
    assert "has no file v2.safetensors" in refusal("owner/pipeline/v2.safetensors")


def test_among_several_checkpoints_the_user_chooses(hub, tmp_path) -> None:
    hub.repositories["owner/several"] = tmp_path / "several"
    for size, name in ((100, "small"), (300, "large"), (200, "other")):
        noise(tmp_path / "several" / f"{name}.safetensors", size)
    assert [path for path, _ in look_up("owner/several", "").choices] == [
        "large.safetensors", "other.safetensors", "small.safetensors",
    ]  # fmt: skip
    assert "owner/several/large.safetensors@main" in refusal("owner/several@main")
    assert hub.sent == 0


def test_what_would_not_open_is_refused_before_its_weights_are_fetched(hub, tmp_path) -> None:
    index = hub.repositories["owner/pipeline"] / "model_index.json"
    write(index, json.loads(index.read_text()) | {"unet": ["os", "system"]})
    assert "names 'system' as 'unet'" in refusal("owner/pipeline")
    index.write_text("[1, 2")
    assert "not a JSON object" in refusal("owner/pipeline")
    hub.repositories["owner/pickles"] = tmp_path / "pickles"
    noise(tmp_path / "pickles" / "model.ckpt", 100)
    assert "safetensors" in refusal("owner/pickles")
    assert hub.sent == 0


def test_a_file_that_would_be_of_no_use_is_refused_after_its_header(hub, tmp_path) -> None:
    hub.repositories["owner/files"] = tmp_path / "files"
    noise(tmp_path / "files" / "noise.safetensors", 1_000_000)
    lone = {name: shape for name, shape in SD1.items() if name.startswith("model.")}
    write_header(tmp_path / "files" / "unet.safetensors", lone | {"model.diffusion_model.more": (1000, 5000)})
    write_header(tmp_path / "files" / "ink.safetensors", SD1_LORA)
    assert refusal("owner/files/noise.safetensors").startswith("noise.safetensors is not a valid model: ")
    assert "only the denoiser" in refusal("owner/files/unet.safetensors")
    assert not (tmp_path / "cache").exists()
    assert get("owner/files/ink.safetensors").is_file()


def test_text_encoders_that_transformers_alone_need_are_fetched(hub, tmp_path) -> None:
    hub.repositories["owner/encoders"] = tmp_path / "encoders"
    words = {"shared.weight": (40, 8), "encoder.block.0.layer.0.SelfAttention.q.weight": (8, 8)}
    write_header(tmp_path / "encoders" / "t5xxl_fp16.safetensors", words)
    assert get("owner/encoders/t5xxl_fp16.safetensors").is_file()


def test_a_cut_connection_is_gone_on_with(hub) -> None:
    hub.manners.cut_after, hub.manners.cuts = 25_000, 2
    folder = get("owner/pipeline")
    assert (folder / UNET).read_bytes() == (hub.repositories["owner/pipeline"] / UNET).read_bytes()
    assert {each.range for each in hub.seen if each.path.startswith("/cdn") and each.method == "GET"} == {
        "", "bytes=25000-", "bytes=50000-",
    }  # fmt: skip


def test_a_download_that_was_cancelled_within_a_file_is_gone_on_with(hub, tmp_path) -> None:
    hub.manners.bytes_per_second = 20_000
    token = CancelToken()

    def report(progress: Fetching) -> None:
        if progress.file == UNET and progress.done > 10_000:
            token.cancel()

    with pytest.raises(Cancelled):
        download("owner/pipeline", "", report, token)
    part = next(tmp_path.rglob("*.incomplete"))
    there = part.stat().st_size
    assert 0 < there < 60_000
    assert not list((tmp_path / "cache").rglob("refs/*"))
    assert [card for card in scan([]) if card.place is Place.CACHE] == []
    hub.manners.bytes_per_second = 0
    folder = get("owner/pipeline")
    assert f"bytes={there}-" in {each.range for each in hub.seen}
    assert (folder / UNET).read_bytes() == (hub.repositories["owner/pipeline"] / UNET).read_bytes()


def test_a_hub_that_knows_no_ranges_sends_the_whole_again(hub) -> None:
    hub.manners.cut_after, hub.manners.cuts, hub.manners.ignores_range = 25_000, 1, True
    folder = get("owner/pipeline")
    assert (folder / UNET).read_bytes() == (hub.repositories["owner/pipeline"] / UNET).read_bytes()


def test_a_damaged_file_is_deleted_and_said(hub, tmp_path) -> None:
    hub.manners.damaged = True
    assert "arrived damaged" in refusal("owner/pipeline/v1-5-pruned.safetensors")
    assert not list((tmp_path / "cache").rglob("*.incomplete"))
    assert not list((tmp_path / "cache").rglob("*.safetensors"))
    hub.manners.damaged = False
    assert get("owner/pipeline/v1-5-pruned.safetensors").is_file()


def test_a_file_of_another_size_than_the_listing_says_is_deleted_and_said(hub, tmp_path) -> None:
    hub.manners.sizes = {UNET: 4000}
    assert "arrived damaged" in refusal("owner/pipeline")
    assert not list((tmp_path / "cache").rglob("*.incomplete"))


def test_a_stalled_hub_is_tried_again_and_then_given_up(hub, tmp_path) -> None:
    hub.manners.stall_at = 2000
    assert "stopped answering" in refusal("owner/pipeline/v1-5-pruned.safetensors")
    assert len([each for each in hub.seen if each.range]) > 1
    hub.manners.stall_at = None
    part = next(tmp_path.rglob("*.incomplete"))
    assert part.stat().st_size == 2000
    get("owner/pipeline/v1-5-pruned.safetensors")
    assert not part.exists()


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("owner/nothing", {}, "shows no model owner/nothing"),
        ("owner/single@v9", {}, "has no revision v9"),
        ("owner/single", {"gated": True}, "agree to its terms"),
        ("owner/single", {"token": "hf_other"}, "HF_TOKEN"),
        ("owner/single", {"status": 403}, "HF_TOKEN"),
        ("owner/single", {"status": 404}, "owner/single"),
        ("owner/single", {"status": 500}, r"answers with an error \(500\)"),
        ("owner/single", {"sizes": {"weights/one.safetensors": 10**14}}, "takes 100000.0 GB more"),
        ("owner/single", {"silent": True}, "does not answer"),
        ("what is this", {}, "owner/name"),
    ],
)  # fmt: skip
def test_each_refusal_is_one_sentence_that_says_what_to_do(hub, name, change, words) -> None:
    for key, value in change.items():
        setattr(hub.manners, key, value)
    with pytest.raises(UserError, match=words) as refused:
        get(name, "hf_secret")
    assert "\n" not in str(refused.value)
    assert "hf_secret" not in str(refused.value)
    assert hub.sent == 0


def test_without_a_network_it_is_said_at_once(hub, monkeypatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert "cannot be reached" in refusal("owner/single")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "Offline mode is on" in refusal("owner/single")
    assert hub.seen == []


def test_what_keeps_the_libraries_offline_does_not_keep_a_user_from_fetching(hub, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", dict(os.environ))  # restored with everything that is put into it
        keep_libraries_offline()
        assert os.environ["HF_HUB_OFFLINE"] == "1"
        assert look_up("owner/single", "").size_bytes > 0


def test_a_token_goes_to_the_hub_alone_and_nothing_phones_home(hub, monkeypatch) -> None:
    monkeypatch.setenv("AI_AGENT", "someone")
    hub.manners.token = "hf_secret"
    get("owner/single", "hf_secret")
    assert {each.authorization for each in hub.seen if each.path.startswith("/cdn")} == {""}
    assert {each.authorization for each in hub.seen if not each.path.startswith("/cdn")} == {"Bearer hf_secret"}
    assert {each.path.strip("/").split("/")[0] for each in hub.seen} == {"api", "owner", "cdn"}
    assert not [each for each in hub.seen if each.path.startswith("/api") and "models/owner/single" not in each.path]
    assert all("paintdiff" in each.agent and "torch" not in each.agent and "someone" not in each.agent
               for each in hub.seen)  # fmt: skip


def test_no_token_is_taken_from_other_programs(hub, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "token").write_text("hf_of_another_program")
    get("owner/single")
    assert {each.authorization for each in hub.seen} == {""}


def test_the_process_ends_with_the_one_that_started_it(hub, tmp_path) -> None:
    hub.manners.bytes_per_second = 5_000
    code = """
import os
from paintdiff.models.hub import download
download("owner/pipeline", "", lambda progress: os._exit(9) if progress.done > 10_000 else None)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], timeout=60, check=False)
    assert done.returncode == 9
    assert wait_until(lambda: _still(hub)), "the download goes on"


def test_the_same_model_is_not_fetched_twice_at_once(hub) -> None:
    hub.manners.bytes_per_second = 5_000
    token, under_way = CancelToken(), threading.Event()

    def fetch() -> None:
        with pytest.raises(Cancelled):
            download("owner/pipeline", "", lambda progress: progress.done > 5_000 and under_way.set(), token)

    thread = threading.Thread(target=fetch)
    thread.start()
    assert under_way.wait(30)
    assert "downloaded already" in refusal("owner/pipeline")
    token.cancel()
    thread.join()


def wait_until(true: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return true()


def _still(hub: Hub) -> bool:
    before = hub.sent
    time.sleep(0.6)
    return hub.sent == before
