"""Do seeds differ, and is what they give the model's own? Samples beside what it looked at and the nearest it knows."""

from __future__ import annotations

from itertools import combinations

import cv2
import numpy as np
from PIL import Image

from paintdiff.training import nearest
from paintdiff.training.contact_sheet import contact_sheet
from paintdiff.training.figures import Figure, Part, percent
from paintdiff.training.prompt_following import on_ground
from paintdiff.training.prompted import SEEDS, Prompted
from paintdiff.training.setting import Setting
from paintdiff.training.similarity import masked_l1

VISIBLE = 10.0  # levels of masked L1 between two fills
_DIFFER_TARGET = 0.95  # of all pairs of seeds
_COPIES_TARGET = 0.01  # of all samples
_SURE = 0.9  # a sample is a copy if it is as near to its nearest as that share of real copies are
_SHOWN, _EACH = 12, 3  # nouns on the sheet, and samples of each


def diversity(setting: Setting) -> Part:
    """Masked L1 between the seeds of each noun; the distance of each sample to the nearest training sprite."""
    painted = setting.prompted
    apart = np.array([
        [masked_l1(fills[a], fills[b].astype(np.float32), painted.mask) for a, b in combinations(range(SEEDS), 2)]
        for fills in painted.fills
    ])  # fmt: skip
    differ = float((apart > VISIBLE).mean())
    sprites = [sprite.pixels for sprite in setting.seen]
    seen = nearest.Nearest(nearest.of_sprites(sprites))
    found, distances = seen.find(np.stack([
        nearest.of_painted(picture, ground)
        for fills, ground in zip(painted.fills, painted.grounds, strict=True) for picture in fills
    ]))  # fmt: skip
    limit, usual, others = _copies(setting, painted, seen)
    copies = float((distances <= limit).mean())
    figures: tuple[Figure, ...] = (
        Figure("diversity: pairs of seeds that differ visibly", percent(differ), f"at least {percent(_DIFFER_TARGET)}",
            differ >= _DIFFER_TARGET,
            f"masked L1 above {VISIBLE:.0f} levels; the median pair is {np.median(apart):.0f} apart"),
        Figure("diversity: plain copies of a training picture", percent(copies), f"at most {percent(_COPIES_TARGET)}",
            copies <= _COPIES_TARGET, f"nearer than {limit:.0f} levels to one, as {percent(_SURE)} of real copies are, "
            f"and {percent(others)} of other artists' drawings of the same nouns, which were never seen; "
            f"samples are {np.median(distances):.0f} away (median), held-out sprites {usual:.0f}"),
    )  # fmt: skip
    led = _led(setting, painted, seen, found)
    if led is not None:
        figures += (
            Figure("diversity: nearest is the picture looked at", percent(led), "", None,
                "samples that resemble, of all training pictures, the very one that the model was shown the most"),
        )  # fmt: skip
    numbers = {
        "pairs_apart": apart.round(2).tolist(), "nearest": distances.round(2).tolist(), "copy_limit": limit,
        "held_out_nearest": usual, "others_as_near": others, "nearest_is_looked_at": led,
    }  # fmt: skip
    return Part("diversity", figures, "", numbers, {
        "diversity": _seeds(painted), "nearest": _beside(setting, painted, found.reshape(-1, SEEDS), distances),
    })  # fmt: skip


def _led(setting: Setting, painted: Prompted, seen: nearest.Nearest, found: np.ndarray) -> float | None:
    """The share of samples whose nearest sprite is the picture that the model looked at; None if it looks at none."""
    library = setting.painter.library
    if library is None:
        return None
    asked = [(noun, seed + k) for noun, seed in zip(painted.nouns, painted.seeds, strict=True) for k in range(SEEDS)]
    looked_at = [library.choose(noun, seed) for noun, seed in asked]
    there = np.array([pixels is not None for pixels in looked_at])
    if not there.any():
        return None
    shown, _ = seen.find(nearest.of_sprites([pixels for pixels in looked_at if pixels is not None]))
    return float((found[there] == shown).mean())


def _copies(setting: Setting, painted: Prompted, seen: nearest.Nearest) -> tuple[float, float, float]:
    """How far from its nearest a real copy lies (nearly all of them), and a held-out sprite (the median); the share of
    the judging sets' drawings of what was painted that lie as near as a copy.

    The last is the share of one who draws all by himself: two drawings of a full moon are alike. All are laid into the
    very pictures that were painted, and cut out again in the same way.
    """
    distances: list[np.ndarray] = []
    by_others = [sprite for sprite in setting.judging if sprite.name in painted.nouns]
    for sprites, count in ((setting.seen, 100), (setting.held_out, 100), (by_others, 400)):
        some = sprites[:: max(1, len(sprites) // count)]
        size, grounds = setting.painter.size, painted.grounds
        laid = [
            nearest.of_painted(on_ground(sprite.pixels, n % len(grounds), size), grounds[n % len(grounds)])
            for n, sprite in enumerate(some)
        ]
        distances.append(seen.find(np.stack(laid))[1])
    limit = float(np.quantile(distances[0], _SURE))
    return limit, float(np.median(distances[1])), float((distances[2] <= limit).mean())


def _seeds(painted: Prompted) -> Image.Image:
    cells = [
        (painted.nouns[n] if k == 0 else f"seed {painted.seeds[n] + k}", painted.fills[n][k])
        for n in _some(len(painted.nouns), 2 * _SHOWN) for k in range(SEEDS)
    ]  # fmt: skip
    return contact_sheet(cells, 2 * SEEDS, 96)


def _beside(setting: Setting, painted: Prompted, found: np.ndarray, distances: np.ndarray) -> Image.Image:
    """Each sample, what the model looked at, and the nearest sprite that it was trained on."""
    away, library, size = distances.reshape(-1, SEEDS), setting.painter.library, setting.painter.size
    cells = []
    for n in _some(len(painted.nouns), _SHOWN):
        for k in range(_EACH):
            looked_at = library.choose(painted.nouns[n], painted.seeds[n] + k) if library else None
            cells += [
                (painted.nouns[n], painted.fills[n][k]),
                ("looked at" if looked_at is not None else "looked at none", _on_white(looked_at, size)),
                (f"nearest, {away[n, k]:.0f} off", _on_white(setting.seen[int(found[n, k])].pixels, size)),
            ]  # fmt: skip
    return contact_sheet(cells, 3 * _EACH, 128)


def _some(count: int, wanted: int) -> range:
    return range(0, count, max(1, -(-count // wanted)))


def _on_white(sprite: np.ndarray | None, size: int) -> np.ndarray:
    if sprite is None:
        return np.full((size, size, 3), 255, np.uint8)
    small = cv2.resize(np.ascontiguousarray(sprite), (size, size), interpolation=cv2.INTER_AREA).astype(np.uint16)
    return np.minimum(small[..., :3] + 255 - small[..., 3:], 255).astype(np.uint8)
