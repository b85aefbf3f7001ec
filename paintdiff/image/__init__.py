"""Geometry, tiles, pixels, masks and blending on NumPy arrays; imports nothing of ours."""

from __future__ import annotations

import os
from pathlib import Path

import cv2

# OpenCV's wheel points Qt at the plugins and fonts of its own Qt; neither PySide6 nor child processes may follow.
for _name in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"):
    if os.environ.get(_name, "").startswith(str(Path(cv2.__file__).parent)):
        del os.environ[_name]
