"""Every kind of picture opens as 8-bit sRGB with alpha, and every kind of bad file is refused in one sentence."""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from paintdiff.document.document import MAX_SIDE
from paintdiff.document.files import Opened, open_picture
from paintdiff.generation.errors import UserError
from paintdiff.image.geometry import Rect

rng = np.random.default_rng(0)
RGB = rng.integers(0, 256, (20, 30, 3), np.uint8)
RGBA = rng.integers(0, 256, (20, 30, 4), np.uint8)
GREY = RGB[..., 0].copy()


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def pixels(opened: Opened) -> np.ndarray:
    (layer,) = opened.document.layers
    return layer.tiles.read(opened.document.canvas)


def opaque(rgb: np.ndarray) -> np.ndarray:
    return np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, extra: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "WEBP", "GIF"])
def test_an_rgb_picture_opens_in_every_lossless_format(format: str) -> None:
    image = Image.fromarray(RGB)
    if format == "GIF":
        image = image.quantize(64)
    expected = opaque(np.array(image.convert("RGB")))
    opened = open_picture(saved(image, format, **({"lossless": True} if format == "WEBP" else {})))
    np.testing.assert_array_equal(pixels(opened), expected)
    assert (opened.notices, opened.format) == ((), format)


def test_a_jpeg_opens_as_it_decodes() -> None:
    data = saved(Image.fromarray(RGB), "JPEG", quality=95)
    np.testing.assert_array_equal(pixels(open_picture(data)), opaque(np.array(Image.open(io.BytesIO(data)))))


def test_alpha_and_the_colours_under_it_come_through_byte_for_byte() -> None:
    for format in ("PNG", "TIFF"):
        np.testing.assert_array_equal(pixels(open_picture(saved(Image.fromarray(RGBA), format))), RGBA)


def test_grey_and_one_bit_pictures_open() -> None:
    np.testing.assert_array_equal(pixels(open_picture(saved(Image.fromarray(GREY), "PNG")))[..., 2], GREY)
    with_alpha = Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(RGB[..., 1].copy())])
    opened = pixels(open_picture(saved(with_alpha, "PNG")))
    np.testing.assert_array_equal(opened[..., [0, 3]], np.dstack([GREY, RGB[..., 1]]))
    bits = Image.fromarray(GREY > 128)
    np.testing.assert_array_equal(pixels(open_picture(saved(bits, "PNG")))[..., 1], np.where(GREY > 128, 255, 0))


def test_a_palette_with_transparent_entries_opens_with_alpha() -> None:
    image = Image.fromarray((GREY % 3).astype(np.uint8), "P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    opened = pixels(open_picture(saved(image, "PNG", transparency=bytes([0, 128, 255]))))
    np.testing.assert_array_equal(opened[..., 3], np.array([0, 128, 255], np.uint8)[GREY % 3])
    assert (opened[GREY % 3 == 2] == (0, 0, 255, 255)).all()


def test_sixteen_bit_pictures_are_read_as_eight_with_a_notice() -> None:
    deep = rng.integers(0, 65536, (20, 30), np.uint16)
    for format in ("PNG", "TIFF"):
        opened = open_picture(saved(Image.fromarray(deep), format))
        np.testing.assert_allclose(pixels(opened)[..., 0], deep / 257, atol=0.5)
        assert "16 bits" in opened.notices[0]
    colours = rng.integers(0, 65536, (4, 5, 3)).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in colours)
    opened = open_picture(png(5, 4, 16, 2, rows))
    np.testing.assert_allclose(pixels(opened)[..., :3], colours / 257, atol=1)
    assert "16 bits" in opened.notices[0]


def test_the_one_transparent_colour_of_a_deep_picture_is_transparent() -> None:
    clear = chunk(b"tRNS", struct.pack(">H", 0x1234))
    rows = b"\0" + struct.pack(">HH", 0x1234, 0x1235)
    assert pixels(open_picture(png(2, 1, 16, 0, rows, clear)))[0, :, 3].tolist() == [0, 255]
    clear = chunk(b"tRNS", struct.pack(">HHH", 0x1234, 0, 0xFFFF))
    rows = b"\0" + struct.pack(">HHHHHH", 0x1234, 0, 0xFFFF, 0x8888, 0, 0)
    assert pixels(open_picture(png(2, 1, 16, 2, rows, clear)))[0, :, 3].tolist() == [0, 255]


def test_printing_colours_are_converted_with_a_notice() -> None:
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    for format in ("TIFF", "JPEG"):
        opened = open_picture(saved(image, format))
        red, green, blue, alpha = pixels(opened)[4, 4].astype(int)
        assert red > 200
        assert green < 60
        assert blue < 60
        assert alpha == 255
        assert "CMYK" in opened.notices[0]


ARROW = np.zeros((20, 30, 3), np.uint8)
ARROW[:5, :5] = 255


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (1, ARROW), (2, ARROW[:, ::-1]), (3, ARROW[::-1, ::-1]), (4, ARROW[::-1]), (5, ARROW.transpose(1, 0, 2)),
        (6, np.rot90(ARROW, -1)), (7, ARROW[::-1, ::-1].transpose(1, 0, 2)), (8, np.rot90(ARROW)), (99, ARROW),
    ],
)  # fmt: skip
def test_a_camera_held_in_any_way_gives_an_upright_picture(orientation: int, turned: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    for format in ("PNG", "TIFF"):
        opened = pixels(open_picture(saved(Image.fromarray(ARROW), format, exif=exif)))
        np.testing.assert_array_equal(opened[..., :3], turned)


def profile(space: str = "sRGB") -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(space)).tobytes()  # type: ignore[arg-type]


