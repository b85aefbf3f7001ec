"""OpenRaster keeps everything, opens in other programs, and a hostile archive is refused."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from paintdiff.document.compose import compose
from paintdiff.document.document import Document, Layer
from paintdiff.document.edits import new_document
from paintdiff.document.files import open_picture
from paintdiff.document.openraster import save_ora
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Recipe
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles

SMALL = st.builds(Rect, st.integers(-150, 150), st.integers(-150, 150), st.integers(1, 160), st.integers(1, 160))
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1).filter(
    lambda name: name == name.strip() and len(name) < 100
)


def noise(rect: Rect, seed: int, channels: int = 4) -> Tiles:
    shape = rect.shape if channels == 1 else (*rect.shape, channels)
    return Tiles.from_array(np.random.default_rng(seed).integers(1, 256, shape, np.uint8), rect.x, rect.y)


def recipe() -> Recipe:
    return Recipe("inpaint", "m", Rect(1, 2, 3, 4), Rect(0, 0, 9, 9), Sampling(prompt="🍎"), 8, (1, 2, 3), "a", "b")


@st.composite
def documents(draw: st.DrawFn) -> Document:
    canvas = draw(SMALL)
    layers = tuple(
        Layer(
            draw(NAMES), noise(draw(SMALL), seed) if draw(st.booleans()) else Tiles(4), draw(st.booleans()),
            draw(st.floats(0, 1)), draw(st.sampled_from([None, recipe()])),
        )
        for seed in range(draw(st.integers(1, 3)))
    )
    change_map = noise(canvas, 9, 1) if draw(st.booleans()) else Tiles(1)
    frame = draw(st.one_of(st.none(), SMALL))
    return Document(canvas, layers, draw(st.integers(0, len(layers) - 1)), change_map, frame)


def example() -> Document:
    canvas = Rect(-20, 0, 120, 90)
    layers = (
        Layer("ground", Tiles.filled(canvas, (10, 20, 30, 255))),
        Layer("half", noise(Rect(10, 10, 30, 40), 1), opacity=0.4, recipe=recipe()),
        Layer("hidden <&> 🍎", noise(Rect(50, -30, 30, 60), 2), visible=False),
    )
    return Document(canvas, layers, 1, Tiles.filled(Rect(0, 0, 20, 20), (200,)), Rect(-30, 0, 64, 64))


def assert_same(a: Document, b: Document) -> None:
    assert (a.canvas, a.frame, a.active) == (b.canvas, b.frame, b.active)
    world = Rect(-320, -320, 960, 960)
    np.testing.assert_array_equal(a.change_map.read(world), b.change_map.read(world))
    for one, other in zip(a.layers, b.layers, strict=True):
        assert (one.name, one.visible, one.opacity) == (other.name, other.visible, other.opacity)
        assert one.recipe == other.recipe
        np.testing.assert_array_equal(one.tiles.read(world), other.tiles.read(world))


@settings(max_examples=25, deadline=None)
@given(documents())
def test_what_is_saved_opens_again_the_same(document: Document) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.ora"
        save_ora(path, document)
        opened = open_picture(path)
    assert_same(opened.document, document)
    assert (opened.notices, opened.format) == ((), "ORA")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_ora(tmp_path / "a.ora", example())
    return tmp_path / "a.ora"


def test_the_archive_is_laid_out_as_the_format_asks(saved: Path) -> None:
    assert saved.read_bytes()[30:54] == b"mimetypeimage/openraster"
    with zipfile.ZipFile(saved) as archive:
        assert archive.infolist()[0].compress_type == zipfile.ZIP_STORED
        assert archive.testzip() is None
        flat = np.array(Image.open(archive.open("mergedimage.png")))
        np.testing.assert_array_equal(flat, compose(example(), example().canvas))
        assert max(Image.open(archive.open("Thumbnails/thumbnail.png")).size) <= 256
        stack = archive.read("stack.xml").decode()
    assert stack.index("hidden") < stack.index("half") < stack.index("ground")
    assert 'visibility="hidden"' in stack


def test_the_same_document_gives_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    save_ora(tmp_path / "b.ora", example())
    assert saved.read_bytes() == (tmp_path / "b.ora").read_bytes()


def test_a_name_with_characters_that_xml_cannot_hold_loses_only_those(tmp_path: Path) -> None:
    document = new_document(4, 4)
    save_ora(tmp_path / "a.ora", replace(document, layers=(replace(document.layers[0], name="a\0b\x1b\ud800c"),)))
    assert open_picture(tmp_path / "a.ora").document.layers[0].name == "abc"


def png(width: int = 4, height: int = 4, value: int = 9) -> bytes:
    file = io.BytesIO()
    Image.new("RGBA", (width, height), (value, value, value, 255)).save(file, "PNG")
    return file.getvalue()


def archive(stack: str | bytes, mimetype: bytes = b"image/openraster", **entries: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("mimetype", mimetype, zipfile.ZIP_STORED)
        target.writestr("stack.xml", stack)
        for name, data in {"a": png(), **entries}.items():
            target.writestr(name, data)
    return file.getvalue()


def image(body: str, size: str = 'w="20" h="10"') -> str:
    return f"<?xml version='1.0'?><image {size}><stack>{body}</stack></image>"


def test_groups_of_other_programs_are_dissolved_with_their_opacity_offset_and_visibility() -> None:
    body = """<layer src="a" name="top"/><stack opacity="0.5" x="3" y="2"><layer src="a" opacity="0.5" x="1" y="1"/>
              <stack visibility="hidden"><layer src="a"/></stack></stack><filter/>"""
    opened = open_picture(archive(image(body)))
    hidden, faded, top = opened.document.layers
    assert (hidden.visible, hidden.opacity, top.opacity) == (False, 0.5, 1)
    assert (faded.opacity, faded.tiles.content_rect, faded.name) == (0.25, Rect(4, 3, 4, 4), "Layer")
    assert opened.document.active_layer is top
    assert "groups" in opened.notices[0]


def test_unknown_blend_modes_are_read_as_normal_with_one_notice() -> None:
    body = '<layer src="a" composite-op="svg:multiply"/>' * 2
    (notice,) = open_picture(archive(image(body))).notices
    assert "blend modes" in notice


@pytest.mark.parametrize("extra", [b"{", b"[]", b'{"origin": [0, 1e9], "frame": null, "recipes": {}}', b"\xff\xfe"])
def test_our_own_entry_damaged_costs_only_what_it_held(extra: bytes) -> None:
    opened = open_picture(archive(image('<layer src="a"/>'), **{"paintdiff/document.json": extra}))
    assert len(opened.document.layers) == 1
    assert "recipes are left out" in opened.notices[0]


def test_recipes_from_the_future_are_left_out_with_a_notice(saved: Path) -> None:
    data = {"origin": [0, 0], "frame": None, "recipes": {"a": {**recipe().to_json(), "dream": 1}}}
    opened = open_picture(
        archive(image('<layer src="a"/>'), **{"paintdiff/document.json": json.dumps(data).encode()})
    )
    assert opened.document.layers[0].recipe is None
    assert opened.notices


LAUGHS = """<?xml version="1.0"?><!DOCTYPE image [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<image w="2" h="2"><stack><layer src="a" name="&b;"/></stack></image>"""
OUTSIDE = """<!DOCTYPE image [<!ENTITY a SYSTEM "file:///etc/hostname">]>
<image w="2" h="2"><stack><layer src="a"/>&a;</stack></image>"""


@pytest.mark.parametrize(
    ("case", "data", "words"),
    [
        ("another archive", archive(image('<layer src="a"/>'), mimetype=b"application/zip"), "not an OpenRaster"),
        ("no stack", archive("", mimetype=b"image/openraster"), "damaged"),
        ("no layers", archive(image("")), "no layers"),
        ("broken XML", archive("<image w='2' h='2'><stack>"), "damaged"),
        ("entities that grow", archive(LAUGHS), "damaged"),
        ("entities that name files", archive(OUTSIDE), "damaged"),
        ("the same in another encoding", archive(OUTSIDE.encode("utf-16")), "damaged"),
        ("a huge canvas", archive(image('<layer src="a"/>', 'w="30000" h="30000"')), "too large"),
        ("no canvas size", archive(image('<layer src="a"/>', "")), "damaged"),
        ("a missing layer", archive(image('<layer src="b"/>')), "damaged"),
        ("a layer that is a text", archive(image('<layer src="b"/>'), b=b"hello"), "not a picture"),
        ("a layer that is cut", archive(image('<layer src="b"/>'), b=png(90, 90)[:90]), "damaged"),
        ("a layer far away", archive(image('<layer src="a" x="99999999999"/>')), "damaged"),
        ("an opacity that is none", archive(image('<layer src="a" opacity="nan"/>')), "damaged"),
        ("an offset that is none", archive(image('<layer src="a" x="inf"/>')), "damaged"),
        ("too many layers", archive(image('<layer src="a"/>' * 1001)), "more than 1000"),
        ("deep groups", archive(image("<stack>" * 3000 + "</stack>" * 3000)), "groups within groups"),
        ("a stack that unpacks to 20 MB", archive(image("<!--" + "x" * (20 << 20) + "-->")), "larger than"),
        ("cut in half", archive(image('<layer src="a"/>'))[:200], "damaged"),
    ],
)
def test_a_hostile_archive_is_refused(case: str, data: bytes, words: str) -> None:
    with pytest.raises(UserError, match=words):
        open_picture(data)


def test_layers_that_are_too_large_together_are_refused_before_they_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("paintdiff.document.open_openraster.MAX_LAYER_PIXELS", 40)
    with pytest.raises(UserError, match="too large to open together"):
        open_picture(archive(image('<layer src="a"/>' * 3)))


def test_a_change_map_of_another_size_is_cut_to_the_canvas() -> None:
    entries = {"paintdiff/change-map.png": png(50, 50, 77)}
    opened = open_picture(archive(image('<layer src="a"/>'), **entries))
    assert opened.document.change_map.content_rect == Rect(0, 0, 20, 10)
