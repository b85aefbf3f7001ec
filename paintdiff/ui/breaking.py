"""Lets long names break across lines, in labels that wrap: Qt breaks between words alone."""

from __future__ import annotations

import re

LONG = 24  # characters of a word from which on it may not fit


def breakable(text: str) -> str:
    """`text` with an invisible place to break behind each dot, slash, dash and underscore of its long words."""
    return re.sub(rf"\S{{{LONG},}}", lambda word: re.sub(r"([./\\_-])", "\\1\u200b", word[0]), text)
