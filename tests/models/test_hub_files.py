import hashlib

import pytest

from paintdiff.generation.errors import UserError
from paintdiff.models.hub_files import HubFile, SeveralCheckpoints, choose
from paintdiff.models.hub_name import HubName, parse_hub_name, read_hub_name

PIPELINE = {
    "_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"],
    "text_encoder": ["transformers", "CLIPTextModel"], "scheduler": ["diffusers", "DDIMScheduler"],
    "safety_checker": [None, None],
}  # fmt: skip
CONFIGS = ("model_index.json", "unet/config.json", "text_encoder/config.json", "scheduler/scheduler_config.json")
UNET, TEXT = "unet/diffusion_pytorch_model", "text_encoder/model"


def chosen(*paths: str, index: dict | None = None, name: str = "a/b") -> set[str]:
    files = [HubFile(path, 10, hashlib.sha256(path.encode()).hexdigest()) for path in paths]
    return {file.path for file in choose(parse_hub_name(name), files, index)}


def test_half_precision_is_taken_part_by_part_where_it_is_offered() -> None:
    weights = (f"{UNET}.safetensors", f"{UNET}.fp16.safetensors", f"{TEXT}.safetensors", f"{UNET}.non_ema.safetensors")
    got = chosen(*CONFIGS, *weights, f"{UNET}.bin", "unet/notes.md", index=PIPELINE)
    assert got == {*CONFIGS, f"{UNET}.fp16.safetensors", f"{TEXT}.safetensors"}
    full = chosen(*CONFIGS, *weights, index=PIPELINE, name="a/b:full")
    assert full == {*CONFIGS, f"{UNET}.safetensors", f"{TEXT}.safetensors"}


@pytest.mark.parametrize(
    "shards",
    [
        (f"{UNET}-00001-of-00002.safetensors", f"{UNET}-00002-of-00002.safetensors", f"{UNET}.safetensors.index.json"),
        (f"{UNET}.fp16-00001-of-00001.safetensors", f"{UNET}.safetensors.index.fp16.json"),
        (f"{UNET}-00001-of-00001.fp16.safetensors", f"{UNET}.safetensors.index.fp16.json"),
    ],
)  # fmt: skip
def test_shards_come_with_their_index(shards) -> None:
    assert chosen(*CONFIGS, *shards, f"{TEXT}.safetensors", index=PIPELINE) == {
        *CONFIGS, *shards, f"{TEXT}.safetensors",
    }  # fmt: skip


def test_weights_in_one_piece_go_before_shards() -> None:
    shards = ("unet/diffusion_pytorch_model-00001-of-00001.safetensors", f"{UNET}.safetensors.index.json")
    got = chosen(*CONFIGS, *shards, f"{UNET}.safetensors", f"{TEXT}.safetensors", index=PIPELINE)
    assert got == {*CONFIGS, f"{UNET}.safetensors", f"{TEXT}.safetensors"}


def test_a_model_of_one_network_may_keep_it_at_the_top() -> None:
    index = {"_class_name": "DDPMPipeline", "unet": ["diffusers", "UNet2DModel"], "scheduler": ["diffusers", "X"]}
    files = ("model_index.json", "config.json", "scheduler_config.json", "diffusion_pytorch_model.safetensors")
    assert chosen(*files, "diffusion_pytorch_model.bin", index=index) == set(files)


def test_an_add_on_is_its_config_and_weights() -> None:
    files = ("config.json", "diffusion_pytorch_model.fp16.safetensors", "README.md")
    assert chosen(*files, "diffusion_pytorch_model.safetensors", "image.png") == set(files)


def test_files_that_could_leave_their_folder_are_passed_over() -> None:
    evil = ("../x.safetensors", "/etc/x.safetensors", "a/../../x.safetensors", "a\\x.safetensors", "c:x.safetensors")
    assert chosen("good.safetensors", *evil) == {"good.safetensors"}
    for digest in ("", "../../x", "A" * 64):
        with pytest.raises(UserError, match="no weights"):
            choose(HubName("a/b"), [HubFile("x.safetensors", 1, digest)], None)
    weights = (f"{UNET}.safetensors", f"{TEXT}.safetensors")
    with pytest.raises(UserError, match="names"):
        chosen(*CONFIGS, *weights, index=PIPELINE | {"../unet": ["diffusers", "UNet2DConditionModel"]})


def test_pickles_alone_and_nothing_at_all_are_refused() -> None:
    with pytest.raises(UserError, match="pickles only"):
        chosen(*CONFIGS, f"{UNET}.safetensors", f"{TEXT}.bin", index=PIPELINE)
    with pytest.raises(UserError, match="no weights"):
        chosen("README.md")
    with pytest.raises(SeveralCheckpoints) as several:
        chosen("one.safetensors", "two.safetensors", name="a/b@v1")
    assert "a/b/one.safetensors@v1" in str(several.value)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a/b", HubName("a/b")),
        ("a/b@v1.0:full", HubName("a/b", revision="v1.0", variant="full")),
        ("a/b/sub/c d.safetensors@refs/pr/1", HubName("a/b", "sub/c d.safetensors", "refs/pr/1")),
        (" https://huggingface.co/a/b/ ", HubName("a/b")),
        ("https://huggingface.co/a/b/tree/main", HubName("a/b", revision="main")),
        ("hf.co/a/b/blob/main/c.safetensors", HubName("a/b", "c.safetensors", "main")),
        ("https://hf.co/a/b/resolve/main/c.safetensors?download=true", HubName("a/b", "c.safetensors", "main")),
    ],
)  # fmt: skip
def test_a_name_or_the_address_of_a_page_is_understood(text, name) -> None:
    assert parse_hub_name(text) == name
    assert parse_hub_name(str(name)) == name


@pytest.mark.parametrize(
    "text", ["", "a", "a/b/c", "../b", "a/../b", "a/b@../c", "a--x/b", "a/b:exe", "/a/b", "a/b//c.safetensors"]
)
def test_what_is_no_name_is_none(text) -> None:
    assert read_hub_name(text) is None
    with pytest.raises(UserError, match="owner/name"):
        parse_hub_name(text)
