"""A run's state on disk: weights, their moving average, the optimizer's moments and the step, without pickles."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from paintdiff.engine.bundled.enlarger_network import EnlargerConfig, EnlargerNetwork
from paintdiff.engine.bundled.fill_network import FillNetwork, FillNetworkConfig
from paintdiff.engine.bundled.judge_network import JudgeConfig, JudgeNetwork

Trained = TypeVar("Trained", FillNetwork, JudgeNetwork, EnlargerNetwork)

_KINDS: dict[type, str] = {FillNetwork: "fill", JudgeNetwork: "judge", EnlargerNetwork: "enlarger"}


@dataclass
class Run(Generic[Trained]):
    """Everything that changes while training."""

    network: Trained
    average: Trained
    optimizer: torch.optim.AdamW
    step: int = 0
    samples: int = 0


def new_run(
    config: FillNetworkConfig, device: torch.device, seed: int, learning_rate: float = 4e-4
) -> Run[FillNetwork]:
    """A run of the model at step 0; the same seed gives the same weights."""
    return _started(FillNetwork, config, device, seed, learning_rate)


def new_judge_run(
    config: JudgeConfig, device: torch.device, seed: int, learning_rate: float = 1e-3
) -> Run[JudgeNetwork]:
    """A run of the judge at step 0; the same seed gives the same weights."""
    return _started(JudgeNetwork, config, device, seed, learning_rate)


def new_enlarger_run(
    config: EnlargerConfig, device: torch.device, seed: int, learning_rate: float = 5e-4
) -> Run[EnlargerNetwork]:
    """A run of the second stage at step 0; the same seed gives the same weights."""
    return _started(EnlargerNetwork, config, device, seed, learning_rate)


def _started(
    make: Callable[[Any], Trained], config: Any, device: torch.device, seed: int, learning_rate: float
) -> Run[Trained]:
    torch.manual_seed(seed)
    network, average = make(config).to(device), make(config).to(device).requires_grad_(False)
    average.load_state_dict(network.state_dict())
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )
    return Run(network, average, optimizer)


def save(run: Run, path: Path) -> None:
    """Write atomically: an interrupted save leaves the older checkpoint."""
    tensors = {f"network.{name}": value for name, value in run.network.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in run.average.state_dict().items()}
    for name, parameter in run.network.named_parameters():
        for key, value in run.optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{name}.{key}"] = torch.as_tensor(value)
    kind = _KINDS[type(run.network)]
    meta = {"kind": kind, "step": run.step, "samples": run.samples, "config": asdict(run.network.config)}
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".writing")
    save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, fresh, {"run": json.dumps(meta)})
    os.replace(fresh, path)


def save_average(run: Run, path: Path, about: dict[str, str]) -> None:
    """The moving average as a bf16 .safetensors file, with `about` in its header; the file is replaced as a whole."""
    tensors = {name: value.to(torch.bfloat16).cpu().contiguous() for name, value in run.average.state_dict().items()}
    fresh = path.with_name(path.name + ".writing")
    save_file(tensors, fresh, about)
    fresh.chmod(0o644)  # safetensors writes for the owner alone
    fresh.replace(path)


def load(path: Path, device: torch.device) -> Run:
    """Read what `save` wrote. Raises FileNotFoundError when there is no checkpoint."""
    if not path.exists():
        raise FileNotFoundError(f"there is no checkpoint at {path}; train without --resume first")
    with safe_open(path, "pt", device="cpu") as file:
        meta = json.loads(file.metadata()["run"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    run: Run
    if meta.get("kind") == "judge":
        run = new_judge_run(JudgeConfig(**meta["config"]), device, seed=0)
    elif meta.get("kind") == "enlarger":
        run = new_enlarger_run(EnlargerConfig(**meta["config"]), device, seed=0)
    else:
        config, tensors = _with_reference(FillNetworkConfig(**meta["config"]), tensors)
        config, tensors = _with_trust(config, tensors)
        run = new_run(config, device, seed=0)
    run.network.load_state_dict(_under("network.", tensors))
    run.average.load_state_dict(_under("average.", tensors))
    for name, parameter in run.network.named_parameters():
        moments = _under(f"optimizer.{name}.", tensors)
        if moments:
            run.optimizer.state[parameter] = {
                key: value.to(device) if key == "step" else torch.empty_like(parameter).copy_(value)
                for key, value in moments.items()
            }
    run.step, run.samples = meta["step"], meta["samples"]
    return run


def _with_reference(
    config: FillNetworkConfig, tensors: dict[str, Tensor]
) -> tuple[FillNetworkConfig, dict[str, Tensor]]:
    """A run from before the model looked at pictures goes on with those channels, unseen so far."""
    if config.reference:
        return config, tensors
    # the weights, their average, the optimizer's two moments; not its step
    widened = {name: _widened(value) for name, value in tensors.items() if ".enter.weight" in name and value.ndim == 4}
    return replace(config, reference=True), tensors | widened


def _with_trust(config: FillNetworkConfig, tensors: dict[str, Tensor]) -> tuple[FillNetworkConfig, dict[str, Tensor]]:
    """A run from before the model could draw its answer from a guess goes on with that, unlearnt so far."""
    config = replace(config, trust=True)
    fresh = {f"trust.{name}": value for name, value in FillNetwork(config).trust.state_dict().items()}
    fresh["surety"] = torch.zeros(3, 4)
    return config, {f"{of}.{name}": value for of in ("network", "average") for name, value in fresh.items()} | tensors


def _widened(weights: Tensor) -> Tensor:
    """(out, 4 * 7, 3, 3) -> (out, 4 * 11, 3, 3): zeros for the new inputs of each of a cell's four pixels."""
    out, _, height, width = weights.shape
    blocks = weights.view(out, 4, 7, height, width)
    return torch.cat([blocks, blocks.new_zeros(out, 4, 4, height, width)], dim=2).flatten(1, 2)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
