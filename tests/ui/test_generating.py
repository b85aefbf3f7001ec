"""From Generate to Accept in a real window, with a real engine on a tiny model."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox

from paintdiff.app import make_engine
from paintdiff.document import change_map
from paintdiff.document.compose import compose
from paintdiff.document.edits import new_document
from paintdiff.generation.result import Progress
from paintdiff.image.geometry import Rect
from paintdiff.ui.window import Window


def generate(window: Window, qtbot) -> None:
    with qtbot.waitSignal(window.jobs.finished, timeout=60_000):
        window.panel.run_bar.generate.click()


class HeldEngine:
    """The real engine, held before each generation until `go` is set."""

    def __init__(self) -> None:
        self.go, self.reached = threading.Event(), threading.Event()
        self._engine = make_engine()

    def load(self, model, device, placing):
        return self._engine.load(model, device, placing)

    def generate(self, request, report, cancel):
        self.reached.set()
        assert self.go.wait(20)
        return self._engine.generate(request, report, cancel)


@pytest.fixture
def held(qtbot, make_window):
    """A window whose first job stands still inside the engine."""
    engines = []

    def make() -> HeldEngine:
        engines.append(HeldEngine())
        return engines[0]

    window = make_window(make)
    window.generating.generate()
    qtbot.waitUntil(lambda: bool(engines) and engines[0].reached.is_set(), timeout=30_000)
    yield window, engines[0]
    engines[0].go.set()


def test_generate_brings_candidates_and_the_proof_and_accept_makes_a_layer(window, qtbot) -> None:
    before = window.editor.document
    generate(window, qtbot)
    assert window.strip.isVisible()
    assert window.strip.list.count() == 2
    assert "kept pixels unchanged" in window.status.proof.text()
    assert window.status.model.text().startswith("Tiny")
    assert window.editor.document is before, "candidates are not in the document yet"
    window.strip.accept.click()
    after = window.editor.document
    assert len(after.layers) == 2
    assert after.active_layer.recipe.sampling == replace(window.panel.sampling(), candidates=1)
    kept = before.change_map.read(before.canvas) == 0
    assert np.array_equal(compose(before, before.canvas)[kept], compose(after, after.canvas)[kept])
    assert not np.array_equal(compose(before, before.canvas), compose(after, after.canvas))
    assert not window.strip.isVisible()


def test_undoing_an_acceptance_brings_the_candidates_back_and_redo_takes_them(window, qtbot) -> None:
    generate(window, qtbot)
    window.strip.accept.click()
    window.editor.undo()
    assert window.strip.isVisible()
    assert window.strip.list.count() == 2
    window.editor.redo()
    assert not window.strip.isVisible()
    assert len(window.editor.document.layers) == 2


def test_generating_again_adds_to_the_candidates(window, qtbot) -> None:
    generate(window, qtbot)
    first = window.panel.seed.value()
    generate(window, qtbot)
    assert window.strip.list.count() == 4
    assert window.strip.list.currentRow() == 2, "the newest are looked at"
    assert window.panel.seed.value() != first, "an unlocked seed is new for every generation"


def test_arrow_keys_move_and_enter_accepts_the_chosen_candidate(window, qtbot) -> None:
    generate(window, qtbot)
    seed = window.panel.seed.value()
    window.strip.list.setFocus()
    QTest.keyClick(window.strip.list, Qt.Key.Key_Right)
    QTest.keyClick(window.strip.list, Qt.Key.Key_Return)
    assert window.editor.document.active_layer.recipe.sampling.seed == seed + 1


def test_discard_drops_the_candidates_and_leaves_the_document(window, qtbot) -> None:
    generate(window, qtbot)
    before = window.editor.document
    window.strip.discard.click()
    assert not window.strip.isVisible()
    assert window.editor.document is before


def test_a_locked_seed_stays_and_gives_the_same_pixels(window, qtbot) -> None:
    with qtbot.waitSignal(window.jobs.model_loaded, timeout=60_000):
        window.generating.warm_up()  # the frame hangs on the model's size
    window.panel.seed.lock.setChecked(True)
    generate(window, qtbot)
    generate(window, qtbot)
    first, _, again, _ = window.candidates.pending
    assert np.array_equal(first.candidate.patch, again.candidate.patch)


def test_painting_on_the_mask_takes_the_candidate_out_of_view_but_keeps_it(window, qtbot) -> None:
    generate(window, qtbot)
    window.editor.replace("Invert mask", change_map.invert(window.editor.document))
    assert window.strip.list.currentRow() == -1
    assert window.strip.list.count() == 2
    assert not window.strip.accept.isEnabled()


def test_escape_stops_the_job_at_once_and_never_drops_candidates(window, qtbot) -> None:
    generate(window, qtbot)
    assert window.status.proof.text()
    window.panel.fields["steps"].set_value(1000)
    window.generating.generate()
    window.canvas.setFocus()
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    assert not window.generating.running
    assert not window.status.proof.text(), "of the job before"
    assert window.panel.run_bar.generate.isVisible()
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    assert window.strip.list.count() == 2


def test_escape_drops_the_stroke_before_the_job(held) -> None:
    window, _ = held
    QTest.mousePress(window.canvas, Qt.MouseButton.LeftButton)
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    assert window.generating.running
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    assert not window.generating.running


def test_the_job_works_on_a_snapshot_while_the_painter_goes_on(held, qtbot) -> None:
    window, engine = held
    before = window.editor.document
    window.masking.clear()
    with qtbot.waitSignal(window.jobs.finished, timeout=30_000):
        engine.go.set()
    assert window.candidates.pending[0].request.change_map.any()
    assert window.editor.document is not before
    window.editor.undo()
    assert window.editor.document is before


def test_more_jobs_wait_in_the_queue(held, qtbot) -> None:
    window, engine = held
    QTest.keyClick(window.panel.fields["prompt"].edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert window.jobs.waiting == 1
    engine.go.set()
    qtbot.waitUntil(lambda: window.strip.list.count() == 4, timeout=30_000)
    assert window.panel.run_bar.generate.isVisible()


def test_opening_another_picture_while_a_job_runs_drops_it(held, qtbot, picture_file) -> None:
    window, engine = held
    window.files.open_path(picture_file)
    assert not window.generating.running
    engine.go.set()
    qtbot.wait(300)
    assert window.strip.list.count() == 0
    assert window.editor.document.canvas == Rect(0, 0, 20, 10)


def test_closing_the_window_while_a_job_runs_ends_cleanly(held, qtbot) -> None:
    window, engine = held
    window.close()
    assert not window.isVisible()
    assert not window.generating.running
    engine.go.set()
    assert window.jobs.stop(20_000)


def test_an_empty_mask_is_told_with_the_offer_to_renoise_the_frame(make_window, qtbot) -> None:
    window = make_window(masked=False)
    bar = window.panel.run_bar
    assert not bar.hint.isVisible(), "nobody has asked yet"
    bar.generate.click()
    assert "masked" in bar.hint.text()
    assert not window.generating.running
    assert bar.offer.isVisible()
    bar.offer.click()
    assert window.panel.mode() == "renoise"
    assert not bar.hint.isVisible()
    generate(window, qtbot)
    assert window.strip.list.count() == 2


def test_outpainting_past_an_edge_grows_the_canvas_on_accept(window, qtbot) -> None:
    window.masking.clear()
    window.panel.set_mode("outpaint")
    assert "edge" in window.panel.run_bar.hint.text()
    window.panel.findChild(type(window.panel.seed.dice), "extend_left").click()
    frame = window.editor.document.frame
    assert frame.x < 0
    generate(window, qtbot)
    window.strip.accept.click()
    assert window.editor.document.canvas.x == frame.x
    assert window.editor.document.frame is None
    window.editor.undo()
    assert window.editor.document.canvas == Rect(0, 0, 64, 48)


def test_a_frame_dragged_past_the_edge_means_outpainting(window) -> None:
    window.canvas.frame_dragged.emit(Rect(40, 10, 48, 30))
    assert window.panel.mode() == "outpaint"
    assert window.editor.document.frame == Rect(40, 10, 48, 30)
    window.actions_by_id["automatic_frame"].trigger()
    assert window.editor.document.frame is None


def test_a_model_that_is_not_there_is_told_in_one_sentence(window, qtbot) -> None:
    window.generating._model = "/no/such/model"
    with qtbot.waitSignal(window.jobs.failed, timeout=30_000):
        window.panel.run_bar.generate.click()
    assert "/no/such/model" in window.panel.run_bar.hint.text()
    assert window.findChild(QMessageBox) is None
    assert not window.generating.running


def test_a_fault_shows_a_dialog_in_plain_words_and_the_next_job_works(make_window, qtbot) -> None:
    tries = []

    def make():
        tries.append(1)
        if len(tries) == 1:
            raise ZeroDivisionError("deep inside")
        return make_engine()

    window = make_window(make)
    with qtbot.waitSignal(window.jobs.failed, timeout=30_000):
        window.generating.generate()
    box = window.findChild(QMessageBox, "fault")
    assert "ZeroDivisionError" not in box.text()
    assert "deep inside" in box.detailedText()
    box.accept()
    generate(window, qtbot)
    assert window.strip.list.count() == 2


def test_a_generated_layer_gives_its_settings_back(window, qtbot) -> None:
    window.panel.fields["prompt"].set_value("a red apple")
    generate(window, qtbot)
    window.strip.accept.click()
    recipe = window.editor.document.active_layer.recipe
    window.panel.fields["prompt"].set_value("something else")
    window.panel.seed.throw()
    window.layers.buttons["use_recipe"].click()
    assert window.panel.sampling() == recipe.sampling
    assert window.panel.seed.lock.isChecked()


def test_holding_the_compare_key_shows_the_document_alone(window, qtbot) -> None:
    generate(window, qtbot)
    QApplication.processEvents()
    with_candidate = window.canvas.grab().toImage()
    QTest.keyPress(window.canvas, Qt.Key.Key_Backslash)
    without = window.canvas.grab().toImage()
    QTest.keyRelease(window.canvas, Qt.Key.Key_Backslash)
    assert without != with_candidate
    assert window.canvas.grab().toImage() == with_candidate


def test_a_new_document_has_no_candidates_of_the_old_one(window, qtbot) -> None:
    generate(window, qtbot)
    window.files.load(new_document(32, 32))
    assert not window.strip.isVisible()
    assert not window.candidates.any


def test_a_measurement_of_two_recipes_is_one_thing_and_nothing_waits_behind_it(window, qtbot) -> None:
    generate(window, qtbot)
    generate(window, qtbot)
    window.generating.measure()
    assert window.jobs.waiting >= 1
    jobs = sorted(window.generating._measurements)
    window.jobs.progressed.emit(jobs[0], Progress("measuring", 1, 4))
    assert "waiting" not in window.panel.run_bar.progress.toolTip()
    window.generating.generate()
    window.jobs.progressed.emit(jobs[0], Progress("measuring", 2, 4))
    assert "1 waiting" in window.panel.run_bar.progress.toolTip()
