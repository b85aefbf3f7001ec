"""Photographs: none without a licence that allows it, none that is not credited, none to learn from that judges."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paintdiff.training import photographs
from paintdiff.training.package_files import unpack_archives
from paintdiff.training.panoramas import view, views_of_panorama
from paintdiff.training.photographs import PHOTOGRAPHS, Photograph, fetch_grounds, fetch_photographs


def test_every_photograph_is_free_and_credited_in_the_documentation() -> None:
    page = Path(__file__).parents[2] / "docs/bundled-model.md"
    text = " ".join(page.read_text(encoding="utf-8").split())
    for photograph in PHOTOGRAPHS:
        assert photograph.licence.startswith(("CC0", "CC-BY ", "public domain"))
        if photograph.held_out:
            assert f"| `{photograph.file}` | {photograph.author} | {photograph.licence} |" in text
        else:
            of_licence = text.split(f"- {photograph.package}, {photograph.licence}: ")[1].split(" - ")[0]
            assert f"`{Path(photograph.file).name}` {photograph.author}" in of_licence


def test_no_photograph_is_listed_twice_or_both_learnt_from_and_judged_by() -> None:
    assert len({photograph.sha256 for photograph in PHOTOGRAPHS}) == len(PHOTOGRAPHS)
    assert len({photograph.file for photograph in PHOTOGRAPHS}) == len(PHOTOGRAPHS)
    assert sum(photograph.held_out for photograph in PHOTOGRAPHS) == 13
    judging = {photograph.package for photograph in PHOTOGRAPHS if photograph.held_out}
    assert judging.isdisjoint(photograph.package for photograph in PHOTOGRAPHS if not photograph.held_out)


def test_only_the_very_file_whose_licence_was_read_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(np.full((30, 2000, 3), 90, np.uint8)).save(tmp_path / "own.png")
    digest = hashlib.sha256((tmp_path / "own.png").read_bytes()).hexdigest()
    own = Photograph("package", "own.png", digest, "one", "CC0")
    other = Photograph("package", "own.png", "0" * 64, "another", "CC0")
    monkeypatch.setattr(photographs, "PHOTOGRAPHS", (own, other))
    found = fetch_photographs(tmp_path, offline=True)
    assert [picture.shape for picture in found] == [(15, 1024, 3)]


def test_grounds_are_small_and_never_the_held_out_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = []
    for name, tone, held_out in (("a/learnt.png", 60, False), ("judged.png", 200, True)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((900, 1536, 3), tone, np.uint8)).save(tmp_path / name)
        digest = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        table.append(Photograph("package", name, digest, "one", "CC0", held_out))
    monkeypatch.setattr(photographs, "PHOTOGRAPHS", tuple(table))
    grounds = fetch_grounds(tmp_path, offline=True)
    assert [(ground.shape, int(ground.mean())) for ground in grounds] == [((300, 512, 3), 60)]
    assert [int(picture.mean()) for picture in fetch_photographs(tmp_path, offline=True)] == [200]


def test_a_panorama_becomes_views_of_what_lies_ahead(tmp_path: Path) -> None:
    openexr = pytest.importorskip("OpenEXR")
    light = np.full((64, 128, 3), 0.2, np.float32)
    light[:32, :, 2] = 4.0  # a blue sky above the horizon
    header = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage}
    openexr.File(header, {"RGB": light}).write(str(tmp_path / "all.exr"))
    views = views_of_panorama(tmp_path / "all.exr")
    assert {(seen.shape, seen.dtype) for seen in views} == {((256, 256, 3), np.dtype(np.uint8))}
    for seen in views:
        assert seen[0, 128, 2] > seen[0, 128, 0] + 50
        assert seen[-1, 128, 2] == seen[-1, 128, 0]


def test_turning_around_moves_what_is_seen_and_a_full_turn_changes_nothing() -> None:
    panorama = np.zeros((64, 128, 3), np.uint8)
    panorama[:, 32] = 255  # a pole at a quarter of the way around
    assert view(panorama, 0, 0).max() == 0
    ahead = view(panorama, 90, 0)
    assert ahead[128, 118:138].max() > 100
    assert ahead[128, :100].max() == 0
    assert np.array_equal(ahead, view(panorama, 450, 0))


def test_files_packed_in_archives_of_a_package_are_found_by_the_end_of_their_path(tmp_path: Path) -> None:
    """A package folder as `dpkg-deb` leaves it would hold them; here the innermost step alone, an archive of a game."""
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "stone.png")
    with zipfile.ZipFile(tmp_path / "textures.pk3", "w") as archive:
        archive.write(tmp_path / "stone.png", "textures/stone.png")
        archive.writestr("textures/readme.txt", "not a picture")
    unpack_archives(tmp_path)
    assert (tmp_path / "textures/stone.png").exists()
    assert not (tmp_path / "textures/readme.txt").exists()
