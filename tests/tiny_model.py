"""A tiny random fill model in the format of the bundled one, for tests that need a real engine but no real picture."""

import json
from dataclasses import asdict
from pathlib import Path

import tokenizers
import torch
from safetensors.torch import save_file
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from torch import nn

from paintdiff.engine.bundled.enlarger import ENLARGER
from paintdiff.engine.bundled.enlarger_network import EnlargerConfig, EnlargerNetwork
from paintdiff.engine.bundled.fill_network import FillNetwork, FillNetworkConfig
from paintdiff.engine.bundled.judge import JUDGE
from paintdiff.engine.bundled.judge_network import JudgeConfig, JudgeNetwork
from paintdiff.engine.bundled.text import PROMPT_LENGTH


def tiny_model(folder: Path, size: int = 16, seed: int = 0) -> Path:
    """Write config.json, model.safetensors and tokenizer.json into `folder` (made if absent) and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    alphabet = sorted(ByteLevel.alphabet())
    vocabulary = {"<pad>": 0, "<start>": 1} | {letter: i + 2 for i, letter in enumerate(alphabet)}
    bpe = tokenizers.Tokenizer(BPE(vocabulary, []))
    bpe.pre_tokenizer = ByteLevel(add_prefix_space=False)
    bpe.save(str(folder / "tokenizer.json"))
    config = FillNetworkConfig(
        vocabulary=len(vocabulary), widths=(16, 16, 32), blocks=(1, 1), tokens_depth=1, heads=2, condition=32,
        text_length=PROMPT_LENGTH, text_width=16, text_depth=1, text_heads=2,
    )
    weights = {name: value.contiguous() for name, value in random_network(config, seed).state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    description = {
        "name": "Tiny", "kind": "fill", "size": size, "prediction": "x0", "schedule": {"kind": "flow"},
        "network": asdict(config), "tokenizer": "tokenizer.json", "weights": "model.safetensors",
    }
    (folder / "config.json").write_text(json.dumps(description), encoding="utf-8")
    return folder


def tiny_judge(folder: Path, seed: int = 0) -> Path:
    """Write a random judge.safetensors beside a tiny model in `folder` and return the folder."""
    config = JudgeConfig(
        vocabulary=258, widths=(8, 8, 16), blocks=(1, 1, 1), condition=16, looks=2, embedding=8,
        text_length=PROMPT_LENGTH, text_width=16, text_depth=1, text_heads=2,
    )
    about = {"network": asdict(config), "nouns": ["nothing", "cat", "tree"]}
    weights = {name: value.contiguous() for name, value in randomized(JudgeNetwork(config), seed).state_dict().items()}
    save_file(weights, folder / JUDGE, {"judge": json.dumps(about)})
    return folder


def tiny_enlarger(folder: Path, seed: int = 0) -> Path:
    """Write a random enlarger.safetensors beside a tiny model in `folder` and return the folder."""
    config = EnlargerConfig(widths=(8, 16), blocks=(1, 1, 1))
    network = randomized(EnlargerNetwork(config), seed)
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    save_file(weights, folder / ENLARGER, {"enlarger": json.dumps({"network": asdict(config)})})
    return folder


def random_network(config: FillNetworkConfig, seed: int) -> nn.Module:
    """A network without the zeros that training starts from, so that every input has a say in the output."""
    return randomized(FillNetwork(config), seed)


def randomized(network: nn.Module, seed: int) -> nn.Module:
    """`network` with random weights and biases."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return network
