"""The model card's figures, on answers whose value is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tokenizers
import torch
from torch import Tensor, nn

from paintdiff.engine.text import Tokenizer
from paintdiff.training import colours, shapes
from paintdiff.training.evaluate import evaluate, save_report, table
from paintdiff.training.library import library_of
from paintdiff.training.vocabulary import learn_vocabulary, own_words


class PaintsRed(nn.Module):
    """A network that answers every question with the same red."""

    def __init__(self) -> None:
        super().__init__()
        self.red = nn.Parameter(torch.tensor([0.8, -0.8, -0.8]).view(1, 3, 1, 1))

    def encode_text(self, tokens: Tensor) -> Tensor:
        return tokens.float()[..., None]

    def forward(
        self, x_t: Tensor, t: Tensor, mask: Tensor, known: Tensor, text: Tensor, text_mask: Tensor, reference: Tensor
    ) -> Tensor:
        return self.red.expand_as(x_t)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(tokenizers.Tokenizer.from_str(learn_vocabulary(own_words(), 800).to_str()))


def test_a_model_that_paints_all_red_is_right_about_red_alone_and_continues_badly(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    report = evaluate(PaintsRed(), tokenizer, library_of(()), size=32, pictures=4, samples=1)  # type: ignore[arg-type]
    assert report.by_colour["red"] == 1
    assert report.by_colour["blue"] == 0
    linear = next(row for row in report.continuation if row.kind == "linear")
    assert linear.model > 5 * min(linear.telea, linear.navier_stokes)
    assert linear.seam > 3
    assert "| linear |" in table(report)
    save_report(report, tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["by_colour"]["red"] == 1


def test_the_commonest_hue_ignores_grey() -> None:
    sprite = shapes.draw("circle", "blue", np.random.default_rng(0))
    sprite[:30] = (200, 200, 200, 255)
    assert colours.commonest_hue(sprite) == "blue"
    sprite[:] = (90, 90, 90, 255)
    assert colours.commonest_hue(sprite) == ""
