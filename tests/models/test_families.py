"""What a file is, told from the names and shapes that released files have."""

from pathlib import Path

import pytest

from paintdiff.generation.model_card import Family
from paintdiff.models.families import Kind, Layout, Part, few_steps, identify, predicts_v
from paintdiff.models.header import Header, TensorInfo, read_header
from tests.tiny_checkpoints import tiny_pixel_unet, tiny_stable_diffusion

Shapes = dict[str, tuple[int, ...]]
LDM = "model.diffusion_model."


def kind(shapes: Shapes, name: str = "model.safetensors", **metadata: str) -> Kind:
    tensors = {tensor: TensorInfo("F16", shape, 0, 0) for tensor, shape in shapes.items()}
    return identify(Header(Path(name), tensors, {key.replace("__", "."): text for key, text in metadata.items()}, 0))


def unet(context: int, inputs: int = 4, linear: bool = False, prefix: str = LDM) -> Shapes:
    block = f"{prefix}input_blocks.4.1."
    return {
        f"{prefix}input_blocks.0.0.weight": (320, inputs, 3, 3),
        f"{prefix}out.2.weight": (4, 320, 3, 3),
        f"{block}proj_in.weight": (640, 640) if linear else (640, 640, 1, 1),
        f"{block}transformer_blocks.0.attn2.to_k.weight": (640, context),
    }


VAE = {"first_stage_model.encoder.conv_in.weight": (128, 3, 3, 3), "first_stage_model.decoder.up.0.block.0.norm1": (1,)}
CLIP = "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"
SD1 = unet(768) | VAE | {CLIP: (49408, 768)}
SD2 = unet(1024, linear=True) | VAE | {"cond_stage_model.model.token_embedding.weight": (49408, 1024)}
WORDS = "conditioner.embedders.1.model.token_embedding.weight"
SIZES = f"{LDM}label_emb.0.0.weight"
SDXL = unet(2048, linear=True) | VAE | {SIZES: (1280, 2816), WORDS: (49408, 1280)}
FIRST = f"{LDM}input_blocks.0.0.weight"


def inpainting(shapes: Shapes) -> Shapes:
    return shapes | {FIRST: (320, 9, 3, 3)}


@pytest.mark.parametrize(
    ("shapes", "family", "predicts", "side"),
    [
        (SD1, Family.SD1, "epsilon", 512), (SD2, Family.SD2, "", 512), (SDXL, Family.SDXL, "epsilon", 1024),
        (inpainting(SD1), Family.SD1, "epsilon", 512), (inpainting(SD2), Family.SD2, "epsilon", 512),
        (inpainting(SDXL), Family.SDXL, "epsilon", 1024),
    ],
)  # fmt: skip
def test_whole_checkpoints_in_the_layout_of_the_first_releases(shapes, family, predicts, side) -> None:
    found = kind(shapes)
    assert (found.part, found.layout, found.family) == (Part.WHOLE, Layout.LDM, family)
    assert (found.predicts, found.side, found.inpaints) == (predicts, side, shapes[FIRST][1] == 9)


def test_a_denoiser_alone_is_not_a_whole_checkpoint() -> None:
    assert kind(unet(768)).part is Part.DENOISER
    assert kind(unet(768, prefix="")) == kind(unet(768))
    assert kind(unet(1280, linear=True) | {SIZES: (1536, 2560)}).part is Part.REFINER


def test_what_a_network_predicts_is_told_by_hints_alone() -> None:
    v = "v_prediction"
    assert kind(SD2, "v2-1_768-ema-pruned.safetensors").predicts == v
    assert kind(SD2, "v2-1_768-ema-pruned.safetensors").side == 768
    assert kind(SD2, "v2-1_512-ema-pruned.safetensors").predicts == ""
    assert kind(SDXL | {"v_pred": (1,), "ztsnr": (1,)}).predicts == v
    assert kind(SDXL | {"v_pred": (1,), "ztsnr": (1,)}).zero_snr
    assert kind(SDXL, modelspec__prediction_type="v").predicts == v
    assert kind(SD2, modelspec__prediction_type="epsilon").predicts == "epsilon"
    assert predicts_v("anime-vpred-1.0")
    assert not predicts_v("overprediction")


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("sd_xl_turbo_1.0_fp16", "Turbo"), ("Hyper-SDXL-8steps", "Hyper"), ("HyperSD15", "Hyper"),
        ("sdxl_lightning_4step", "Lightning"), ("dreamshaperXL_lightningDPMSDE", "Lightning"), ("LCM_Dreamer", "LCM"),
        ("hyperrealism_v3", ""), ("sd-v1-5", ""),
    ],
)  # fmt: skip
def test_few_step_models_are_known_by_name(name, word) -> None:
    assert few_steps(name) == word
    assert kind(SDXL, f"{name}.safetensors").few_steps == word


