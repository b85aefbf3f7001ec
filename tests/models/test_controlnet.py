"""What is told of a ControlNet before it is loaded: the config from shapes, the family, the kind from the name."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import ControlNetModel
from safetensors.torch import save_file

from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family
from paintdiff.models.controlnet import config_of, guess_kind, read_controlnet
from paintdiff.models.header import Header, TensorInfo

SD1: dict[str, Any] = {"cross_attention_dim": 768}
SD2: dict[str, Any] = {
    "cross_attention_dim": 1024, "attention_head_dim": [5, 10, 20, 20], "use_linear_projection": True,
}  # fmt: skip
SDXL: dict[str, Any] = {
    "cross_attention_dim": 2048, "attention_head_dim": [5, 10, 20], "use_linear_projection": True,
    "block_out_channels": [320, 640, 1280], "transformer_layers_per_block": [1, 2, 10],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "addition_embed_type": "text_time", "addition_time_embed_dim": 256, "projection_class_embeddings_input_dim": 2816,
}  # fmt: skip
SMALL = SDXL | {
    "down_block_types": ["DownBlock2D"] * 3, "mid_block_type": "UNetMidBlock2D",
    "transformer_layers_per_block": [1, 1, 1],
}  # fmt: skip


def header(network: torch.nn.Module, rename=lambda name: name) -> Header:
    tensors = {rename(name): TensorInfo("F16", tuple(x.shape), 0, 0) for name, x in network.state_dict().items()}
    return Header(Path("net.safetensors"), tensors, {}, 0)


def shapes(network: torch.nn.Module) -> dict[str, torch.Size]:
    return {name: x.shape for name, x in network.state_dict().items()}


def built(config: dict[str, Any]) -> ControlNetModel:
    with torch.device("meta"):
        return ControlNetModel.from_config(config)


@pytest.mark.parametrize("config", [SD1, SD2, SDXL, SMALL], ids=["SD 1.5", "SD 2.1", "SDXL", "SDXL small"])
def test_the_config_of_a_full_size_network_follows_from_its_shapes(config) -> None:
    network = built(config)
    again = built(config_of(header(network)))
    assert shapes(again) == shapes(network)
    attends = any("attn2" in name for name in shapes(network))
    for name in ("attention_head_dim", "use_linear_projection") if attends else ():  # which shapes do not show by size
        found, wanted = again.config[name], network.config[name]
        assert found == wanted


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("control_v11p_sd15_canny.safetensors", "canny"), ("control_v11f1e_sd15_tile_fp16.safetensors", "tile"),
        ("models/control_v11f1p_sd15_depth/diffusion_pytorch_model.safetensors", "depth"),
        ("control_v11p_sd15s2_lineart_anime", "lineart"), ("a--controlnet-scribble-sdxl-1.0/snapshots/ab", "scribble"),
        ("control_v11p_sd15_inpaint", "inpaint"), ("control_v11p_sd15_openpose.safetensors", "other"),
        ("net.safetensors", "other"),
    ],
)  # fmt: skip
def test_the_kind_is_guessed_from_the_name(path, kind) -> None:
    assert guess_kind(path) == kind


def tiny(folder: Path) -> Path:
    torch.manual_seed(0)
    ControlNetModel(
        block_out_channels=(8, 16), down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), layers_per_block=1,
        cross_attention_dim=12, attention_head_dim=4, norm_num_groups=4, conditioning_embedding_out_channels=(8, 8, 16),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def test_a_folder_says_what_shapes_do_not(tmp_path) -> None:
    file = read_controlnet(tiny(tmp_path))
    assert file.family is Family.SD1
    assert file.config["norm_num_groups"] == 4
    assert file.config["attention_head_dim"] == 4
    assert file.config["conditioning_embedding_out_channels"] == [8, 8, 16]


def test_a_folder_cannot_ask_for_more_than_its_weights_have(tmp_path) -> None:
    config = json.loads((tiny(tmp_path) / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"block_out_channels": [10**9, 10**9]}))
    assert read_controlnet(tmp_path).config["block_out_channels"] == [8, 16]


@pytest.mark.parametrize(
    ("entry", "words"), [({"_class_name": "UNet2DModel"}, "UNet2DModel"), ({"_class_name": None}, "ControlNetModel")]
)
def test_a_folder_of_another_network_is_refused(tmp_path, entry, words) -> None:
    config = json.loads((tiny(tmp_path) / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | entry))
    with pytest.raises(UserError, match=words):
        read_controlnet(tmp_path)


def test_what_is_no_controlnet_is_refused_by_what_it_is(tmp_path) -> None:
    save_file({"ip_adapter.1.to_k_ip.weight": torch.zeros(4, 768)}, tmp_path / "a.safetensors")
    with pytest.raises(UserError, match="IP-Adapter"):
        read_controlnet(tmp_path / "a.safetensors")
    save_file({"controlnet_mid_block.weight": torch.zeros(4, 4)}, tmp_path / "b.safetensors")
    with pytest.raises(UserError, match="not all there"):
        read_controlnet(tmp_path / "b.safetensors")
    with pytest.raises(UserError, match="pickle"):
        read_controlnet(tmp_path / "c.pth")
    with pytest.raises(UserError):
        read_controlnet(tmp_path / "none.safetensors")
