"""Files that are what a safetensors file of each kind is from the outside: names and shapes, and zeros for weights."""

import json
from math import prod
from pathlib import Path

SD1 = {
    "model.diffusion_model.input_blocks.0.0.weight": (2, 4, 3, 3),
    "model.diffusion_model.input_blocks.1.1.proj_in.weight": (2, 2, 1, 1),
    "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (2, 768),
    "model.diffusion_model.out.2.weight": (4, 2, 3, 3),
    "first_stage_model.decoder.conv_in.weight": (2, 4, 3, 3),
    "cond_stage_model.transformer.text_model.embeddings.position_ids": (1, 77),
}
SD1_INPAINT = SD1 | {"model.diffusion_model.input_blocks.0.0.weight": (2, 9, 3, 3)}
SDXL = SD1 | {
    "model.diffusion_model.label_emb.0.0.weight": (2, 2816),
    "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (2, 2048),
    "conditioner.embedders.1.model.ln_final.weight": (1280,),
}
FLUX = {
    "model.diffusion_model.double_blocks.0.img_attn.qkv.weight": (2, 2),
    "model.diffusion_model.img_in.weight": (2, 64),
    "model.diffusion_model.final_layer.linear.weight": (64, 2),
    "vae.decoder.conv_in.weight": (2, 16, 3, 3),
    "text_encoders.clip_l.transformer.text_model.embeddings.position_embedding.weight": (77, 768),
}
SD1_LORA = {
    "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight": (4, 768),
    "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_up.weight": (32, 4),
}
FLUX_LORA = {
    "lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight": (4, 16),
    "lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight": (16, 4),
}
VAE = {"encoder.down.0.block.0.conv1.weight": (4, 4, 3, 3), "decoder.up.0.block.0.conv1.weight": (4, 4, 3, 3)}


def write_header(path: Path, shapes: dict[str, tuple[int, ...]], metadata: dict[str, str] | None = None) -> Path:
    """Write a sound file with tensors of these shapes (float16, zeros), and its folders."""
    entries, end = {}, 0
    for name, shape in shapes.items():
        entries[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [end, end + 2 * prod(shape)]}
        end += 2 * prod(shape)
    text = json.dumps(({"__metadata__": metadata} if metadata else {}) | entries).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(end))
    return path