def test_a_distilled_network_is_known_by_what_it_reads() -> None:
    shapes = {"conv_in.weight": (320, 4, 3, 3), "down_blocks.0.attn2.to_k.weight": (320, 768)}
    shapes["down_blocks.0.proj_in.weight"] = (320, 320, 1, 1)
    assert kind(shapes).few_steps == ""
    assert kind(shapes | {"time_embedding.cond_proj.weight": (320, 256)}).few_steps == "LCM"


FLUX = {
    "double_blocks.0.img_attn.qkv.weight": (9216, 3072), "img_in.weight": (3072, 64),
    "final_layer.linear.weight": (64, 3072),
}  # fmt: skip
FLUX_DIFFUSERS = {
    "single_transformer_blocks.0.norm.linear.weight": (9216, 3072), "transformer_blocks.0.attn.to_q.weight": (1, 1),
    "x_embedder.weight": (3072, 64), "proj_out.weight": (64, 3072),
}  # fmt: skip
SD3 = {"joint_blocks.0.x_block.attn.qkv.weight": (4608, 1536)}
SD3_DIFFUSERS = {"transformer_blocks.0.attn.to_q.weight": (1, 1), "pos_embed.proj.weight": (1536, 16, 2, 2)}


@pytest.mark.parametrize(
    ("shapes", "family", "inpaints"),
    [
        (FLUX, Family.FLUX, False), (FLUX | {"img_in.weight": (3072, 384)}, Family.FLUX, True),
        (FLUX | {"img_in.weight": (3072, 128)}, Family.FLUX, False),  # those that are led by depth or edges
        (FLUX_DIFFUSERS, Family.FLUX, False), (FLUX_DIFFUSERS | {"x_embedder.weight": (3072, 384)}, Family.FLUX, True),
        ({f"{LDM}{name}": shape for name, shape in FLUX.items()}, Family.FLUX, False),
        (SD3, Family.SD3, False), (SD3_DIFFUSERS, Family.SD3, False),
    ],
)  # fmt: skip
def test_flow_models(shapes, family, inpaints) -> None:
    found = kind(shapes)
    assert (found.part, found.family, found.predicts) == (Part.DENOISER, family, "flow")
    assert found.inpaints == inpaints


@pytest.mark.parametrize(
    ("shapes", "metadata", "family", "layout"),
    [
        ({"lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight": (8, 768)}, {},
         Family.SD1, Layout.KOHYA),
        ({"lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight": (8, 1024)}, {},
         Family.SD2, Layout.KOHYA),
        ({"lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_down.weight": (8, 2048)}, {}, Family.SDXL,
         Layout.KOHYA),
        ({"lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": (8, 1280)}, {}, Family.SDXL, Layout.KOHYA),
        ({"lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight": (8, 8)},
         {"ss_base_model_version": "sd_v1"}, Family.SD1, Layout.KOHYA),
        ({"unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight": (4, 2048)}, {}, Family.SDXL,
         Layout.PEFT),
        ({"unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora.down.weight": (4, 768)}, {},
         Family.SD1, Layout.PEFT),
        ({"transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight": (4, 3072)}, {}, Family.FLUX, Layout.PEFT),
        ({"transformer.transformer_blocks.0.attn.to_q.lora_A.weight": (4, 1536)}, {}, Family.SD3, Layout.PEFT),
        ({"lora_unet_mid_block.hada_w1_a": (4, 4)}, {"modelspec__architecture": "stable-diffusion-xl-v1-base/lora"},
         Family.SDXL, Layout.KOHYA),
        ({"lora_unet_mid_block.lora_up.weight": (4, 4)}, {}, Family.UNKNOWN, Layout.KOHYA),
    ],
)  # fmt: skip
def test_loras_of_every_trainer(shapes, metadata, family, layout) -> None:
    found = kind(shapes, **metadata)
    assert (found.part, found.family, found.layout) == (Part.LORA, family, layout)


