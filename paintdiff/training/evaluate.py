"""The bundled model's figures beside their targets: which parts there are, and how they are run one after the other."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence

from paintdiff.training.colour_words import colour_words
from paintdiff.training.continued import continuation
from paintdiff.training.details import colorization, upscaling
from paintdiff.training.diversity import diversity
from paintdiff.training.figures import Part
from paintdiff.training.large import large_fills
from paintdiff.training.prompt_following import prompt_following
from paintdiff.training.removal import removal
from paintdiff.training.seconds import seconds
from paintdiff.training.setting import Setting

# name: how it is measured; the times come first, before other processes work
PARTS: dict[str, Callable[[Setting], Part]] = {
    "seconds": seconds,
    "continuation": continuation,
    "prompts": prompt_following,
    "colours": colour_words,
    "removal": removal,
    "diversity": diversity,
    "colorization": colorization,
    "upscaling": upscaling,
    "large": large_fills,
}


def evaluate(setting: Setting, only: Sequence[str] = ()) -> Iterator[Part]:
    """Each part as it is measured, those of `only` if it names any; stderr says what is at work and how long."""
    for name, measured in PARTS.items():
        if only and name not in only:
            continue
        start = time.perf_counter()
        print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
        part = measured(setting)
        print(f"{time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
        yield part
