"""Every kind of change that a file can hold, beside what peft makes of the same numbers, on layers and in a model."""

import copy
from pathlib import Path

import peft
import pytest
import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from paintdiff.engine.add_ons.changes import Change, Overlay, by_layer, difference, is_whole
from paintdiff.engine.add_ons.lora import Loras
from paintdiff.engine.model import Model, load_model
from paintdiff.generation.add_ons import Lora
from paintdiff.generation.errors import UserError
from tests.tiny_add_ons import tiny_lora, tiny_lycoris
from tests.tiny_checkpoints import tiny_stable_diffusion, tiny_stable_diffusion_xl

PROMPT = "a red apple"
LAYERS = {"linear": nn.Linear(12, 20), "conv": nn.Conv2d(12, 16, 3, padding=1), "thin": nn.Conv2d(12, 16, 1)}


class Holder(nn.Module):
    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


def given(layer: nn.Module) -> Tensor:
    shape = (2, 5, 12) if isinstance(layer, nn.Linear) else (2, 12, 6, 6)
    return torch.randn(shape, generator=torch.Generator().manual_seed(5))


def changed(layer: nn.Module, tensors: dict[str, Tensor], strength: float = 1.0) -> Tensor:
    over, change = Overlay(layer), Change(layer, tensors, (), torch.float32)
    change.strength = strength
    over.changes.append(change)
    with torch.no_grad():
        answer = layer(given(layer))
    over.removed()
    return answer


