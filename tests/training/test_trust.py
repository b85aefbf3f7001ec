"""Fitting how far guesses of the ground are trusted."""

from __future__ import annotations

import tokenizers
import torch

from paintdiff.engine.bundled.fill_network import FillNetwork, FillNetworkConfig, surety_logit
from paintdiff.engine.bundled.text import Tokenizer
from paintdiff.training.batches import SceneBatches
from paintdiff.training.scenes import SceneMaker
from paintdiff.training.trust import fit_trust
from paintdiff.training.vocabulary import learn_vocabulary, own_words

TINY = FillNetworkConfig(
    vocabulary=800, widths=(16, 16, 16), blocks=(1, 1), tokens_depth=1, heads=1, condition=16, text_width=16,
    text_depth=1, text_heads=1, reference=True, trust=True,
)  # fmt: skip


def test_a_network_that_knows_nothing_learns_to_trust_good_guesses_and_changes_in_nothing_else() -> None:
    tokenizer = Tokenizer(tokenizers.Tokenizer.from_str(learn_vocabulary(own_words(), 800).to_str()))
    scenes = SceneBatches((SceneMaker((), size=32),), tokenizer, seed=1, first=0)
    torch.manual_seed(0)
    network = FillNetwork(TINY)
    was = {name: value.clone() for name, value in network.state_dict().items()}
    before, after = fit_trust(network, (scenes[k] for k in range(6)), 6)
    assert after < 0.95 * before
    same = {name for name, value in network.state_dict().items() if torch.equal(value, was[name])}
    assert set(was) - same == {"surety"}
    apart, early = torch.tensor(6.0), torch.tensor(1.0)
    good, poor = (surety_logit(network.surety, torch.tensor(alpha), apart, early) for alpha in (0.5, 0.12))
    assert good > poor
