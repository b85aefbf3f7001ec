"""LoRAs and another autoencoder in the panel."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QListWidget, QPushButton, QToolButton

from paintdiff.generation.add_ons import AddOns, Lora, Word
from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.model_card import Family
from paintdiff.models.add_on import AddOnCard
from paintdiff.models.families import Part
from paintdiff.ui.add_on_picker import AddOnPicker
from paintdiff.ui.generation_panel import ADD_ONS
from paintdiff.ui.lora_row import LoraRow

CARDS = (
    AddOnCard("/m/Lora/wash.safetensors", "wash", Part.LORA, Family.SD1, 9_000_000, "wash painting"),
    AddOnCard("/m/Lora/ink.safetensors", "ink", Part.LORA, Family.UNKNOWN, 144_000_000),
    AddOnCard("/m/Lora/big.safetensors", "big", Part.LORA, Family.SDXL, 200_000_000),
    AddOnCard("/m/Lora/old.pt", "old", Part.LORA, problem="old.pt is a pickle: it can run any program."),
    AddOnCard("/m/VAE/clear.safetensors", "clear", Part.VAE, size_bytes=300_000_000),
)


def info(family: Family) -> ModelInfo:
    return ModelInfo("model", "cpu", 64, family=family)


@pytest.fixture
def panel(window):
    panel = window.panel
    panel.add_ons.look = lambda: CARDS
    panel.show_model(info(Family.SD1))
    panel.sections[ADD_ONS].set_open(True)
    return panel


def picker_of(panel) -> AddOnPicker:
    (picker,) = panel.window().findChildren(AddOnPicker)
    return picker


def names(picker: AddOnPicker, usable: bool = False) -> list[str]:
    items = [picker.list.item(row) for row in range(picker.list.count())]
    shown = [item for item in items if not item.isHidden()]
    return [item.text() for item in shown if not usable or item.flags() & Qt.ItemFlag.ItemIsEnabled]


@pytest.mark.parametrize("family", Family)
def test_the_section_is_there_for_models_that_take_add_ons_and_no_others(window, family) -> None:
    window.panel.add_ons.set_value(AddOns((Lora("/a.safetensors"),)))
    window.panel.show_model(info(family))
    takes = family in (Family.SD1, Family.SD2, Family.SDXL, Family.SD3, Family.FLUX)
    assert window.panel.sections[ADD_ONS].isHidden() is not takes
    assert bool(window.panel.add_ons.value().loras) is takes


def test_a_lora_is_chosen_from_those_that_go_with_the_model(panel, qtbot) -> None:
    panel.findChild(QPushButton, "add_lora").click()
    picker = picker_of(panel)
    qtbot.waitUntil(lambda: picker.list.count() > 0)
    assert names(picker) == ["big", "ink", "old", "wash"]
    assert names(picker, usable=True) == ["ink", "wash"]
    picker.search.setText("WA")
    assert names(picker) == ["wash"]
    assert "wash painting" in picker.about.text()
    picker.use.click()
    assert panel.add_ons.value().loras == (Lora("/m/Lora/wash.safetensors"),)


def test_the_same_lora_is_there_once(panel) -> None:
    panel.add_ons.loras.add("/a.safetensors")
    panel.add_ons.loras.add("/a.safetensors")
    assert len(panel.add_ons.value().loras) == 1


def test_slider_and_box_say_the_same_weight_and_the_box_goes_further(panel) -> None:
    panel.add_ons.loras.add("/a.safetensors")
    (row,) = panel.findChildren(LoraRow)
    row.slider.setValue(35)
    assert panel.add_ons.value().loras == (Lora("/a.safetensors", 0.35),)
    row.weight.setValue(-3.5)
    assert panel.add_ons.value().loras == (Lora("/a.safetensors", -3.5),)
    assert row.slider.value() == row.slider.minimum()
    assert row.weight.value() == -3.5


def test_one_of_two_is_taken_out_by_its_button(panel) -> None:
    for file in ("/a.safetensors", "/b.safetensors"):
        panel.add_ons.loras.add(file)
    panel.findChildren(LoraRow)[0].findChild(QToolButton, "remove_lora").click()
    assert panel.add_ons.value().loras == (Lora("/b.safetensors"),)
    assert [row.value().file for row in panel.add_ons.loras.rows] == ["/b.safetensors"]


def test_another_autoencoder_is_chosen_and_given_up(panel, qtbot) -> None:
    panel.findChild(QToolButton, "choose_vae").click()
    picker = picker_of(panel)
    qtbot.waitUntil(lambda: picker.list.count() > 0)
    assert names(picker) == ["clear"]
    picker.use.click()
    assert panel.add_ons.value().vae == "/m/VAE/clear.safetensors"
    panel.findChild(QToolButton, "own_vae").click()
    assert panel.add_ons.value().vae == ""


def test_a_folded_section_says_what_was_set_and_sets_it_back(panel) -> None:
    section = panel.sections[ADD_ONS]
    panel.add_ons.set_value(AddOns((Lora("/m/ink.safetensors", 0.8),), vae="/m/clear.safetensors"))
    section.set_open(False)
    assert section.summary.whole == "ink 0.8, autoencoder clear"
    section.reset.click()
    assert panel.add_ons.value() == AddOns()
    assert section.summary.whole == ""


def test_where_nothing_was_found_the_picker_says_what_to_do(panel, qtbot) -> None:
    panel.add_ons.look = lambda: ()
    panel.findChild(QPushButton, "add_lora").click()
    picker = picker_of(panel)
    qtbot.waitUntil(lambda: "Looking" not in picker.about.text())
    assert "choose a file" in picker.about.text()
    assert not picker.use.isEnabled()
    picker.reject()


def test_what_is_generated_is_asked_for_with_the_add_ons(panel, window, qtbot) -> None:
    panel.add_ons.loras.add("/a.safetensors")
    window.generating.generate()
    ((request, _),) = window.generating._generations.values()
    assert request.add_ons == AddOns((Lora("/a.safetensors"),))
    qtbot.waitUntil(lambda: not window.generating.running, timeout=60_000)
    hints = [label.text() for label in window.panel.run_bar.findChildren(QLabel)]
    assert any("a.safetensors is not there" in text for text in hints)


def test_a_recipe_brings_its_add_ons_back(panel, window) -> None:
    window.panel.add_ons.loras.add("/old.safetensors")
    add_ons = AddOns((Lora("/a.safetensors", 0.5, "ab"),), (Word("moss", "/moss.safetensors", "cd"),), "/v", "ef")
    window.panel.add_ons.set_value(add_ons)
    assert window.panel.add_ons.value() == add_ons


def test_the_list_is_a_list_for_screen_readers_and_keys(panel, qtbot) -> None:
    panel.findChild(QPushButton, "add_lora").click()
    picker = picker_of(panel)
    qtbot.waitUntil(lambda: picker.list.count() > 0)
    listed = picker.findChild(QListWidget, "add_on_list")
    qtbot.keyClick(listed, Qt.Key.Key_Down)
    qtbot.keyClick(listed, Qt.Key.Key_Return)
    assert Path(panel.add_ons.value().loras[0].file).stem in ("ink", "wash")


def test_the_arrows_walk_through_the_list_while_one_types(panel, qtbot) -> None:
    panel.findChild(QPushButton, "add_lora").click()
    picker = picker_of(panel)
    qtbot.waitUntil(lambda: picker.list.count() > 0)
    assert picker.list.currentItem().text() == "ink"
    QTest.keyClick(picker.search, Qt.Key.Key_Down)
    QTest.keyClick(picker.search, Qt.Key.Key_Return)
    assert panel.add_ons.value().loras == (Lora("/m/Lora/wash.safetensors"),)
