"""Saving writes the whole file or nothing: whatever goes wrong, the old one stays and no litter is left."""

import os
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from paintdiff.document.atomic import write_atomically
from paintdiff.document.compose import compose
from paintdiff.document.document import Document
from paintdiff.document.edits import picture_document, set_canvas
from paintdiff.document.files import open_picture
from paintdiff.document.openraster import save_ora
from paintdiff.document.save import export_png, read_recipe, save_png
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Recipe
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect

resource = pytest.importorskip("resource", reason="limits on file size are a POSIX matter")
superuser = pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")


def picture() -> Document:
    return picture_document(np.random.default_rng(0).integers(0, 256, (90, 120, 4), np.uint8))


def recipe(prompt: str = "ein roter Apfel 🍎 תפוח") -> Recipe:
    frame = Rect(-4, 8, 64, 64)
    sampling = Sampling(prompt=prompt, seed=9)
    return Recipe("inpaint", "first-light", frame, frame, sampling, 8, (1, 2, 3), "a" * 64, "b" * 64)


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file may grow beyond `room` bytes: the write itself fails half-way, as on a full disk."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)


def test_an_exported_png_holds_the_visible_pixels_with_alpha(tmp_path: Path) -> None:
    document = set_canvas(picture(), Rect(-10, 5, 100, 60))
    export_png(tmp_path / "a.png", document)
    with Image.open(tmp_path / "a.png") as image:
        assert (image.format, image.mode) == ("PNG", "RGBA")
        np.testing.assert_array_equal(np.array(image), compose(document, document.canvas))
    assert read_recipe(tmp_path / "a.png") is None


@pytest.mark.parametrize("prompt", ["", "ein roter Apfel 🍎 תפוח", "x" * 10_000, 'quotes " and \n lines'])
def test_an_exported_png_carries_its_recipe(tmp_path: Path, prompt: str) -> None:
    export_png(tmp_path / "a.png", picture(), recipe(prompt))
    assert read_recipe(tmp_path / "a.png") == recipe(prompt)
    np.testing.assert_array_equal(
        open_picture(tmp_path / "a.png").document.layers[0].tiles.read(Rect(0, 0, 120, 90)),
        picture().layers[0].tiles.read(Rect(0, 0, 120, 90)),
    )


def test_a_recipe_that_cannot_be_read_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    for path in (tmp_path / "text.png", tmp_path / "gone.png"):
        with pytest.raises(UserError, match="No recipe can be read"):
            read_recipe(path)


@pytest.mark.parametrize("save", [save_ora, export_png])
def test_a_full_disk_leaves_the_old_file_and_no_litter(tmp_path: Path, save) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "a.file"
    path.write_bytes(b"the old one")
    with full_disk(10_000), pytest.raises(UserError, match="no room left"):
        save(path, picture())
    assert path.read_bytes() == b"the old one"
    assert os.listdir(tmp_path) == ["a.file"]


def test_a_fault_of_ours_while_writing_leaves_no_litter_either(tmp_path: Path) -> None:
    def fail(file: BinaryIO) -> None:
        file.write(b"half")
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        write_atomically(tmp_path / "a.png", fail)
    assert os.listdir(tmp_path) == []


def test_a_read_only_file_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"precious")
    path.chmod(0o444)
    with pytest.raises(UserError, match="read-only"):
        export_png(path, picture())
    assert path.read_bytes() == b"precious"


@superuser
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(UserError, match="read-only"):
        export_png(tmp_path / "a.png", picture())
    tmp_path.chmod(0o755)


def test_targets_that_are_not_there_or_no_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not there"):
        export_png(tmp_path / "gone" / "a.png", picture())
    with pytest.raises(UserError, match="is a folder"):
        export_png(tmp_path, picture())
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="cannot be written"):
        export_png(tmp_path / "file" / "a.png", picture())
    with pytest.raises(UserError, match="plain file"):
        export_png(Path("/dev/null"), picture())
    with pytest.raises(UserError, match="cannot be written"):
        export_png(tmp_path / ("x" * 300), picture())


def test_a_link_stays_a_link_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    real, link = tmp_path / "elsewhere" / "real.png", tmp_path / "link.png"
    real.write_bytes(b"old")
    link.symlink_to(real)
    export_png(link, picture())
    assert link.is_symlink()
    assert Image.open(real).size == (120, 90)
    assert sorted(os.listdir(tmp_path)) == ["elsewhere", "link.png"]


def test_permissions_of_an_old_file_stay_and_a_new_one_follows_the_umask(tmp_path: Path) -> None:
    old, new = tmp_path / "old.png", tmp_path / "new.png"
    old.write_bytes(b"")
    old.chmod(0o640)
    before = os.umask(0o027)
    try:
        save_png(old, np.zeros((2, 2, 3), np.uint8))
        save_png(new, np.zeros((2, 2, 3), np.uint8))
    finally:
        os.umask(before)
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert stat.S_IMODE(new.stat().st_mode) == 0o640
    old.chmod(0o600)
    save_png(old, np.zeros((2, 2, 3), np.uint8))
    assert stat.S_IMODE(old.stat().st_mode) == 0o600


def test_an_exported_png_opens_with_the_recipe_whose_settings_can_be_used_again(tmp_path: Path) -> None:
    export_png(tmp_path / "a.png", picture(), recipe())
    opened = open_picture(tmp_path / "a.png")
    assert opened.document.active_layer.recipe == recipe()
    assert opened.notices == ()


def test_a_png_with_a_broken_recipe_opens_with_a_notice(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_itxt("paintdiff:recipe", "{}")
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", pnginfo=info)
    opened = open_picture(tmp_path / "a.png")
    assert opened.document.active_layer.recipe is None
    assert len(opened.notices) == 1
    assert "No recipe can be read from a.png" in opened.notices[0]
