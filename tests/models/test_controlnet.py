"""What is told of a ControlNet before it is loaded: the config from shapes, the family, the kind from the name."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import ControlNetModel
from safetensors.torch import save_file

from paintdiff.engine.add_ons.controlnet import load_controlnet
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


def in_the_first_layout(network: ControlNetModel) -> dict[str, torch.Tensor]:
    """The weights by the names of the first releases, of a network with one layer in each of two levels."""
    inner = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
             "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}  # fmt: skip
    hint = "controlnet_cond_embedding"
    places = {
        "conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0",
        "time_embedding.linear_2": "time_embed.2", "add_embedding.linear_1": "label_emb.0.0",
        "add_embedding.linear_2": "label_emb.0.2", f"{hint}.conv_in": "input_hint_block.0",
        f"{hint}.conv_out": "input_hint_block.14",
        **{f"{hint}.blocks.{i}": f"input_hint_block.{2 * i + 2}" for i in range(6)},
        **{f"controlnet_down_blocks.{i}": f"zero_convs.{i}.0" for i in range(4)},
        "controlnet_mid_block": "middle_block_out.0", "down_blocks.0.resnets.0": "input_blocks.1.0",
        "down_blocks.0.attentions.0": "input_blocks.1.1", "down_blocks.0.downsamplers.0.conv": "input_blocks.2.0.op",
        "down_blocks.1.resnets.0": "input_blocks.3.0", "down_blocks.1.attentions.0": "input_blocks.3.1",
        "mid_block.resnets.0": "middle_block.0", "mid_block.attentions.0": "middle_block.1",
        "mid_block.resnets.1": "middle_block.2",
    }  # fmt: skip
    renamed = {}
    for name, weight in network.state_dict().items():
        start = next(place for place in places if name.startswith(f"{place}."))
        rest = name.removeprefix(start)
        if "resnets" in start:
            part = rest.split(".")[1]
            rest = f".{inner[part]}.{rest.split('.')[2]}"
        renamed[f"control_model.{places[start]}{rest}"] = weight.contiguous()
    return renamed


@pytest.mark.parametrize("kind", ["SD 1", "SDXL"])
def test_a_file_of_the_first_layout_is_the_same_network(tmp_path, kind) -> None:
    """Its config is nowhere but in its shapes, and its names are others."""
    torch.manual_seed(3)
    more: dict[str, Any] = {"attention_head_dim": 8, "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D")}
    if kind == "SDXL":
        more = {
            "attention_head_dim": (1, 1), "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
            "use_linear_projection": True, "transformer_layers_per_block": (1, 2), "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256, "projection_class_embeddings_input_dim": 6 * 256 + 10,
        }  # fmt: skip
    network = ControlNetModel(
        block_out_channels=(32, 64), layers_per_block=1, cross_attention_dim=12,
        conditioning_embedding_out_channels=(8, 8, 16, 16), **more,
    )  # fmt: skip
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    save_file(in_the_first_layout(network), tmp_path / "control_v11p_sd15_canny.safetensors")
    file = read_controlnet(tmp_path / "control_v11p_sd15_canny.safetensors")
    loaded = load_controlnet(file, torch.float32)
    assert all(torch.equal(loaded.state_dict()[name], weight) for name, weight in network.state_dict().items())
    assert shapes(loaded) == shapes(network)
    added = {"text_embeds": torch.randn(1, 10), "time_ids": torch.randn(1, 6)} if kind == "SDXL" else None
    inputs = torch.randn(1, 4, 8, 8), 500, torch.randn(1, 7, 12), torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        ours, theirs = (each.eval()(*inputs, added_cond_kwargs=added) for each in (loaded, network))
    torch.testing.assert_close(ours.mid_block_res_sample, theirs.mid_block_res_sample)


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
