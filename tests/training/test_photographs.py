"""Photographs for evaluation: none without a licence that allows it, none that is not credited, none unseen."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paintdiff.training import photographs
from paintdiff.training.photographs import PHOTOGRAPHS, Photograph, fetch_photographs


def test_every_photograph_is_free_and_credited_in_the_documentation() -> None:
    page = Path(__file__).parents[2] / "docs/bundled-model.md"
    text = page.read_text(encoding="utf-8")
    for photograph in PHOTOGRAPHS:
        assert photograph.licence.split(" ")[0] in ("CC0", "CC-BY")
        assert f"| `{photograph.file}` | {photograph.author} | {photograph.licence} |" in text


def test_only_the_very_file_whose_licence_was_read_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(np.full((30, 2000, 3), 90, np.uint8)).save(tmp_path / "own.png")
    digest = hashlib.sha256((tmp_path / "own.png").read_bytes()).hexdigest()
    own = Photograph("package", "own.png", digest, "one", "CC0")
    other = Photograph("package", "own.png", "0" * 64, "another", "CC0")
    monkeypatch.setattr(photographs, "PHOTOGRAPHS", (own, other))
    found = fetch_photographs(tmp_path, offline=True)
    assert [picture.shape for picture in found] == [(15, 1024, 3)]
