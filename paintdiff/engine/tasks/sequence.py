"""A frame while its windows are painted one after the other, each in the light of all before."""

from __future__ import annotations

import cv2
import numpy as np

from paintdiff.generation.request import Request
from paintdiff.image.blending import blend_onto
from paintdiff.image.geometry import Rect

OVERLAP = 1 / 16  # of a window's side: so far a window paints again what one before it painted, to blend the two


class Sequence:
    """What is painted of a request so far.

    `picture` (h, w, 4) uint8 is the frame as it looks by now, `patch` all that was painted, as one layer.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._left = request.change_map > 0
        self.picture = request.picture.copy()
        self.patch = np.zeros_like(request.picture)

    def part(self, window: Rect) -> Request:
        """The request for `window` as things stand: what is painted already is kept, but for a strip of overlap."""
        request, where = self._request, window.slices_in(self._request.frame)
        left = self._left[where]
        if left.any() and not left.all():
            overlap = max(2 * request.feather, round(max(window.w, window.h) * OVERLAP))
            left = cv2.distanceTransform(np.uint8(1) - left, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) <= overlap
        change_map = np.where(left, request.change_map[where], np.uint8(0))
        return request.part(window, self.picture[where].copy(), change_map)

    def paste(self, part: Request, patch: np.ndarray) -> None:
        """Lay `patch`, straight alpha, over `part` of the picture: that is painted now."""
        where = part.frame.slices_in(self._request.frame)
        blend_onto(self.picture[where], patch)
        blend_onto(self.patch[where], patch)
        self._left[where] &= part.change_map == 0
