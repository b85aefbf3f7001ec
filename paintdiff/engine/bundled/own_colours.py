"""Each seed's own colours and light for a drawing, near enough to the usual ones to know the thing by."""

from __future__ import annotations

import math

import cv2
import numpy as np

_LEND = (0.2, 0.65)  # how far the colours go towards those of the other drawing, from and to
_CONTRAST = (0.5, 1.6)  # how much flatter or livelier a channel may become by that
_GREYISH = 8.0  # Lab units of chroma below which a mean has no hue to speak of
_HUE = 7.0  # degrees, standard deviation
_SATURATION, _LIGHTNESS = 0.13, 0.16  # of the logarithms of a factor and of an exponent
_TINT = 2.5  # Lab units: what is grey is rarely quite grey
_LIGHT = 12.0  # Lab units by which the lit side grows lighter and the other darker


def recoloured(pixels: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A premultiplied RGBA drawing with colours between its own and another's of the same thing, and a little off both.

    (H, W, 4) uint8, (h, w, 4) uint8 -> (H, W, 4) uint8. Means and deviations are moved in Lab (Reinhard et al. 2001,
    "Color Transfer between Images").
    """
    lab, alpha = _lab(pixels)
    lent, its_alpha = _lab(other)
    own, its = lab[alpha > 0.8], lent[its_alpha > 0.8]
    if len(own) == 0 or len(its) == 0:
        return pixels
    contrast = np.clip((its.std(0) + 1) / (own.std(0) + 1), *_CONTRAST)
    moved = (lab - own.mean(0)) * contrast + its.mean(0)
    lend = float(rng.uniform(*_LEND))
    if not _far_apart(own.mean(0)[1:], its.mean(0)[1:]):
        lab += lend * (moved - lab)
    angle, saturation = math.radians(rng.normal(0, _HUE)), math.exp(rng.normal(0, _SATURATION))
    turn = saturation * np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]], np.float32)
    lab[..., 1:] = lab[..., 1:] @ turn + rng.normal(0, _TINT, 2).astype(np.float32)
    lab[..., 0] = 100 * (lab[..., 0].clip(0, 100) / 100) ** math.exp(rng.normal(0, _LIGHTNESS))
    return _pixels(lab, alpha)


def _far_apart(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two means of (a, b) differ so much in hue that a colour between them would be mud."""
    lengths = float(np.hypot(*one) * np.hypot(*other))
    return lengths > _GREYISH**2 and float(one @ other) < 0.7 * lengths


def lit(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A drawing, (H, W, 4) uint8 premultiplied, lighter on one side and darker on the other, as if it were rounded.

    Its blurred outline stands for how far each part of it stands out.
    """
    lab, alpha = _lab(pixels)
    height = cv2.GaussianBlur(alpha, (0, 0), 0.09 * len(alpha))
    slope = np.stack([cv2.Sobel(height, cv2.CV_32F, *axis) for axis in ((1, 0), (0, 1))], axis=-1)
    angle = rng.uniform(0, 2 * math.pi)
    light = slope @ np.array([math.cos(angle), math.sin(angle)], np.float32)
    steepest = float(np.abs(light[alpha > 0.5]).max(initial=1e-6))
    lab[..., 0] = np.clip(lab[..., 0] + _LIGHT * light / steepest, 0, 100)
    return _pixels(lab, alpha)


def _lab(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Premultiplied RGBA -> (H, W, 3) float32 Lab, lightness 0..100; (H, W) float32 alpha, 0..1."""
    alpha = pixels[..., 3:].astype(np.float32)
    straight = np.minimum(pixels[..., :3] / np.maximum(alpha, 1), 1).astype(np.float32)
    return cv2.cvtColor(straight, cv2.COLOR_RGB2LAB), alpha[..., 0] / 255


def _pixels(lab: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    straight = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB).clip(0, 1)
    return np.rint(255 * np.dstack([straight * alpha[..., None], alpha])).astype(np.uint8)
