"""Control maps: what a ControlNet is shown of a picture, drawn by plain image processing."""

from __future__ import annotations

import cv2
import numpy as np

from paintdiff.image.smooth_fill import filled

CANNY_LOW, CANNY_HIGH = 100, 200  # levels of gradient: below the first no edge, above the second always one
FINE, ROUGH = 1.0, 2.0  # pixels: the width of what counts as a line in a picture 512 pixels a side
WIDER = 1.6  # the second Gaussian of a difference of two
FAINTEST = 0.01  # share of the range from black to white that a line must stand out by
CONTRAST = 12.0  # how quickly a line becomes white as it stands out more
STROKE = 3  # pixels that a rough line is wide, at least, in a picture 512 pixels a side
TILE = 4  # the blur of a tile map: pixels that become one
SIDE = 512


def canny(rgb: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 -> (h, w) float32, 1 on edges and 0 elsewhere (Canny 1986), where the picture has contrast."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    return (cv2.Canny(grey, CANNY_LOW, CANNY_HIGH) > 0).astype(np.float32)


def line_art(rgb: np.ndarray, width: float = FINE) -> np.ndarray:
    """(h, w, 3) uint8 -> (h, w) float32 in [0, 1]: lines and edges in white on black, faint ones grey.

    A difference of Gaussians with a soft threshold (XDoG: Winnemöller et al. 2012, 2.3, without its tones): what is
    darker than its neighbourhood is a line. `width` is in pixels of a picture SIDE pixels a side.
    """
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    sigma = max(0.6, width * max(grey.shape) / SIDE)
    narrow, wide = (cv2.GaussianBlur(grey, (0, 0), each) for each in (sigma, WIDER * sigma))
    return np.tanh(CONTRAST * np.maximum(0, wide - narrow - FAINTEST))


def scribble(rgb: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 -> (h, w) float32 of 0 and 1: the strongest lines of a picture, as thick as a pen's."""
    scale = max(rgb.shape[:2]) / SIDE
    lines = (line_art(rgb, ROUGH) > 0.4).astype(np.float32)
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

    `rgba` is (h, w, 4) uint8 straight alpha. What is transparent is continued smoothly, which draws no edges; in a map
    that is `ready` it is black. `drawn` says that it is a layer of strokes. `free` (h, w) bool is what the mask covers:
    an inpaint map is -1 there, as those networks were trained. Raises ValueError for a kind that is not drawn here.
    """
    rgb, alpha = rgba[..., :3], rgba[..., 3]
    if kind == "inpaint":
        return np.where(free[..., None], np.float32(-1), _shares(filled(rgb, alpha < 128)))
    if ready:
        black = np.rint(rgb * (alpha[..., None] / np.float32(255))).astype(np.uint8)
        return _greys(_shares(black).mean(axis=2)) if kind in ("depth", "scribble", "canny") else _shares(black)
    if kind == "scribble" and drawn:
        return _greys(strokes(alpha))
    whole = filled(rgb, alpha < 128) if alpha.min() < 128 else np.ascontiguousarray(rgb)
    if kind == "tile":
        return _shares(tile(whole))
    if kind not in DRAWN:
        raise ValueError(f"a map of kind {kind!r} is given, not drawn")
    return _greys(DRAWN[kind](whole))


DRAWN = {"canny": canny, "lineart": line_art, "scribble": scribble}


def _shares(rgb: np.ndarray) -> np.ndarray:
    return rgb.astype(np.float32) / 255


def _greys(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[..., None].astype(np.float32), 3, axis=2)