def of_peft(layer: nn.Module, config: peft.PeftConfig) -> tuple[Tensor, dict[str, Tensor]]:
    """peft's answer with random numbers in every tensor, and these tensors."""
    torch.manual_seed(2)
    model = peft.get_peft_model(Holder(copy.deepcopy(layer)), config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".default" in name:
                parameter.copy_(parameter * 1.3 if "magnitude" in name else torch.randn_like(parameter) * 0.3)
        answer = model(given(layer))
    state = peft.get_peft_model_state_dict(model)
    return answer, {key.removeprefix("base_model.model."): x for key, x in state.items()}


KINDS = {
    "LoRA": peft.LoraConfig(r=3, lora_alpha=2, target_modules=["layer"]),
    "DoRA": peft.LoraConfig(r=3, lora_alpha=3, target_modules=["layer"], use_dora=True),
    "LoHa": peft.LoHaConfig(r=3, alpha=2, target_modules=["layer"]),
    "LoHa with a core": peft.LoHaConfig(r=3, alpha=2, target_modules=["layer"], use_effective_conv2d=True),
    "LoKr": peft.LoKrConfig(r=1, alpha=2, target_modules=["layer"]),
    "LoKr with a core": peft.LoKrConfig(r=1, alpha=2, target_modules=["layer"], use_effective_conv2d=True),
    "LoKr of four": peft.LoKrConfig(r=1, alpha=2, target_modules=["layer"], decompose_both=True, decompose_factor=4),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", LAYERS)
def test_each_kind_does_what_it_does_in_peft(name, kind) -> None:
    layer = LAYERS[name]
    expected, tensors = of_peft(layer, KINDS[kind])
    own = by_layer(tensors)["layer"]
    assert is_whole(own)
    if "alpha" not in own and kind != "DoRA":
        own["alpha"] = torch.tensor(2.0)
    torch.testing.assert_close(changed(layer, own), expected, rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        assert float((layer(given(layer)) - expected).abs().max()) > 0.02


def test_a_core_between_both_halves_is_a_convolution_of_its_own() -> None:
    layer, g = LAYERS["conv"], torch.Generator().manual_seed(3)
    down, mid, up = (torch.randn(s, generator=g) for s in ((4, 12, 1, 1), (4, 4, 3, 3), (16, 4, 1, 1)))
    x = given(layer)
    conv = nn.functional.conv2d
    expected = layer(x) + 0.5 * conv(conv(conv(x, down), mid, padding=1), up)
    found = changed(layer, {"down": down, "mid": mid, "up": up, "alpha": torch.tensor(2.0)})
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", LAYERS)
def test_a_dora_gives_rows_or_columns_of_the_weights_the_lengths_that_it_learned(name, axis) -> None:
    layer, g = copy.deepcopy(LAYERS[name]), torch.Generator().manual_seed(4)
    weight = layer.weight.detach()
    change = torch.randn(weight.shape, generator=g) * 0.1
    shape = [1] * weight.ndim
    shape[axis] = weight.shape[axis]
    magnitude = torch.rand(shape, generator=g) + 0.5
    whole = weight + change
    lengths = whole.transpose(0, axis).flatten(1).norm(dim=1).reshape(shape)
    for strength in (1.0, 0.4):
        found = changed(layer, {"diff": change, "magnitude": magnitude}, strength)
        other = copy.deepcopy(layer)
        other.weight.data = torch.lerp(weight, whole * magnitude / lengths, strength)
        torch.testing.assert_close(found, other(given(layer)).detach(), rtol=1e-4, atol=1e-4)


def test_a_whole_difference_is_added_to_weight_and_bias() -> None:
    layer, g = copy.deepcopy(LAYERS["conv"]), torch.Generator().manual_seed(3)
    more = {"diff": torch.randn(layer.weight.shape, generator=g), "diff_b": torch.randn(16, generator=g)}
    found = changed(layer, more, 0.5)
    layer.weight.data += 0.5 * more["diff"]
    layer.bias.data += 0.5 * more["diff_b"]
    torch.testing.assert_close(found, layer(given(layer)).detach(), rtol=1e-4, atol=1e-4)


def test_two_changes_of_one_layer_add_up_whichever_comes_first() -> None:
    layer = copy.deepcopy(LAYERS["linear"])
    _, dora = of_peft(layer, KINDS["DoRA"])
    _, loha = of_peft(layer, KINDS["LoHa"])
    tensors = [by_layer(each)["layer"] for each in (dora, loha)]
    with torch.no_grad():
        base = layer(given(layer))
        over = Overlay(layer)
        over.changes += [Change(layer, each, (), torch.float32) for each in tensors]
        one = layer(given(layer))
        over.changes.reverse()
        other = layer(given(layer))
        over.removed()
        torch.testing.assert_close(one, other)
        torch.testing.assert_close(one - base, sum(changed(layer, each) - base for each in tensors))
        assert torch.equal(layer(given(layer)), base)


def test_a_kronecker_product_of_whole_factors_knows_no_alpha() -> None:
    factors = {"lokr_w1": torch.ones(2, 3), "lokr_w2": torch.ones(4, 5), "alpha": torch.tensor(9.0)}
    assert torch.equal(difference(factors), torch.ones(8, 15))


# --- in a model ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_stable_diffusion(tmp_path_factory.mktemp("changes") / "model")


@pytest.fixture(scope="module")
def model(folder) -> Model:
    return load_model(str(folder), "cpu", torch.float32)


def answer(model: Model) -> Tensor:
    x_t = torch.randn(model.space.shape, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        return model.network(x_t, 0.6, model.encode_text(PROMPT))


def of_lycoris(file: Path, model: Model, kind: str = "loha") -> Path:
    return tiny_lycoris(file, model.parts.denoiser, model.parts.text_encoders[0], kind)


@pytest.mark.parametrize("kind", ["loha", "lokr"])
def test_a_lycoris_file_changes_every_layer_that_it_names_and_leaves_nothing(model, tmp_path, kind) -> None:
    file, base, loras = of_lycoris(tmp_path / f"{kind}.safetensors", model, kind), answer(model), Loras(model.parts)
    expected = copy.deepcopy((model.parts.denoiser, model.parts.text_encoders[0]))
    assert loras.put([Lora(str(file), 0.5)]) == []
    found, words = answer(model), model.encode_text(PROMPT).text
    loras.put([])
    assert torch.equal(answer(model), base)
    assert float((found - base).abs().max()) > 0.02
    for stem, own in by_layer(load_file(file)).items():
        unet = stem.startswith("lora_unet")
        network = expected[0 if unet else 1]
        name = stem.removeprefix("lora_unet_" if unet else "lora_te_text_model_")
        layer = next(m for n, m in network.named_modules() if n.replace(".", "_") == name and hasattr(m, "weight"))
        layer.weight.data += 0.5 * difference(own).reshape(layer.weight.shape)
    for ours, theirs in zip((model.parts.denoiser, model.parts.text_encoders[0]), expected, strict=True):
        ours.load_state_dict(theirs.state_dict())
    torch.testing.assert_close(model.encode_text(PROMPT).text, words, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(answer(model), found, rtol=1e-3, atol=1e-3)


def test_a_dora_that_peft_saved_does_what_it_does_in_diffusers(folder, tmp_path) -> None:
    model = load_model(str(folder), "cpu", torch.float32)
    unet = copy.deepcopy(model.parts.denoiser)
    unet.add_adapter(peft.LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "to_v", "conv1"], use_dora=True), "a")
    with torch.no_grad():
        torch.manual_seed(3)
        for name, parameter in unet.named_parameters():
            if ".a." in name:
                parameter.copy_(parameter * 1.4 if "magnitude" in name else torch.randn_like(parameter) * 0.3)
    state = {f"unet.{key}": x for key, x in peft.get_peft_model_state_dict(unet, adapter_name="a").items()}
    save_file({key: x.contiguous().clone() for key, x in state.items()}, tmp_path / "dora.safetensors")
    base = answer(model)
    assert Loras(model.parts).put([Lora(str(tmp_path / "dora.safetensors"))]) == []
    pipeline = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None, local_files_only=True)
    pipeline.load_lora_weights(str(tmp_path), weight_name="dora.safetensors")
    x_t = torch.randn(model.space.shape, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        text, _ = pipeline.encode_prompt(PROMPT, "cpu", 1, False)
        expected = pipeline.unet(x_t, torch.tensor([model.schedule.level(0.6)]), encoder_hidden_states=text).sample
    torch.testing.assert_close(answer(model), expected, rtol=1e-4, atol=1e-4)
    assert float((expected - base).abs().max()) > 0.05


def test_sdxl_s_blocks_are_found_by_the_names_of_its_first_release(tmp_path) -> None:
    folder = tiny_stable_diffusion_xl(tmp_path / "sdxl")
    model = load_model(str(folder), "cpu", torch.float32)
    g, loras = torch.Generator().manual_seed(6), Loras(model.parts)
    unet = model.parts.denoiser
    places = {
        "lora_unet_input_blocks_3_1_transformer_blocks_0_attn2_to_k":
            unet.down_blocks[1].attentions[0].transformer_blocks[0].attn2.to_k,
        "lora_unet_input_blocks_1_0_in_layers_2": unet.down_blocks[0].resnets[0].conv1,
        "lora_unet_input_blocks_2_0_op": unet.down_blocks[0].downsamplers[0].conv,
        "lora_unet_middle_block_1_proj_in": unet.mid_block.attentions[0].proj_in,
        "lora_unet_output_blocks_0_0_emb_layers_1": unet.up_blocks[0].resnets[0].time_emb_proj,
        "lora_unet_output_blocks_2_0_skip_connection": unet.up_blocks[1].resnets[0].conv_shortcut,
        "lora_unet_input_blocks_0_0": unet.conv_in, "lora_unet_out_2": unet.conv_out,
        "lora_unet_label_emb_0_2": unet.add_embedding.linear_2, "lora_unet_time_embed_0": unet.time_embedding.linear_1,
    }  # fmt: skip
    tensors = {f"{name}.diff": torch.randn(layer.weight.shape, generator=g) for name, layer in places.items()}
    fc1 = model.parts.text_encoders[1].get_submodule("text_model.encoder.layers.0.mlp.fc1")
    tensors["lora_te2_text_model_encoder_layers_0_mlp_fc1.diff"] = torch.zeros_like(fc1.weight)
    save_file(tensors, tmp_path / "names.safetensors")
    assert loras.put([Lora(str(tmp_path / "names.safetensors"))]) == []
    assert all(layer._forward_hooks for layer in (*places.values(), fc1))
    loras.put([])
    assert not any(layer._forward_hooks for layer in places.values())


def test_old_and_new_kinds_go_together_and_each_goes_alone(model, tmp_path) -> None:
    base, loras = answer(model), Loras(model.parts)
    loha = of_lycoris(tmp_path / "loha.safetensors", model)
    plain = tiny_lora(tmp_path / "plain.safetensors", model.parts.denoiser, (model.parts.text_encoders[0],))
    loras.put([Lora(str(loha), 0.3)])
    alone = answer(model)
    loras.put([Lora(str(loha), 0.3), Lora(str(plain), 0.5)])
    both = answer(model)
    loras.put([Lora(str(plain), 0.5)])
    second = answer(model)
    loras.put([Lora(str(plain), 0.5), Lora(str(loha), 0.3)])
    torch.testing.assert_close(answer(model), both)
    loras.put([Lora(str(loha), 0.3)])
    assert torch.equal(answer(model), alone)
    loras.put([])
    assert torch.equal(answer(model), base)
    assert not any(torch.equal(a, b) for a, b in ((both, alone), (both, second), (alone, second)))


def test_a_layer_of_a_shape_that_does_not_fit_leaves_the_model_clean(model, tmp_path) -> None:
    base, loras = answer(model), Loras(model.parts)
    file = of_lycoris(tmp_path / "loha.safetensors", model)
    wrong = {key: torch.cat([x, x], -1) if "to_q.hada_w1_b" in key else x for key, x in load_file(file).items()}
    save_file(wrong, tmp_path / "wrong.safetensors")
    with pytest.raises(UserError, match="another shape than in this Stable Diffusion 1"):
        loras.put([Lora(str(file)), Lora(str(tmp_path / "wrong.safetensors"))])
    assert torch.equal(answer(model), base)
    assert not any(layer._forward_hooks for layer in model.parts.denoiser.modules())