@pytest.mark.parametrize(
    ("shapes", "part", "family"),
    [
        (VAE, Part.VAE, Family.UNKNOWN),
        ({"encoder.down.0.block.0.conv1.weight": (1,)}, Part.VAE, Family.UNKNOWN),
        ({"encoder.down_blocks.0.resnets.0.conv1.weight": (1,)}, Part.VAE, Family.UNKNOWN),
        ({"encoder.layers.0.weight": (64, 3, 3, 3), "decoder.layers.1.weight": (1,)}, Part.TINY_VAE, Family.UNKNOWN),
        ({"emb_params": (4, 768)}, Part.EMBEDDING, Family.SD1), ({"<cat-toy>": (768,)}, Part.EMBEDDING, Family.SD1),
        ({"emb_params": (4, 1024)}, Part.EMBEDDING, Family.SD2),
        ({"clip_l": (2, 768), "clip_g": (2, 1280)}, Part.EMBEDDING, Family.SDXL),
        ({"controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3), "mid_block.attn2.to_k.weight": (320, 768),
          "mid_block.proj_in.weight": (1, 1, 1, 1)}, Part.CONTROLNET, Family.SD1),
        ({"control_model.input_hint_block.0.weight": (16, 3, 3, 3), "control_model.x.attn2.to_k.weight": (320, 1024),
          "control_model.x.proj_in.weight": (1, 1)}, Part.CONTROLNET, Family.SD2),
        ({"image_proj.proj.weight": (3072, 1024), "ip_adapter.1.to_k_ip.weight": (320, 768)}, Part.IP_ADAPTER,
         Family.SD1),
        ({"image_proj.proj.weight": (8192, 1280), "ip_adapter.1.to_k_ip.weight": (640, 2048)}, Part.IP_ADAPTER,
         Family.SDXL),
        ({"text_model.embeddings.token_embedding.weight": (49408, 768)}, Part.TEXT_ENCODER, Family.UNKNOWN),
        ({"encoder.block.0.layer.0.SelfAttention.q.weight": (4096, 4096)}, Part.TEXT_ENCODER, Family.UNKNOWN),
        ({"concept_embeds": (17, 768), "visual_projection.weight": (768, 1024)}, Part.SAFETY_CHECKER, Family.UNKNOWN),
        ({"model.embed_tokens.weight": (1, 1), "lm_head.weight": (1, 1)}, Part.UNKNOWN, Family.UNKNOWN),
        ({}, Part.UNKNOWN, Family.UNKNOWN),
    ],
)  # fmt: skip
def test_parts_that_are_added_to_a_model(shapes, part, family) -> None:
    found = kind(shapes)
    assert (found.part, found.family) == (part, family)


def test_the_parts_of_a_folder_that_diffusers_saved(tmp_path) -> None:
    folder = tiny_stable_diffusion(tmp_path / "latent", mask_channels=True)
    weights = "diffusion_pytorch_model.safetensors"
    found = identify(read_header(folder / "unet" / weights))
    assert (found.part, found.family, found.inpaints) == (Part.DENOISER, Family.SD1, True)
    assert identify(read_header(folder / "vae" / weights)).part is Part.VAE
    assert identify(read_header(folder / "text_encoder/model.safetensors")).part is Part.TEXT_ENCODER
    pixels = identify(read_header(tiny_pixel_unet(tmp_path / "pixel") / "unet" / weights))
    assert (pixels.part, pixels.family) == (Part.DENOISER, Family.PIXELS)


def test_the_bundled_models_own_file_is_not_taken_for_one_of_these() -> None:
    assert identify(read_header(Path("resources/models/first-light/model.safetensors"))).part is Part.UNKNOWN
