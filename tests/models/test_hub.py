from pathlib import Path

from paintdiff.models.hub import Fetching, download
from tests.hub_server import commit_of, paths

WANTED = {
    "README.md", "model_index.json", "scheduler/scheduler_config.json", "tokenizer/merges.txt", "tokenizer/vocab.json",
    "text_encoder/config.json", "text_encoder/model.fp16.safetensors",
    "unet/config.json", "unet/diffusion_pytorch_model.fp16.safetensors",
    "vae/config.json", "vae/diffusion_pytorch_model.fp16.safetensors",
}  # fmt: skip
UNET = "unet/diffusion_pytorch_model.fp16.safetensors"


def get(name: str, token: str = "") -> Path:
    return download(name, token, lambda progress: None)


def test_a_pipeline_arrives_in_the_hubs_own_cache_without_pickles(hub, tmp_path) -> None:
    told: list[Fetching] = []
    folder = download("owner/pipeline", "", told.append)
    source = hub.repositories["owner/pipeline"]
    assert folder == tmp_path / "cache" / "models--owner--pipeline" / "snapshots" / commit_of(source)
    assert set(paths(folder)) == WANTED
    assert all((folder / path).read_bytes() == (source / path).read_bytes() for path in WANTED)
    assert (folder.parents[1] / "refs" / "main").read_text() == folder.name
    from huggingface_hub import snapshot_download

    theirs = snapshot_download("owner/pipeline", cache_dir=tmp_path / "cache", local_files_only=True,
                               allow_patterns=sorted(WANTED))  # fmt: skip
    assert Path(theirs) == folder
    assert told[-1].done == told[-1].total == sum((folder / path).stat().st_size for path in WANTED)
    assert {each.stage for each in told} == {"asking", "fetching", "checking", "finishing"}
    assert not list(tmp_path.rglob("*.incomplete"))
