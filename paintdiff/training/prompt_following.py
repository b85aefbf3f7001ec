"""Does it paint what is asked for? An outsider names the pictures, as well as it names real ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from paintdiff.engine.bundled.picture_library import fitted, laid
from paintdiff.training.contact_sheet import contact_sheet
from paintdiff.training.figures import Figure, Part, percent, table
from paintdiff.training.prompted import SEEDS, Prompted, ground_of, room
from paintdiff.training.scenes import as_bytes
from paintdiff.training.setting import Setting
from paintdiff.training.sources import Sprite

TARGET = 0.7  # of the recognizer's own share of right names among the first five
_SHOWN = 60  # nouns on the sheet


def prompt_following(setting: Setting) -> Part:
    """Names among the first 1 and 5 for painted things, beside those for real sprites that the recognizer never saw."""
    painted, size = setting.prompted, setting.painter.size
    real = [(name, picture) for number, name in enumerate(painted.nouns) for picture in real_ones(
        [sprite for sprite in setting.sprites if sprite.name == name], number, size
    )]  # fmt: skip
    own = setting.recognizer.ranks([picture for _, picture in real], [name for name, _ in real])
    names = [name for name in painted.nouns for _ in range(SEEDS)]
    ranks = setting.recognizer.ranks([picture for fills in painted.fills for picture in fills], names)
    shares = {k: (float((ranks < k).mean()), float((own < k).mean())) for k in (1, 5)}
    figures = tuple(
        Figure(
            f"prompt following, top-{k}",
            f"{percent(ours)} of {percent(best)}: {percent(ours / max(best, 1e-9))}",
            f"at least {percent(TARGET)} of the judge's own" if k == 5 else "",
            ours >= TARGET * best if k == 5 else None,
            f"{len(painted.nouns)} nouns × {SEEDS} seeds among {len(setting.recognizer.names)} names; the judge's own "
            f"on {len(real)} real sprites that it has never seen",
        )
        for k, (ours, best) in shares.items()
    )
    by_noun = ranks.reshape(-1, SEEDS)
    numbers = {
        "painted": {f"top{k}": ours for k, (ours, _) in shares.items()},
        "real": {f"top{k}": best for k, (_, best) in shares.items()},
        "ranks": dict(zip(painted.nouns, by_noun.tolist(), strict=True)),
    }
    return Part("prompts", figures, _best_and_worst(painted.nouns, by_noun), numbers, {
        "prompts": _sheet(painted, by_noun),
        "prompts-real": contact_sheet(_every(real, 40), 10, 96),
    })  # fmt: skip


def real_ones(sprites: Sequence[Sprite], number: int, size: int) -> list[np.ndarray]:
    """Up to four sprites as a perfect painter would paint them: in the mask's box, on ground `number`."""
    step = max(1, -(-len(sprites) // SEEDS))
    return [on_ground(sprite.pixels, number, size) for sprite in sprites[::step]]


def on_ground(sprite: np.ndarray, number: int, size: int) -> np.ndarray:
    """(s, s, 4) premultiplied -> (S, S, 3) uint8."""
    layer = laid(sprite, size, *fitted(sprite, room(size))).astype(np.float32)
    return as_bytes(layer[..., :3] + ground_of(number, size) * (1 - layer[..., 3:] / 255))


def _sheet(painted: Prompted, ranks: np.ndarray) -> Image.Image:
    chosen = range(0, len(painted.nouns), max(1, -(-len(painted.nouns) // _SHOWN)))
    cells = [
        (f"{painted.nouns[n]}{_mark(int(ranks[n, k]))}", painted.fills[n][k]) for n in chosen for k in (0, 1)
    ]
    return contact_sheet(cells, 12, 96)


def _mark(rank: int) -> str:
    return " (1st)" if rank == 0 else f" ({rank + 1})"


def _every(cells: list[tuple[str, np.ndarray]], count: int) -> list[tuple[str, np.ndarray]]:
    return cells[:: max(1, -(-len(cells) // count))]


def _best_and_worst(nouns: Sequence[str], ranks: np.ndarray) -> str:
    order = np.argsort(np.median(ranks, axis=1), kind="stable")
    rows = [
        (heading, ", ".join(nouns[n] for n in some))
        for heading, some in (("named best", order[:15]), ("named worst", order[::-1][:15]))
    ]
    return table(("", "nouns"), rows)
