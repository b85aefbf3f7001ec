"""What the configs of a checkpoint may ask for: no more than its weights bear out, before anything is built."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from paintdiff.generation.errors import UserError
from paintdiff.models.header import Header, read_object, shown, spoken

LARGEST_SIDE = 4096  # pixels, or cells
LARGEST_NUMBER = 10**9
LONGEST_LIST = 10_000
MOST_LAYERS = 1000  # of one kind, or blocks times layers: SDXL has 60
WIDEST = 100_000  # channels, or words
DEEPEST = 8  # lists and objects within each other
MOST_LEVELS = 10_000  # of noise
# Each of these is the length of an axis of some tensor.
AXES = (
    "in_channels", "out_channels", "latent_channels", "block_out_channels", "cross_attention_dim", "hidden_size",
    "intermediate_size", "vocab_size", "max_position_embeddings", "projection_dim", "d_model", "d_ff",
    "num_class_embeds", "joint_attention_dim", "pooled_projection_dim", "caption_projection_dim",
    "projection_class_embeddings_input_dim", "encoder_block_out_channels", "decoder_block_out_channels",
)  # fmt: skip
SIDES = ("sample_size", "image_size", "patch_size", "pos_embed_max_size")
LAYERS = (
    "num_layers", "num_hidden_layers", "num_single_layers", "num_decoder_layers", "layers_per_block",
    "num_encoder_blocks", "num_decoder_blocks",
    "transformer_layers_per_block", "num_attention_heads", "num_heads",
)  # fmt: skip
# Keys by which a library would fetch code or other files.
LEADING_AWAY = ("transformers_weights", "quantization_config", "pretrained_cfg", "timm_config")
PLAIN: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "str": (str,)}
KERNELS = ("downsample_padding", "conv_in_kernel", "conv_out_kernel")  # pixels
LARGEST_KERNEL = 16
ATTENTIONS = (None, "eager", "sdpa")
Shape = tuple[int, ...]


def check_network(path: Path, config: dict[str, Any], header: Header) -> None:
    """Raise `UserError` for a network's config, in `path`, that asks for what its weights do not have."""
    check_numbers(path, config)
    for key, value in config.items():
        if type(value) is float and not math.isfinite(value):
            _refuse(path, f"{key} is {shown(value)}, which is no number")
    for key in LEADING_AWAY:
        if config.get(key) is not None:
            _refuse(path, f"{key} asks for what this version does not do")
    for key in ("_attn_implementation", "attn_implementation"):
        if config.get(key) not in ATTENTIONS:
            _refuse(path, f"it computes attention by {shown(config[key])}, which is not known")
    for key in KERNELS:
        if any(not 0 <= number <= LARGEST_KERNEL for number in _numbers(config.get(key))):
            _refuse(path, f"{key} is {shown(config[key])}; up to {LARGEST_KERNEL} are known")
    for key in ("latents_mean", "latents_std"):
        values = config.get(key)
        if values is not None and not _are_numbers(values, config.get("latent_channels", 4)):
            _refuse(path, f"{key} is {shown(values)}, which is not a number for each channel")
    longest = max((axis for tensor in header.tensors.values() for axis in tensor.shape), default=0)
    for key in AXES:
        for number in _numbers(config.get(key)):
            if not 0 < number <= longest:
                _refuse(path, f"{key} is {shown(config[key])}, and the longest axis of its weights has {longest}")
    layers = [number for part in _parts(config) for key in LAYERS for number in _numbers(part.get(key))]
    blocks = max(len(value) for value in (*_lists(config), ()))
    inner = max(_numbers(config.get("layers_per_block")), default=1)
    inner *= max(_numbers(config.get("transformer_layers_per_block")), default=1)
    inner *= max(_numbers(config.get("reverse_transformer_layers_per_block")), default=1)
    if min(layers, default=0) < 0 or max(*layers, 0, blocks * inner) > MOST_LAYERS:
        _refuse(path, "it has more layers than any model")
    _check_landmarks(path, config, header)


def check_types(path: Path, config: dict[str, Any], hints: dict[str, Any]) -> None:
    """Raise `UserError` where a value is not of the plain type, by name or itself, that `hints` have for its key."""
    for key, value in config.items():
        hint = hints.get(key)
        wanted = PLAIN.get(hint if isinstance(hint, str) else getattr(hint, "__name__", ""))
        if wanted is not None and value is not None and type(value) not in wanted:
            _refuse(path, f"{key} is {shown(value)}, which is of the wrong kind")


def check_numbers(path: Path, config: dict[str, Any]) -> None:
    """Raise `UserError` for numbers, lists and nesting that no config has."""
    _check_value(path, config, "", 0)
    for part in _parts(config):
        for key in SIDES:
            for number in _numbers(part.get(key)):
                if not 1 <= number <= LARGEST_SIDE:
                    _refuse(path, f"{key} is {shown(part[key])}; 1 to {LARGEST_SIDE} can be worked at")


def check_bounds(path: Path, config: dict[str, Any]) -> None:
    """`check_numbers`, for a config of our own kind."""
    check_numbers(path, config)
    size = config.get("size")
    if type(size) is not int or size > LARGEST_SIDE:
        _refuse(path, f"size is {shown(size)}; up to {LARGEST_SIDE} can be worked at")
    check_sizes(path, config.get("network"))


