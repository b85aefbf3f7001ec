"""The judge of a model folder: how like a picture and a prompt are, and log p(prompt | x_t), for guidance."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from paintdiff.engine.bundled.judge_network import JudgeConfig, JudgeNetwork
from paintdiff.engine.bundled.text import Tokenizer
from paintdiff.generation.errors import UserError

JUDGE = "judge.safetensors"
NOTHING = "nothing"


def rivals(prompt: str, nouns: Sequence[str]) -> list[str]:
    """The nouns that a prompt can be weighed against: those that it does not name itself."""
    asked = f" {' '.join(prompt.lower().split())} "
    return [noun for noun in nouns if f" {noun} " not in asked]


@dataclass(frozen=True, eq=False)
class Judge:
    """A `JudgeNetwork` with its tokenizer and the nouns that a prompt is weighed against; float32 on one device."""

    network: JudgeNetwork
    tokenizer: Tokenizer
    nouns: tuple[str, ...]

    def embed_picture(self, pixels: Tensor) -> Tensor:
        """(N, 3, S, S) clean pictures in [-1, 1] -> (N, E)."""
        return self.network.embed_picture(pixels, pixels.new_zeros(len(pixels)))

    def embed_text(self, prompt: str) -> Tensor:
        """(1, E); the empty prompt means nothing but background."""
        return self._words([prompt.strip() or NOTHING])

    def classifier(self, prompt: str) -> PromptClassifier:
        """What gives log p(prompt | x_t) among the judge's nouns."""
        prompt = prompt.strip() or NOTHING
        return PromptClassifier(self.network, self._words([prompt, *rivals(prompt, self.nouns)]))

    def _words(self, texts: list[str]) -> Tensor:
        tokens = self.tokenizer.encode(texts)
        used = int((tokens != 0).sum(1).max())
        return self.network.embed_text(tokens[:, :used].to(self.network.gain.device))


@dataclass(frozen=True, eq=False)
class PromptClassifier:
    """log p(c | x_t, t) by a softmax over texts, of which the first, of `words` (K, E), is c."""

    network: JudgeNetwork
    words: Tensor

    def __call__(self, x_t: Tensor, t: float) -> Tensor:
        """(N,) log-probabilities of x_t (N, 3, S, S) at time t."""
        times = torch.full((len(x_t),), t, device=x_t.device)
        logits = self.network.embed_picture(x_t, times) @ self.words.T
        return logits.log_softmax(dim=1)[:, 0]


def find_judge(folder: Path, tokenizer: Tokenizer, device: torch.device) -> Callable[[], Judge] | None:
    """What loads the judge of a model's folder, on its first call; None where the folder has none."""
    path = folder / JUDGE
    return cache(partial(load_judge, path, tokenizer, device)) if path.is_file() else None


def load_judge(path: Path, tokenizer: Tokenizer, device: torch.device) -> Judge:
    """Read a judge's file. Raises `UserError` for a damaged one.

    It computes in float32: it is small, and its gradient is wanted exactly.
    """
    try:
        with safe_open(path, "pt", device="cpu") as file:
            about = json.loads(file.metadata()["judge"])
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 - not a mapping
        network = JudgeNetwork(JudgeConfig(**about["network"]))
        network.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, OSError, RuntimeError, SafetensorError) as error:
        problem = f"The judge {path} cannot be opened ({type(error).__name__}); set its guidance to 0."
        raise UserError(problem) from error
    network.requires_grad_(False).eval().to(device)
    return Judge(network, tokenizer, tuple(about["nouns"]))
