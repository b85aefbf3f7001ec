"""Control maps: what a ControlNet is shown of a picture, drawn by plain image processing."""

from __future__ import annotations

import cv2
import numpy as np

from paintdiff.image.blending import over_matte
from paintdiff.image.smooth_fill import filled

CANNY_LOW, CANNY_HIGH = 100, 200  # levels of gradient: below the first no edge, above the second always one
FINE, ROUGH = 1.0, 2.0  # pixels: the width of what counts as a line in a picture 512 pixels a side
WIDER = 1.6  # the second Gaussian of a difference of two
FAINTEST = 0.008 # share of the range from black to white that a line must stand out by
CONTRAST = 30.0  # how quickly a line becomes white as it stands out more
CLEAR = 0.6  # how strong a line must be for a rough drawing to have it
STROKE = 3  # pixels that a rough line is wide, at least, in a picture 512 pixels a side
TILE = 4  # the blur of a tile map: pixels that become one
SIDE = 512


def canny(rgb: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 -> (h, w) float32, 1 on edges of any channel and 0 elsewhere (Canny 1986)."""
    return (cv2.Canny(np.ascontiguousarray(rgb), CANNY_LOW, CANNY_HIGH) > 0).astype(np.float32)


def line_art(rgb: np.ndarray, width: float = FINE) -> np.ndarray:
    """(h, w, 3) uint8 -> (h, w) float32 in [0, 1]: lines and edges in white on black, faint ones grey.

    A difference of Gaussians with a soft threshold (XDoG: Winnemöller et al. 2012, 2.3, without its tones): where any
    channel is darker than its neighbourhood is a line. `width` is in pixels of a picture SIDE pixels a side.
    """
    sigma = max(0.6, width * max(rgb.shape) / SIDE)
    narrow, wide = (cv2.GaussianBlur(_shares(rgb), (0, 0), each) for each in (sigma, WIDER * sigma))
    return np.tanh(CONTRAST * np.maximum(0, (wide - narrow).max(axis=2) - FAINTEST))


def scribble(rgb: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 -> (h, w) float32 of 0 and 1: the strongest lines of a picture, as thick as a pen's."""
    scale = max(rgb.shape[:2]) / SIDE
    lines = (line_art(rgb, ROUGH) > CLEAR).astype(np.float32)
    return cv2.dilate(lines, np.ones((max(1, round(STROKE * scale)),) * 2, np.uint8))


def strokes(alpha: np.ndarray) -> np.ndarray:
    """(h, w) uint8 opacity of what was painted -> (h, w) float32 of 0 and 1: the strokes, whatever their colour."""
    return (alpha > 127).astype(np.float32)


def tile(rgb: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 -> the same, blurred: its colours without its detail."""
    height, width = rgb.shape[:2]
    small = max(1, round(width / TILE)), max(1, round(height / TILE))
    return cv2.resize(cv2.resize(rgb, small, interpolation=cv2.INTER_AREA), (width, height))


def control_map(
    kind: str, rgba: np.ndarray, free: np.ndarray, *, ready: bool = False, drawn: bool = False
) -> np.ndarray:
    """What a ControlNet of `kind` (of `generation.controls.KINDS`) is shown: (h, w, 3) float32 in [0, 1].

    `rgba` is (h, w, 4) uint8 straight alpha. What is transparent is continued smoothly, which draws no edges; where the
    picture is `drawn` on transparent ground, that is white, and in a map that is `ready` black. `free` (h, w) bool is
    what the mask covers: an inpaint map is -1 there, as those networks were trained. Raises ValueError for a kind that
    is not drawn here.
    """
    rgb, alpha = rgba[..., :3], rgba[..., 3]
    if ready:
        black = over_matte(rgba, (0, 0, 0))
        return _greys(_shares(black).mean(axis=2)) if kind in GREY else _shares(black)
    if kind == "scribble" and drawn:
        return _greys(strokes(alpha))
    whole = over_matte(rgba, (255, 255, 255)) if drawn else filled(rgb, alpha < 128)
    if kind == "inpaint":
        return np.where(free[..., None], np.float32(-1), _shares(whole))
    if kind == "tile":
        return _shares(tile(whole))
    if kind not in DRAWN:
        raise ValueError(f"a map of kind {kind!r} is given, not drawn")
    return _greys(DRAWN[kind](whole))


GREY = ("canny", "lineart", "scribble", "depth")
DRAWN = {"canny": canny, "lineart": line_art, "scribble": scribble}


def _shares(rgb: np.ndarray) -> np.ndarray:
    return rgb.astype(np.float32) / 255


def _greys(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[..., None].astype(np.float32), 3, axis=2)