def swapped_profile() -> bytes:
    """An sRGB profile whose red and blue primaries have changed places: a conversion nobody can overlook."""
    data = bytearray(profile())
    count = struct.unpack(">I", data[128:132])[0]
    tags = {bytes(data[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(count)}
    red, blue = tags[b"rXYZ"], tags[b"bXYZ"]
    data[red + 4 : red + 12], data[blue + 4 : blue + 12] = data[blue + 4 : blue + 12], data[red + 4 : red + 12]
    return bytes(data)


def test_pictures_tagged_as_srgb_keep_their_bytes() -> None:
    opened = open_picture(saved(Image.fromarray(RGBA), "PNG", icc_profile=profile()))
    np.testing.assert_array_equal(pixels(opened), RGBA)
    assert opened.notices == ()


def test_another_colour_profile_is_converted_to_srgb_and_alpha_is_left_alone() -> None:
    opened = open_picture(saved(Image.fromarray(RGBA), "PNG", icc_profile=swapped_profile()))
    np.testing.assert_allclose(pixels(opened)[..., :3], RGBA[..., 2::-1], atol=3)
    np.testing.assert_array_equal(pixels(opened)[..., 3], RGBA[..., 3])
    assert "profile" in opened.notices[0]


@pytest.mark.parametrize("icc", [b"rubbish", profile()[:200], profile("LAB")])
def test_a_profile_that_is_broken_or_does_not_fit_is_ignored_with_a_notice(icc: bytes) -> None:
    opened = open_picture(saved(Image.fromarray(RGB), "PNG", icc_profile=icc))
    np.testing.assert_array_equal(pixels(opened), opaque(RGB))
    assert "ignored" in opened.notices[0]


@pytest.mark.parametrize("format", ["PNG", "GIF", "WEBP", "TIFF"])
def test_the_first_picture_of_several_opens_with_a_notice(format: str) -> None:
    first, second = Image.new("RGB", (9, 9), (250, 0, 0)), Image.new("RGB", (9, 9), (0, 0, 250))
    opened = open_picture(saved(first, format, save_all=True, append_images=[second]))
    assert np.abs(pixels(opened)[4, 4].astype(int) - (250, 0, 0, 255)).max() <= 5
    assert "2 pictures" in opened.notices[0]


def test_a_picture_is_known_by_its_content_not_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "jpeg called.png"
    path.write_bytes(saved(Image.fromarray(RGB), "JPEG"))
    assert open_picture(path).format == "JPEG"


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, MAX_SIDE), (37, 53)])
def test_odd_sizes_open(width: int, height: int) -> None:
    opened = open_picture(saved(Image.new("RGB", (width, height), "red"), "PNG"))
    assert opened.document.canvas == Rect(0, 0, width, height)


def hostile() -> dict[str, bytes]:
    """Bad files by the word that their refusal must hold."""
    good = {format: saved(Image.fromarray(rng.integers(0, 256, (90, 90, 3), np.uint8)), format)
            for format in ("PNG", "JPEG", "WEBP", "BMP", "GIF")}  # fmt: skip
    return {
        "empty": b"",
        "not a picture: text": b"hello, I am a shopping list\n",
        "not a picture: an SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "damaged: only a signature": b"\x89PNG\r\n\x1a\n",
        "damaged: 32-bit": png(4, 4, 8, 2, b""),
        **{f"damaged: half a {format}": data[: len(data) // 2] for format, data in good.items()},
        "damaged: flipped bytes": good["PNG"][:200] + bytes(range(100)) + good["PNG"][300:],
        "too large: 30000 squared": png(30000, 30000, 1, 0, b""),
        "too large: 10000 squared": png(10000, 10000, 1, 0, b""),
        "too large: one long side": png(MAX_SIDE + 1, 1, 1, 0, b""),
        "damaged: no size": png(0, 0, 8, 2, b""),
        "32-bit": saved(Image.fromarray(np.ones((3, 3), np.float32)), "TIFF"),
        "damaged: a text chunk that unpacks to 8 MB": png(
            2, 2, 8, 0, bytes(6), chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(8 << 20)))
        ),
        "an archive: not OpenRaster": b"PK\x03\x04" + bytes(200),
    }


EXPECTED = {
    "empty": "is empty", "not a picture": "is not a picture", "damaged": "damaged", "too large": "too large",
    "32-bit": "32-bit", "an archive": "damaged",
}  # fmt: skip


@pytest.mark.parametrize(("case", "data"), hostile().items())
def test_a_hostile_file_is_refused_in_one_sentence(case: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    for source in (path, data):
        with pytest.raises(UserError, match=EXPECTED[case.split(":")[0]]) as refusal:
            open_picture(source)
        assert str(refusal.value).endswith(".")
        assert "\n" not in str(refusal.value)


def test_a_picture_that_claims_to_be_huge_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png(30000, 30000, 1, 0, bytes(3751 * 30000)))
    assert path.stat().st_size < 200_000
    before = resident()
    with pytest.raises(UserError, match="too large"):
        open_picture(path)
    assert resident() - before < 8 << 20


def resident() -> int:
    """The largest share of memory this process ever had, in bytes."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_paths_that_are_no_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        open_picture(tmp_path / "gone.png")
    with pytest.raises(UserError, match="folder"):
        open_picture(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UserError, match="plain file"):
        open_picture(tmp_path / "pipe.png")
    with pytest.raises(UserError, match="cannot be read"):
        open_picture(tmp_path / ("x" * 300))
    with pytest.raises(UserError, match="cannot be read"):
        open_picture("nul\0byte.png")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "locked.png"
    path.write_bytes(saved(Image.fromarray(RGB), "PNG"))
    path.chmod(0)
    with pytest.raises(UserError, match="permission"):
        open_picture(path)
