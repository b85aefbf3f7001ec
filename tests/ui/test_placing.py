"""The dialog that says what models run on, and how the status bar tells where the model stands."""

from PySide6.QtWidgets import QApplication

from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.placing import AUTOMATIC, Placing
from paintdiff.generation.result import Report
from paintdiff.ui.dialogs.placing import PlacingDialog
from paintdiff.ui.settings import Settings
from paintdiff.ui.status_bar import StatusBar

LOADED = ModelInfo("Photo", "cuda", 512, memory="text-off", precision="float16")


def test_what_is_chosen_is_remembered_and_goes_into_the_next_request(window, qtbot) -> None:
    asked = []
    window.jobs.warm_up = lambda *what: asked.append(what)
    window.status.model.click()
    dialog = window.findChild(PlacingDialog, "placing")
    for box, value in ((dialog.device_box, "cpu"), (dialog.memory_box, "tiled"), (dialog.precision_box, "float32")):
        box.setCurrentIndex(box.findData(value))
    dialog.accept()
    chosen = Placing("tiled", "float32")
    assert asked == [(window.generating.model, "cpu", chosen)]
    assert (window.settings.device, window.settings.placing) == ("cpu", chosen)
    sent = []
    window.jobs.submit = lambda request: sent.append(request) or 1
    window.panel.set_mode("renoise")
    window.generating.generate()
    assert [(each.device, each.placing) for each in sent] == [("cpu", chosen)]


def test_settings_of_another_version_are_those_of_none(window) -> None:
    settings: Settings = window.settings
    settings._store.setValue("memory", "on the moon")
    settings._store.setValue("device", "abacus")
    assert (settings.device, settings.placing) == ("auto", AUTOMATIC)


def test_the_status_bar_says_on_which_rung_the_model_stands_and_follows_it_down(qapp: QApplication) -> None:
    bar = StatusBar()
    bar.show_model(LOADED)
    assert bar.model.text() == "Photo · 512 px · CUDA · text-off"
    assert "text encoder off after use, float16" in bar.model.toolTip()
    bar.show_proof(Report(memory="group"))
    assert bar.model.text().endswith("· group")
    bar.show_model(ModelInfo("Photo", "cuda", 512, memory="all", precision="float16"))
    assert bar.model.text() == "Photo · 512 px · CUDA"
