"""Switching models in a whole window: what stays, what follows, and what happens when a model cannot be opened."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from paintdiff.app import make_engine
from paintdiff.generation.add_ons import AddOns, Lora
from paintdiff.generation.model_card import Family, ModelCard, Place
from paintdiff.generation.placing import Placing
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from paintdiff.ui.models.models import scan_models
from paintdiff.ui.window import Window
from tests.safetensors_files import SD1_LORA, VAE, write_header
from tests.ui.test_generating import HeldEngine


@pytest.fixture(scope="session")
def other_folder(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second tiny model, called Other."""
    folder = tmp_path_factory.mktemp("models") / "other"
    shutil.copytree(model_folder, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"name": "Other"}))
    return folder


@pytest.fixture
def broken_folder(model_folder: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "broken"
    shutil.copytree(model_folder, folder)
    (folder / "model.safetensors").write_bytes(b"\xff" * 64)
    return folder


def card(source: Path, name: str = "Other", problem: str = "") -> ModelCard:
    return ModelCard(str(source), name, Family.PIXELS, Place.FOLDER, 10**6, 64, problem=problem)


def opened(window: Window, source: Path, qtbot) -> None:
    switching = window.models.switching
    qtbot.waitUntil(lambda: switching.chosen == str(source) and not switching.opening, timeout=30_000)


def loaded(window: Window, qtbot) -> None:
    with qtbot.waitSignal(window.jobs.model_loaded, timeout=60_000):
        window.generating.warm_up()


def test_the_chooser_names_the_model_and_what_it_is_once_it_is_open(window, model_folder, qtbot) -> None:
    chooser = window.panel.model_chooser
    assert "Opening" in chooser.facts.text()
    loaded(window, qtbot)
    assert chooser.name.text() == "Tiny"
    assert chooser.facts.text() == "16 px"


def test_another_model_makes_the_next_picture_and_the_prompt_and_settings_stay(window, other_folder, qtbot) -> None:
    loaded(window, qtbot)
    window.panel.fields["prompt"].set_value("a red balloon")
    before = window.panel.sampling()
    window.models.library.add(card(other_folder))
    window.models.choose(str(other_folder))
    opened(window, other_folder, qtbot)
    assert window.panel.sampling() == before
    assert window.panel.model_chooser.name.text() == "Other"
    with qtbot.waitSignal(window.jobs.finished, timeout=60_000):
        window.panel.run_bar.generate.click()
    assert window.candidates.pending[0].candidate.recipe.model == str(other_folder)


def test_a_run_of_another_model_is_not_branched_from(window, other_folder, qtbot) -> None:
    with qtbot.waitSignal(window.jobs.finished, timeout=60_000):
        window.panel.run_bar.generate.click()
    window.models.choose(str(other_folder))
    opened(window, other_folder, qtbot)
    window.strip.time.slider.setValue(0)
    window.strip.time.branch.click()
    assert not window.generating.running
    assert "Another model" in window.panel.run_bar.hint.text()


def test_a_model_is_switched_by_one_click_in_the_menu(window, other_folder, qtbot) -> None:
    loaded(window, qtbot)
    first = window.models.switching.chosen
    window.models.choose(str(other_folder))
    opened(window, other_folder, qtbot)
    chooser = window.panel.model_chooser
    chooser.menu.aboutToShow.emit()
    (back,) = [action for action in chooser.menu.actions() if action.toolTip() == first]
    back.trigger()
    opened(window, Path(first), qtbot)
    chooser.menu.aboutToShow.emit()
    checked = [action.toolTip() for action in chooser.menu.actions() if action.isChecked()]
    assert checked == [first]


def test_during_a_generation_the_switch_is_for_the_next_one(qtbot, make_window, other_folder) -> None:
    engines = []

    def make() -> HeldEngine:
        engines.append(HeldEngine())
        return engines[0]

    window = make_window(make)
    window.generating.generate()
    qtbot.waitUntil(lambda: bool(engines) and engines[0].reached.is_set(), timeout=30_000)
    window.models.choose(str(other_folder))
    assert "after this generation" in window.panel.model_chooser.facts.text()
    window.generating.generate()
    engines[0].go.set()
    qtbot.waitUntil(lambda: len(window.candidates.pending) == 4, timeout=60_000)
    models = [Path(each.candidate.recipe.model).name for each in window.candidates.pending]
    assert models[2:] == ["other", "other"]
    assert "other" not in models[:2]
    opened(window, other_folder, qtbot)


def test_a_model_that_cannot_be_opened_is_one_sentence_and_the_old_one_paints_on(
    window, broken_folder, model_folder, qtbot
) -> None:
    loaded(window, qtbot)
    window.models.choose(str(broken_folder))
    problem = window.panel.model_chooser.problem
    qtbot.waitUntil(lambda: problem.isVisible(), timeout=30_000)
    assert len(problem.text().strip().splitlines()) == 1
    opened(window, model_folder, qtbot)
    with qtbot.waitSignal(window.jobs.finished, timeout=60_000):
        window.panel.run_bar.generate.click()
    assert window.candidates.pending[0].candidate.recipe.model == str(model_folder)
    assert str(broken_folder) not in window.settings.models.recent
    window.models.choose(str(model_folder))
    assert not problem.isVisible(), "the next choice takes the sentence away"


def test_a_model_known_to_be_faulty_is_not_even_tried(window, model_folder, tmp_path, qtbot) -> None:
    loaded(window, qtbot)
    window.models.library.add(card(tmp_path / "a.ckpt", "a", "a.ckpt is a pickle: convert it."))
    window.models.choose(str(tmp_path / "a.ckpt"))
    assert window.models.switching.chosen == str(model_folder)
    assert "pickle" in window.panel.model_chooser.problem.text()


def test_a_start_with_a_model_that_is_gone_falls_back_to_the_one_that_ships(make_window, tmp_path, qtbot) -> None:
    window = make_window()
    window.generating.set_model(str(tmp_path / "gone"))
    window.generating.warm_up()
    qtbot.waitUntil(lambda: window.models.switching.chosen == "first-light", timeout=30_000)
    assert "gone" in window.panel.model_chooser.problem.text()


def test_a_model_that_cannot_be_opened_anew_stays_chosen(window, model_folder, qtbot) -> None:
    loaded(window, qtbot)
    window.generating.set_placing("cuda:99", Placing())
    window.generating.warm_up()
    qtbot.waitUntil(lambda: window.panel.model_chooser.problem.isVisible(), timeout=30_000)
    assert window.models.switching.chosen == str(model_folder)


def test_the_next_start_begins_with_the_model_chosen_last_unless_it_ended_the_program(
    window, other_folder, qtbot
) -> None:
    loaded(window, qtbot)
    window.models.choose(str(other_folder))
    opened(window, other_folder, qtbot)
    remembered = window.settings.models
    assert remembered.first == str(other_folder)
    remembered.note_opening(str(other_folder))
    assert remembered.first == ""


def test_settings_kept_for_a_model_come_back_with_it_and_only_where_nothing_was_set(
    window, other_folder, model_folder, qtbot
) -> None:
    loaded(window, qtbot)
    fields, switching = window.panel.fields, window.models.switching
    fields["steps"].set_value(7)
    fields["sampler"].set_value("euler")
    switching.save_settings()
    assert switching.has_own_settings
    window.models.choose(str(other_folder))
    opened(window, other_folder, qtbot)
    assert (fields["steps"].value(), fields["sampler"].value()) == (20, "dpmpp_2m")
    fields["steps"].set_value(11)
    window.models.choose(str(model_folder))
    opened(window, model_folder, qtbot)
    assert (fields["steps"].value(), fields["sampler"].value()) == (11, "euler")
    switching.forget_settings()
    assert fields["sampler"].value() == "dpmpp_2m"
    assert not switching.has_own_settings


def test_settings_of_a_layer_bring_its_model_back_and_keep_every_value(
    window, other_folder, model_folder, qtbot
) -> None:
    window.panel.fields["steps"].set_value(3)
    window.models.switching.save_settings()
    with qtbot.waitSignal(window.jobs.finished, timeout=60_000):
        window.panel.run_bar.generate.click()
    recipe = window.candidates.pending[0].candidate.recipe
    recipe = replace(recipe, sampling=replace(recipe.sampling, steps=20))  # as the program has it, and not the model
    window.models.choose(str(other_folder))
    opened(window, other_folder, qtbot)
    window.use_recipe(recipe)
    opened(window, model_folder, qtbot)
    assert window.panel.sampling() == recipe.sampling


def drop(place: QWidget, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    how = action, data, button, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(place, QDragEnterEvent(QPoint(9, 9), *how))
    QApplication.sendEvent(place, QDropEvent(QPointF(9, 9), *how))


@pytest.mark.parametrize("place", ["canvas", "window"])
def test_a_model_dropped_anywhere_is_opened_and_the_picture_stays(window, other_folder, qtbot, place) -> None:
    before = window.editor.document
    drop(window if place == "window" else window.canvas, other_folder)
    opened(window, other_folder, qtbot)
    assert window.editor.document is before


@pytest.mark.parametrize("ending", [".safetensors", ".ckpt"])
def test_a_dropped_file_that_is_no_model_is_one_sentence(window, model_folder, tmp_path, qtbot, ending) -> None:
    loaded(window, qtbot)
    file = tmp_path / f"rubbish{ending}"
    file.write_bytes(b"\xff" * 100)
    drop(window.canvas, file)
    problem = window.panel.model_chooser.problem
    qtbot.waitUntil(lambda: problem.isVisible(), timeout=30_000)
    assert "rubbish" in problem.text()
    assert window.models.switching.chosen == str(model_folder)


def test_a_folder_of_models_that_is_dropped_is_looked_through_in_the_browser(make_window, other_folder, qtbot) -> None:
    window = make_window(make_engine, scan=scan_models)
    drop(window, other_folder.parent)
    browser = window.models.browser
    assert browser is not None
    assert browser.isVisible()
    qtbot.waitUntil(lambda: browser.view.model().row_of(str(other_folder)) >= 0, timeout=10_000)
    assert window.models.library.folders == (other_folder.parent,)


def test_ctrl_m_opens_the_browser_from_the_canvas(window, qtbot) -> None:
    QTest.keyClick(window.canvas, Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier)
    assert window.models.browser is not None
    assert window.models.browser.isVisible()


def test_a_dropped_lora_or_autoencoder_goes_onto_the_model_instead(window, model_folder, tmp_path) -> None:
    lora = write_header(tmp_path / "style.safetensors", SD1_LORA)
    vae = write_header(tmp_path / "soft.safetensors", VAE)
    drop(window.canvas, lora)
    drop(window.canvas, vae)
    add_ons = window.panel.add_ons
    assert [each.file for each in add_ons.loras.value()] == [str(lora)]
    assert add_ons.vae.value()[0] == str(vae)
    assert window.models.switching.chosen == str(model_folder)


def test_a_lora_for_few_steps_sets_what_the_user_did_not_and_lets_it_go_again(window, tmp_path, qtbot) -> None:
    loaded(window, qtbot)
    window.panel.fields["steps"].set_value(Sampling().steps)
    panel, fast = window.panel, write_header(tmp_path / "lcm-lora.safetensors", SD1_LORA)
    panel.add_ons.show_family(Family.SD1)
    before = panel.sampling()
    panel.fields["guidance"].set_value(2.5)
    with qtbot.waitSignal(window.models.switching.noticed) as told:
        panel.add_ons.loras.add(str(fast))
    assert "lcm-lora asks for 6 steps, guidance 1 and the sampler LCM" in told.args[0]
    assert (panel.sampling().steps, panel.sampling().guidance, panel.sampling().sampler) == (6, 2.5, "lcm")
    panel.add_ons.loras.rows[0].weight.setValue(0.5)
    panel.fields["steps"].set_value(8)
    assert (panel.sampling().steps, panel.sampling().sampler) == (8, "lcm")
    panel.add_ons.clear()
    assert (panel.sampling().steps, panel.sampling().sampler) == (8, before.sampler)


def test_a_recipe_with_such_a_lora_brings_back_its_own_values(window, tmp_path, qtbot) -> None:
    loaded(window, qtbot)
    panel, fast = window.panel, write_header(tmp_path / "lcm-lora.safetensors", SD1_LORA)
    panel.add_ons.show_family(Family.SD1)
    frame = Rect(0, 0, 4, 4)
    request = Request(
        "inpaint", frame, frame, np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4), np.uint8),
        add_ons=AddOns((Lora(str(fast)),)),
    )  # fmt: skip
    recipe = request.recipe()
    panel.use_recipe(recipe)
    assert panel.sampling().steps == recipe.sampling.steps
    assert panel.sampling().sampler == recipe.sampling.sampler