def check_sizes(path: Path, network: object) -> None:
    """Raise `UserError` unless `network` gives the sizes of a network of our own kind that could be built."""
    if not isinstance(network, dict):
        _refuse(path, "there is no network")
    for key, value in network.items():
        for number in _numbers(value):
            if number > (MOST_LAYERS if key in ("blocks", "tokens_depth", "text_depth", "heads") else WIDEST):
                _refuse(path, f"{key} is {shown(value)}, which no model needs")


def check_scheduler(path: Path, config: dict[str, Any]) -> None:
    """Raise `UserError` for a scheduler's config, in `path`, that describes no noise levels."""
    check_numbers(path, {key: value for key, value in config.items() if key != "trained_betas"})
    count = config.get("num_train_timesteps", 1000)
    if type(count) is not int or not 1 <= count <= MOST_LEVELS:
        _refuse(path, f"num_train_timesteps is {shown(count)}; it can be 1 to {MOST_LEVELS} levels of noise")
    betas = config.get("trained_betas")
    if betas is None:
        betas = [config.get("beta_start", 1e-4), config.get("beta_end", 0.02)]
    if not isinstance(betas, list) or not 1 <= len(betas) <= MOST_LEVELS:
        _refuse(path, f"trained_betas are {shown(betas)}")
    for beta in betas:
        if type(beta) not in (int, float) or not 0 <= beta <= 1:
            _refuse(path, f"a share {shown(beta)} of noise is added at a time; it can be 0 to 1")
    for key in ("sigma_min", "sigma_max", "shift", "base_shift", "max_shift"):
        value = config.get(key)
        if value is not None and (type(value) not in (int, float) or not math.isfinite(value)):
            _refuse(path, f"{key} is {shown(value)}, which is no number")


def check_vocabulary(folder: Path, words: int) -> None:
    """Raise `UserError` where a tokenizer has words by numbers that its text encoder, of `words`, does not know."""
    for name in ("tokenizer.json", "vocab.json"):
        path = folder / name
        if not path.is_file():
            continue
        values = read_object(path)
        if name == "tokenizer.json":
            model = values.get("model")
            values = model.get("vocab", {}) if isinstance(model, dict) else {}
        # in a list of words the place of each is its number
        numbers = list(values.values()) if isinstance(values, dict) else []
        count = len(numbers) if isinstance(values, dict) else len(values)
        if count > words or any(type(number) is not int or not 0 <= number < words for number in numbers):
            _refuse(path, f"there are words beyond the {words} that the text encoder knows")


def _check_landmarks(path: Path, config: dict[str, Any], header: Header) -> None:
    """A few tensors by which a network of another size or kind is known at once."""
    blocks = config.get("block_out_channels")
    first, last = (blocks[0], blocks[-1]) if isinstance(blocks, list) and blocks else (None, None)
    encoder = "encoder.conv_in.weight" in header.tensors
    inputs, outputs = config.get("in_channels"), config.get("out_channels")
    expected: dict[str, tuple[Any, ...]] = {
        "conv_in.weight": (first, inputs), "conv_out.weight": (outputs, first),
        "encoder.conv_in.weight": (first, inputs), "decoder.conv_in.weight": (last, config.get("latent_channels")),
        "decoder.conv_out.weight": (outputs, first),
        "embeddings.token_embedding.weight": (config.get("vocab_size"), config.get("hidden_size")),
        "embeddings.position_embedding.weight": (config.get("max_position_embeddings"), config.get("hidden_size")),
        "shared.weight": (config.get("vocab_size"), config.get("d_model")),
        "context_embedder.weight": (None, config.get("joint_attention_dim")),
    }  # fmt: skip
    for name, wanted in expected.items():
        if encoder and name in ("conv_in.weight", "conv_out.weight"):
            continue
        shape = header.shape(name) or header.shape(f"text_model.{name}")
        if shape and any(want is not None and want != axis for want, axis in zip(wanted, shape, strict=False)):
            said = " × ".join("?" if want is None else shown(want) for want in wanted)
            _refuse(path, f"{name} is {said}, and in its weights it is {' × '.join(map(str, shape))}")


def _numbers(value: Any) -> list[int]:
    """The whole numbers in a value, and in the lists in it."""
    if type(value) is int:
        return [value]
    return [number for item in value for number in _numbers(item)] if isinstance(value, list) else []


def _are_numbers(values: Any, count: int) -> bool:
    if not isinstance(values, list) or len(values) != count:
        return False
    return all(type(value) in (int, float) and math.isfinite(value) for value in values)


def _parts(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The config, and those of the networks in it."""
    yield config
    yield from (value for value in config.values() if isinstance(value, dict))


def _lists(config: dict[str, Any]) -> Iterator[list[Any]]:
    for key, value in config.items():
        if isinstance(value, list) and key.endswith(("block_types", "block_out_channels", "layers_per_block")):
            yield value


def _check_value(path: Path, value: Any, key: str, depth: int) -> None:
    if depth > DEEPEST:
        _refuse(path, "lists are nested too deeply")
    if isinstance(value, dict | list):
        if len(value) > LONGEST_LIST:
            _refuse(path, f"{key or 'there'} has {len(value)} entries")
        for name, item in value.items() if isinstance(value, dict) else ((key, item) for item in value):
            _check_value(path, item, str(name), depth + 1)
    elif type(value) is int and abs(value) > LARGEST_NUMBER:
        _refuse(path, f"{key} is {shown(value)}, which no model needs")


def _refuse(path: Path, why: str) -> NoReturn:
    raise UserError(f"{spoken(path.parent)} is not a compatible model: by its {path.name}, {why}.")
