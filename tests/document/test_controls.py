"""What controls look at: layers, files and the frame."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paintdiff.document.controls import control_picture, prompt_picture, with_shown
from paintdiff.document.document import Document, Layer
from paintdiff.generation.controls import FILE, FRAME, LAYER, Control, ImagePrompt
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Request, digest
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles

CANVAS, FRAME_RECT = Rect(0, 0, 20, 10), Rect(10, 0, 14, 10)  # the frame reaches four pixels past the canvas


def document() -> Document:
    sketch = np.zeros((10, 20, 4), np.uint8)
    sketch[4, 8:16] = (9, 8, 7, 255)
    ground = np.full((10, 20, 4), 255, np.uint8)
    layers = Layer("Picture", Tiles.from_array(ground)), Layer("Sketch", Tiles.from_array(sketch), visible=False)
    return Document(CANVAS, (*layers, Layer("Empty")))


def colours(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)


def saved(path: Path, pixels: np.ndarray) -> str:
    Image.fromarray(pixels).save(path)
    return FILE + str(path)


def request() -> Request:
    shape = FRAME_RECT.shape
    return Request("inpaint", FRAME_RECT, CANVAS, np.zeros((*shape, 4), np.uint8), np.full(shape, 255, np.uint8))


def test_the_frame_stands_for_itself() -> None:
    assert control_picture(FRAME, document(), FRAME_RECT) is None


def test_a_layer_is_read_in_the_frame_though_it_is_hidden() -> None:
    picture = control_picture(LAYER + "Sketch", document(), FRAME_RECT)
    assert picture is not None
    assert picture.shape == (10, 14, 4)
    assert (picture[4, :6] == (9, 8, 7, 255)).all()
    assert np.count_nonzero(picture[..., 3]) == 6


def test_a_file_lies_over_the_canvas(tmp_path) -> None:
    pixels = colours(10, 20)
    picture = control_picture(saved(tmp_path / "a.png", pixels), document(), FRAME_RECT)
    assert picture is not None
    assert np.array_equal(picture[:, :10, :3], pixels[:, 10:])
    assert not picture[:, 10:].any()


def test_a_file_of_another_size_is_scaled_to_the_canvas(tmp_path) -> None:
    pixels = colours(10, 20)
    source = saved(tmp_path / "large.png", pixels.repeat(3, axis=0).repeat(3, axis=1))
    picture = control_picture(source, document(), CANVAS)
    assert picture is not None
    assert np.array_equal(picture[..., :3], pixels)
    assert (picture[..., 3] == 255).all()


def test_a_file_that_has_changed_is_read_again(tmp_path) -> None:
    source = saved(tmp_path / "a.png", colours(10, 20))
    before = control_picture(source, document(), CANVAS)
    saved(tmp_path / "a.png", np.zeros((10, 20, 3), np.uint8))
    after = control_picture(source, document(), CANVAS)
    assert before is not None
    assert after is not None
    assert before[..., :3].any()
    assert not after[..., :3].any()


def test_a_request_gets_pictures_and_their_digests(tmp_path) -> None:
    control = Control("net.safetensors", "scribble", source=LAYER + "Sketch")
    prompt = ImagePrompt("ip.safetensors", saved(tmp_path / "a.png", colours(3, 5)))
    shown = with_shown(request(), document(), [control, Control("net.safetensors", "canny")], prompt).add_ons
    sketch, frame = shown.controls
    assert sketch.picture is not None
    assert sketch.picture_sha256 == digest(sketch.picture)
    assert frame.picture is None
    assert shown.image_prompt is not None
    assert shown.image_prompt.picture is not None
    assert shown.image_prompt.picture.shape == (3, 5, 4)


def test_an_image_prompt_from_a_layer_is_what_is_painted_of_it() -> None:
    assert prompt_picture(LAYER + "Sketch", document()).shape[:2] != CANVAS.shape
    assert prompt_picture(LAYER + "Sketch", document())[..., 3].any()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (LAYER + "Nothing", "there is none"), (FILE + "/nowhere/a.png", "does not exist"),
        (LAYER + "Empty", "nothing in the frame"),
    ],
)  # fmt: skip
def test_a_picture_that_is_not_there_is_a_sentence(source, words) -> None:
    with pytest.raises(UserError, match=words):
        with_shown(request(), document(), [Control("net.safetensors", "canny", source=source)])


def test_an_image_prompt_from_an_empty_layer_is_a_sentence() -> None:
    with pytest.raises(UserError, match="empty"):
        prompt_picture(LAYER + "Empty", document())
