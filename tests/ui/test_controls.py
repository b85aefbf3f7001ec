"""Controls and the image prompt in the panel: rows, sources, previews, and what is asked of the engine."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QPushButton, QToolButton

from paintdiff.document.document import Layer
from paintdiff.document.edits import add_layer
from paintdiff.generation.add_ons import AddOns
from paintdiff.generation.controls import FILE, FRAME, LAYER, Control, ImagePrompt
from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family
from paintdiff.image.tiles import Tiles
from paintdiff.models.add_on import AddOnCard
from paintdiff.models.families import Part
from paintdiff.ui.add_on_picker import AddOnPicker
from paintdiff.ui.control_previews import Wanted, draw
from paintdiff.ui.generation_panel import CONTROLS

NETWORK = "/m/ControlNet/control_v11p_sd15_scribble.safetensors"
CARDS = (
    AddOnCard(NETWORK, "control_v11p_sd15_scribble", Part.CONTROLNET, Family.SD1, 1_400_000_000),
    AddOnCard("/m/ControlNet/xl.safetensors", "xl", Part.CONTROLNET, Family.SDXL, 2_500_000_000),
    AddOnCard("/m/ipadapter/ip.safetensors", "ip", Part.IP_ADAPTER, Family.SD1, 44_000_000),
)


def info(family: Family) -> ModelInfo:
    return ModelInfo("model", "cpu", 64, family=family)


@pytest.fixture
def controls(window):
    window.panel.controls.look = lambda: CARDS
    window.panel.show_model(info(Family.SD1))
    window.panel.sections[CONTROLS].set_open(True)
    return window.panel.controls


def press(widget, name: str) -> None:
    button = widget.findChild(QToolButton, name) or widget.findChild(QPushButton, name)
    button.click()


def with_strokes(window) -> None:
    """A hidden layer “Sketch” with a line through the frame."""
    pixels = np.zeros((48, 64, 4), np.uint8)
    pixels[22:26, 10:60] = (200, 30, 30, 255)
    document = add_layer(window.editor.document, Layer("Sketch", Tiles.from_array(pixels), visible=False))
    window.editor.replace("Sketch", document)


@pytest.mark.parametrize("family", Family)
def test_the_section_is_there_for_models_that_can_be_led_and_no_others(window, family) -> None:
    window.panel.controls.set_value(AddOns(controls=(Control(NETWORK, "canny"),)))
    window.panel.show_model(info(family))
    takes = family in (Family.SD1, Family.SD2, Family.SDXL)
    assert window.panel.sections[CONTROLS].isHidden() is not takes
    assert bool(window.panel.controls.value()[0]) is takes


def test_a_network_is_chosen_from_those_that_fit_and_its_name_tells_the_kind(controls, qtbot) -> None:
    press(controls, "add_control")
    (row,) = controls.rows
    press(row, "control_network")
    (picker,) = controls.window().findChildren(AddOnPicker)
    qtbot.waitUntil(lambda: picker.list.count() == 2)
    assert picker.list.currentItem().text() == "control_v11p_sd15_scribble"
    picker.use.click()
    assert row.value() == Control(NETWORK, "scribble")
    assert "scribble" in row.network.toolTip()


def test_what_is_not_chosen_yet_is_said_and_nothing_is_queued(controls, window) -> None:
    press(controls, "add_control")
    with pytest.raises(UserError, match="Choose the ControlNet"):
        controls.value()
    window.generating.generate()
    assert not window.generating.running
    assert "Choose the ControlNet" in window.panel.run_bar.hint.text()


def test_everything_that_is_set_is_in_the_control_and_comes_back_from_a_recipe(controls) -> None:
    add_ons = AddOns(
        controls=(
            Control(NETWORK, "depth", 0.75, 0.1, 0.6, FILE + "/pictures/depth.png", True),
            Control("/m/canny", "canny", 1.25, source=LAYER + "Layer 1"),
        ),
        image_prompt=ImagePrompt("/m/ip.safetensors", FILE + "/pictures/cat.png", "/m/encoder", 0.45),
    )
    controls.set_value(add_ons)
    assert controls.value() == (add_ons.controls, add_ons.image_prompt)
    assert controls.described() == "Depth 0.75, Edges (canny) 1.25, image prompt 0.45"
    controls.clear()
    assert controls.value() == ((), None)
    assert controls.described() == ""


def test_a_folded_section_says_what_is_set_and_can_be_set_back(controls, window) -> None:
    section = window.panel.sections[CONTROLS]
    controls.set_value(AddOns(controls=(Control(NETWORK, "tile", 0.5),)))
    section.set_open(False)
    assert section.summary.whole == "Tile 0.5"
    section.reset.click()
    assert controls.rows == []


def test_a_row_and_the_image_prompt_can_be_taken_out_again(controls) -> None:
    press(controls, "add_control")
    press(controls, "add_image_prompt")
    assert controls.image_prompt.isVisible()
    press(controls.rows[0], "remove_control")
    press(controls.image_prompt, "remove_image_prompt")
    assert controls.value() == ((), None)
    assert controls.add_prompt.isVisible()


def test_layers_are_offered_and_one_that_goes_is_not_exchanged(controls, window) -> None:
    press(controls, "add_control")
    with_strokes(window)
    source = controls.rows[0].source
    labels = [source.itemText(i) for i in range(source.count())]
    assert labels[:2] == ["Picture in the frame", "Layer “Sketch”"]
    source.set_source(LAYER + "Sketch")
    window.editor.undo()
    assert source.source() == LAYER + "Sketch"
    assert "gone" in source.currentText()


def test_a_request_carries_the_layer_as_it_is_now(controls, window, monkeypatch) -> None:
    with_strokes(window)
    controls.set_value(AddOns(controls=(Control(NETWORK, "scribble", source=LAYER + "Sketch"),)))
    asked = []
    monkeypatch.setattr(window.jobs, "submit", lambda request: asked.append(request) or 1)
    window.generating.generate()
    (request,) = asked
    (control,) = request.add_ons.controls
    assert control.picture.shape == (*request.frame.shape, 4)
    assert control.picture[..., 3].any()
    assert request.recipe().add_ons.controls[0].picture_sha256 == control.picture_sha256


def test_a_layer_that_is_gone_is_a_sentence_in_the_panel(controls, window) -> None:
    controls.set_value(AddOns(controls=(Control(NETWORK, "scribble", source=LAYER + "Nothing"),)))
    window.generating.generate()
    assert not window.generating.running
    assert "there is none" in window.panel.run_bar.hint.text()


def test_the_map_is_shown_a_moment_after_something_changed(controls, window, qtbot) -> None:
    with_strokes(window)
    press(controls, "add_control")
    row = controls.rows[0]
    with qtbot.waitSignal(controls.previews.drawn):
        row.source.set_source(LAYER + "Sketch")
    assert not row.map.pixmap().isNull()


def test_a_depth_of_the_frame_has_no_map_and_says_why(controls, qtbot) -> None:
    press(controls, "add_control")
    row = controls.rows[0]
    with qtbot.waitSignal(controls.previews.drawn):
        row.kind.setCurrentIndex(row.kind.findData("depth"))
    assert row.map.pixmap().isNull()
    assert "layer or a file" in row.map.toolTip()
    assert not row.ready.isEnabled()


def test_previews_are_what_the_network_is_shown(window, tmp_path: Path) -> None:
    with_strokes(window)
    document, frame = window.editor.document, window.editor.document.canvas
    strokes, reason = draw(Wanted("scribble", LAYER + "Sketch"), document, frame)
    assert reason == ""
    assert strokes is not None
    assert (strokes[23, 30] == 255).all()
    assert not strokes[5, 30, :3].any()
    Image.fromarray(np.full((1000, 2000, 3), 90, np.uint8)).save(tmp_path / "grey.png")
    small, _ = draw(Wanted("", FILE + str(tmp_path / "grey.png")), document, frame)
    assert small is not None
    assert small.shape == (128, 256, 4)
    assert draw(Wanted("tile", FILE + "/nowhere.png"), document, frame)[0] is None
    inpaint, _ = draw(Wanted("inpaint", FRAME), document, frame)
    assert inpaint is not None
    assert not inpaint[24, 30, :3].any()
    edges, reason = draw(Wanted("canny", FRAME), document, frame)
    assert edges is not None
    assert "empty" in reason, "a smooth gradient has no edges, and a black map says nothing by itself"


def test_a_row_that_is_added_is_scrolled_into_sight(controls, window, qtbot) -> None:
    window.resize(1280, 600)
    for name, row in (("add_control", lambda: controls.rows[0]), ("add_image_prompt", lambda: controls.image_prompt)):
        press(controls, name)
        qtbot.waitUntil(lambda row=row: row().visibleRegion().boundingRect() == row().rect())


def test_a_dropped_controlnet_or_ip_adapter_stands_under_controls(controls, window, monkeypatch) -> None:
    cards = {Path(card.source): card for card in CARDS}
    monkeypatch.setattr("paintdiff.models.catalogue.look_at", lambda source: cards[Path(source)])
    window.models.open_path(Path(NETWORK))
    assert controls.rows[0].value().network == NETWORK
    assert controls.rows[0].value().kind == "scribble"
    assert "under “Controls”" in window.status.currentMessage()
    window.panel.show_model(info(Family.FLUX))
    window.models.open_path(Path("/m/ipadapter/ip.safetensors"))
    assert "Stable Diffusion" in window.status.currentMessage(), "the heading is not there, so it is not named"
    window.panel.show_model(info(Family.SD1))
    assert "image prompt" in controls.described()
