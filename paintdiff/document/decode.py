"""Picture files to pixels through Pillow: any colour mode and depth to 8-bit sRGB, with a word on what was lost."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from paintdiff.document.document import MAX_PIXELS, MAX_SIDE, check_size
from paintdiff.generation.errors import UserError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
_ORIENTATION = 0x0112  # the EXIF tag
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
_PROFILE_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
_BLACK_POINT = 0x2000  # black point compensation, as other programs convert


@dataclass(frozen=True, eq=False)
class Decoded:
    """(h, w, 4) uint8 straight alpha in sRGB, what its reader should tell the user, and the name of the format."""

    pixels: np.ndarray
    notices: tuple[str, ...]
    format: str


def decode(file: BinaryIO, name: str, formats: tuple[str, ...] = FORMATS) -> Decoded:
    """Read the picture in `file`, known to the user as `name`.

    Its size is checked before anything is decoded. Raises `UserError` for what is no picture, damaged or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", category=UserWarning)
            with Image.open(file, formats=formats) as image:
                check_size(*image.size)
                return _decoded(image, name)
    except UserError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(
            f"{name} is too large: at most {MAX_SIDE} pixels a side and {MAX_PIXELS // 1_000_000} million in all."
        ) from error
    except UnidentifiedImageError as error:
        raise UserError(
            f"{name} is not a picture that PaintDiff can open ({_listed(formats)}), or it is damaged."
        ) from error
    except MemoryError as error:
        raise UserError(f"There is not enough memory to open {name}.") from error
    except Exception as error:  # Pillow's readers raise whatever a damaged file makes them stumble over
        raise UserError(f"{name} is damaged and cannot be opened ({error}).") from error


def _listed(formats: tuple[str, ...]) -> str:
    return ", ".join(formats) + " or OpenRaster" if formats is FORMATS else " or ".join(formats)


def _decoded(image: Image.Image, name: str) -> Decoded:
    kind, notices = image.format or "", []
    if kind != "MPO" and getattr(image, "n_frames", 1) > 1:
        notices.append(f"{name} holds {image.n_frames} pictures; this is the first one.")  # type: ignore[attr-defined]
    if _is_deep(image):
        notices.append(f"{name} has 16 bits a channel; it was read as 8.")
    rgba, notice = _in_rgba(image, name)
    notices += [notice] if notice else []
    orientation = image.getexif().get(_ORIENTATION, 1)  # after reading: Pillow turns a TIFF by itself, and says so here
    if orientation in _TURNS:
        rgba = rgba.transpose(_TURNS[orientation])
    return Decoded(np.array(rgba), tuple(notices), kind)


def _in_rgba(image: Image.Image, name: str) -> tuple[Image.Image, str | None]:
    profile = image.info.get("icc_profile")
    if image.mode == "RGBA" and not profile:
        return image, None
    colours, alpha = _split(image, name)
    notice = None
    if profile:
        colours, notice = _in_srgb(colours, profile, name)
    elif colours.mode == "CMYK":
        notice = f"{name} has printing colours (CMYK) and no profile; how they look here is a guess."
    rgba = colours.convert("RGB").convert("RGBA")
    if alpha is not None:
        rgba.putalpha(alpha)
    return rgba, notice


def _is_deep(image: Image.Image) -> bool:
    """Whether the file holds 16 bits a channel: Pillow itself tells only by how it is about to unpack them."""
    return image.mode.startswith("I;16") or any(";16" in str(tile[3]) for tile in getattr(image, "tile", ()))


def _split(image: Image.Image, name: str) -> tuple[Image.Image, Image.Image | None]:
    """(colours in L, RGB or CMYK, alpha or None), 8 bits both."""
    if image.mode.startswith("I;16"):
        return _split_deep_grey(image)
    if image.mode in ("I", "F"):
        raise UserError(f"{name} holds 32-bit numbers, not colours: save it with 8 or 16 bits a channel first.")
    if image.mode in ("P", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        _shrink_deep_transparency(image)
        rgba = image.convert("RGBA")
        return rgba.convert("RGB"), rgba.getchannel("A")
    if image.mode in ("LA", "La"):
        grey = image.convert("LA")
        return grey.getchannel("L"), grey.getchannel("A")
    if image.mode in ("L", "1"):
        return image.convert("L"), None
    if image.mode == "CMYK":
        image.load()
        return image, None
    return image.convert("RGB"), None


def _split_deep_grey(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    values = np.array(image).astype(np.uint32)
    clear = image.info.get("transparency")
    alpha = Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)) if isinstance(clear, int) else None
    return Image.fromarray(((values + 128) // 257).astype(np.uint8)), alpha


def _shrink_deep_transparency(image: Image.Image) -> None:
    """The one transparent colour of a 16-bit picture, cut to 8 bits as its pixels are."""
    clear = image.info.get("transparency")
    if isinstance(clear, tuple) and _is_deep(image):
        image.info["transparency"] = tuple(value >> 8 for value in clear)


def _in_srgb(colours: Image.Image, profile: bytes, name: str) -> tuple[Image.Image, str | None]:
    """`colours` converted from their ICC `profile`; untouched, byte for byte, if that is sRGB in all but name."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space: str = source.profile.xcolor_space  # pyright: ignore[reportAttributeAccessIssue]
        if space.strip() != _PROFILE_SPACES[colours.mode]:
            return colours, f"The colour profile of {name} does not fit its colours; it was ignored."
        transform = ImageCms.buildTransform(
            source, ImageCms.createProfile("sRGB"), colours.mode, "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags(_BLACK_POINT),
        )
        if colours.mode != "CMYK" and _changes_nothing(transform, colours.mode):
            return colours, None
        converted = ImageCms.applyTransform(colours, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return colours, f"The colour profile of {name} cannot be read; it was ignored."
    assert converted is not None  # only in-place transforms return nothing
    return converted, f"{name} had a colour profile; its colours were converted to sRGB."


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    levels = np.arange(0, 256, 15).astype(np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(len(levels), -1, 3)
    before = levels.reshape(1, -1) if mode == "L" else cube
    after = ImageCms.applyTransform(Image.fromarray(before), transform)
    difference = np.abs(np.array(after).astype(int) - np.array(Image.fromarray(before).convert("RGB")))
    return bool(difference.max() <= 1)
