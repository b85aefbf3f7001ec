"""The candidates in a real window: how likely they are, their time, branches, and which have gone stale."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from paintdiff.app import make_engine
from paintdiff.document import change_map
from paintdiff.document.edits import new_document, picture_document
from paintdiff.generation.likelihood import Likelihood
from paintdiff.image.geometry import Rect
from paintdiff.image.heat import brightest, colours
from paintdiff.ui.candidate_list import SHOWN, Thumbnail
from paintdiff.ui.pending import size_of, to_look_through, within_budget
from paintdiff.ui.window import Window
from tests.jobs.gated_engine import GatedEngine

SHIFT = Qt.KeyboardModifier.ShiftModifier


class MeasuringEngine:
    """The real engine, but candidates are likely as they are dark, at once or when `go` is set; some prompts fail."""

    def __init__(self) -> None:
        self.go, self.reached = threading.Event(), threading.Event()
        self.go.set()
        self._engine, self._gated = make_engine(), GatedEngine()

    def load(self, model, device, placing):
        return self._engine.load(model, device, placing)

    def generate(self, request, report, cancel):
        return self._engine.generate(request, report, cancel)

    def likelihood(self, request, patches, report, cancel):
        self.reached.set()
        self._gated.stepping = self.go
        found = self._gated.likelihood(request, patches, report, cancel)
        surprise = np.linspace(0, 4, request.change_map.size, dtype=np.float32).reshape(request.change_map.shape)
        surprise[request.change_map == 0] = 0
        return tuple(replace(each, surprise=surprise) for each in found)


@pytest.fixture
def engine():
    return MeasuringEngine()


@pytest.fixture
def window(make_window, engine, qtbot) -> Window:
    """A window with two candidates of four steps."""
    window = make_window(lambda: engine)
    window.panel.fields["steps"].set_value(4)
    generate(window, qtbot)
    yield window
    engine.go.set()


def generate(window: Window, qtbot) -> None:
    with qtbot.waitSignal(window.jobs.finished, timeout=60_000):
        window.panel.run_bar.generate.click()


def measure(window: Window, qtbot) -> None:
    with qtbot.waitSignal(window.jobs.measured, timeout=60_000):
        window.strip.measure.click()


def shown(window: Window) -> list[Thumbnail]:
    return [window.strip.list.item(row).data(SHOWN) for row in range(window.strip.list.count())]


def look(window: Window):
    QApplication.processEvents()
    return window.canvas.grab().toImage()


def test_measuring_puts_bits_and_their_error_on_each_thumbnail(window, qtbot) -> None:
    assert [each.badge for each in shown(window)] == ["", ""]
    measure(window, qtbot)
    for thumbnail, pending in zip(shown(window), window.candidates.pending, strict=True):
        assert thumbnail.badge == f"{pending.likelihood.bits_per_dim:.2f} ± 0.10"
        assert "bits per dimension" in thumbnail.description
    assert not window.strip.measure.isEnabled(), "all are measured"
    generate(window, qtbot)
    assert window.strip.measure.isEnabled()
    assert [bool(each.badge) for each in shown(window)] == [True, True, False, False]


def test_sorting_puts_the_likeliest_first_and_keeps_the_choice(window, qtbot) -> None:
    first, second = window.candidates.pending
    found = {first.candidate: Likelihood(0, 5.0, 0.1, 9, 1), second.candidate: Likelihood(0, 3.0, 0.1, 9, 1)}
    generate(window, qtbot)
    window.candidates.set_likelihoods(found)
    window.strip.choose(0)
    before = look(window)
    QTest.mouseClick(window.strip.sort, Qt.MouseButton.LeftButton)
    assert [each.badge for each in shown(window)] == ["3.00 ± 0.10", "5.00 ± 0.10", "", ""]
    assert window.candidates.chosen.candidate is first.candidate
    assert look(window) == before
    window.strip.list.setFocus()
    QTest.keyClick(window.strip.list, Qt.Key.Key_Left)
    QTest.keyClick(window.strip.list, Qt.Key.Key_Return)
    assert window.editor.document.active_layer.recipe == second.candidate.recipe


def test_the_map_of_surprise_lies_over_the_candidate_with_a_legend_while_it_is_asked_for(window, qtbot) -> None:
    plain = look(window)
    assert not window.strip.surprise.isEnabled()
    measure(window, qtbot)
    QTest.mouseClick(window.strip.surprise, Qt.MouseButton.LeftButton)
    hot = look(window)
    corner = QPoint(20, window.canvas.height() - window.strip.height() - 20)
    assert hot.pixelColor(corner) != plain.pixelColor(corner), "the legend"
    middle = window.canvas.view.rect_to_widget(Rect(32, 24, 1, 1)).center().toPoint()
    assert hot.pixelColor(middle) != plain.pixelColor(middle)
    QTest.keyPress(window.canvas, Qt.Key.Key_Backslash)
    assert look(window).pixelColor(corner) == plain.pixelColor(corner), "not while comparing"
    QTest.keyRelease(window.canvas, Qt.Key.Key_Backslash)
    QTest.mouseClick(window.strip.surprise, Qt.MouseButton.LeftButton)
    assert look(window) == plain


def test_more_surprise_is_brighter_and_what_was_given_stays_clear() -> None:
    rgba = colours(np.array([[0, 0.5, 1, 2, 9]], np.float32), 2.0, 0.8)[0].astype(int)
    assert rgba[0, 3] == 0
    luma = rgba[1:, :3] @ (0.299, 0.587, 0.114)
    assert luma[0] < luma[1] < luma[2] == luma[3]
    assert brightest([np.array([[0, 3]], np.float32)]) == 3
    assert brightest([]) > 0


def test_measuring_shows_its_progress_and_escape_stops_it_and_keeps_the_candidates(window, engine, qtbot) -> None:
    engine.go.clear()
    window.strip.measure.click()
    assert not window.strip.measure.isEnabled(), "once is enough"
    qtbot.waitUntil(engine.reached.is_set)
    assert window.panel.run_bar.cancel.isVisible()
    window.canvas.setFocus()
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    assert not window.generating.running
    assert window.panel.run_bar.generate.isVisible()
    assert window.strip.measure.isEnabled()
    assert window.strip.list.count() == 2
    engine.go.set()
    measure(window, qtbot)


def test_a_measurement_that_cannot_be_made_is_told_in_a_sentence(window, qtbot) -> None:
    window.panel.fields["prompt"].set_value("bad")
    generate(window, qtbot)
    window.strip.measure.click()
    qtbot.waitUntil(lambda: not window.generating.running)
    assert "prompt is bad" in window.panel.run_bar.hint.text()
    assert [bool(each.badge) for each in shown(window)] == [True, True, False, False]


@pytest.mark.parametrize("leave", [
    lambda window: window.strip.discard.click(), lambda window: window.files.load(new_document(16, 16)),
], ids=["discarded", "another picture"])  # fmt: skip
def test_candidates_that_go_take_their_measurement_along(window, engine, qtbot, leave) -> None:
    engine.go.clear()
    window.strip.measure.click()
    qtbot.waitUntil(engine.reached.is_set)
    leave(window)
    assert not window.generating.running
    engine.go.set()
    qtbot.wait(50)
    assert not window.strip.isVisible()


def test_the_real_engine_says_how_likely_the_candidates_are(make_window, qtbot) -> None:
    window = make_window()
    window.panel.fields["candidates"].set_value(1)
    generate(window, qtbot)
    measure(window, qtbot)
    (pending,) = window.candidates.pending
    assert np.isfinite(pending.likelihood.bits_per_dim)
    assert pending.likelihood.surprise.shape == pending.candidate.frame.shape
    assert window.strip.surprise.isEnabled()


def test_the_slider_walks_through_the_run_to_the_picture_itself(window) -> None:
    time = window.strip.time
    picture = look(window)
    assert time.at_end
    assert not time.branch.isEnabled(), "from the end there is nothing to go on to"
    time.slider.setFocus()
    QTest.keyClick(time.slider, Qt.Key.Key_Home)
    assert time.step.text() == f"step {to_look_through(window.candidates.chosen)[0][0].step} of 4"
    early = look(window)
    assert early != picture
    QTest.keyClick(time.slider, Qt.Key.Key_End)
    assert look(window) == picture


def test_from_an_earlier_step_enter_leads_to_the_picture_first_and_then_accepts_it(window) -> None:
    window.strip.time.move_by(-2)
    assert window.strip.accept.text() == "To picture"
    QTest.keyClick(window.strip.list, Qt.Key.Key_Return)
    assert window.candidates.any, "what was looked at is not what would have been accepted"
    assert window.strip.time.at_end
    assert window.strip.accept.text() == "Accept"
    QTest.keyClick(window.strip.list, Qt.Key.Key_Return)
    assert not window.candidates.any


def test_comma_and_full_stop_walk_through_time_from_the_candidates_and_from_the_canvas(window) -> None:
    last = window.strip.time.place
    for widget in (window.strip.list, window.canvas):
        widget.setFocus()
        QTest.keyClick(widget, Qt.Key.Key_Comma)
        QTest.keyClick(widget, Qt.Key.Key_Comma)
        assert window.strip.time.place == last - 2
        QTest.keyClick(widget, Qt.Key.Key_Period)
        QTest.keyClick(widget, Qt.Key.Key_Period)
        assert window.strip.time.at_end


def test_a_candidate_under_the_pointer_stays_to_be_seen_while_the_next_ones_form(window, qtbot) -> None:
    window.panel.fields["steps"].set_value(300)  # enough to be seen on the way
    middle = window.canvas.view.rect_to_widget(Rect(32, 24, 1, 1)).center().toPoint()

    def colour() -> str:
        return window.canvas.grab().toImage().pixelColor(middle).name()  # not `look`: its events could end the run

    seen: list[str] = []
    window.jobs.progressed.connect(lambda _job, _progress: seen.append(colour()))
    candidates = window.strip.list
    QTest.mouseMove(candidates.viewport(), candidates.visualItemRect(candidates.item(1)).center())
    qtbot.waitUntil(lambda: candidates.pointed)
    second = colour()
    generate(window, qtbot)
    assert set(seen) == {second}
    seen.clear()
    QApplication.sendEvent(candidates.viewport(), QEvent(QEvent.Type.Leave))
    chosen = colour()
    generate(window, qtbot)
    assert set(seen) - {chosen}, "its previews are shown again"


def test_another_candidate_is_looked_at_as_it_ended(window) -> None:
    window.strip.choose(1)
    ended = look(window)
    window.strip.choose(0)
    window.strip.time.move_by(-2)
    QTest.keyClick(window.strip.list, Qt.Key.Key_Right)
    assert window.strip.time.at_end
    assert look(window) == ended


def test_a_branch_without_a_change_ends_as_the_run_did_and_says_where_it_began(window, qtbot) -> None:
    run = window.candidates.pending[1]
    window.strip.choose(1)
    window.strip.time.move_by(-2)
    step = to_look_through(run)[window.strip.time.place][0].step
    with qtbot.waitSignal(window.jobs.finished, timeout=60_000):
        QTest.mouseClick(window.strip.time.branch, Qt.MouseButton.LeftButton)
    same, other = window.candidates.pending[2:]
    assert np.array_equal(same.candidate.patch, run.candidate.patch)
    assert not np.array_equal(other.candidate.patch, run.candidate.patch), "its seed is another"
    assert same.candidate.recipe.branch.step == step
    assert window.panel.seed.value() == run.candidate.recipe.sampling.seed
    assert shown(window)[2].branch
    assert f"From step {step} of 4 of no prompt, seed {window.panel.seed.value()}" in shown(window)[2].description
    assert not shown(window)[0].branch


def test_a_layer_that_came_of_a_branch_says_so_and_so_do_its_settings(window, qtbot) -> None:
    window.strip.time.move_by(-2)
    with qtbot.waitSignal(window.jobs.finished, timeout=60_000):
        window.strip.time.branch.click()
    window.strip.accept.click()
    step = window.editor.document.active_layer.recipe.branch.step
    assert f"step {step} of an earlier run" in window.layers.model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
    window.layers.buttons["use_recipe"].click()
    assert f"step {step} of another run" in window.status.currentMessage()


def test_a_branch_takes_the_prompt_the_mask_and_a_locked_seed_from_the_panel(window, qtbot) -> None:
    window.panel.fields["prompt"].set_value("a pear")
    window.panel.seed.box.selectAll()
    QTest.keyClicks(window.panel.seed.box, "77")
    window.masking.clear()
    window.editor.replace("Mask", change_map.add(window.editor.document, np.full((4, 4), 255, np.uint8), 30, 20))
    frame = window.candidates.pending[0].candidate.frame
    window.strip.choose(0)
    window.strip.time.move_by(-2)
    window.strip.list.setFocus()
    with qtbot.waitSignal(window.jobs.finished, timeout=60_000):
        QTest.keyClick(window.strip.list, Qt.Key.Key_Return, SHIFT)
    branched = window.candidates.pending[2]
    assert branched.candidate.recipe.sampling.prompt == "a pear"
    assert branched.candidate.recipe.sampling.seed == 77
    assert branched.candidate.frame == frame
    assert np.count_nonzero(branched.request.change_map) == 16
    assert window.editor.document.frame is None, "the frame of the run is not put into the picture"


def test_a_branch_whose_mask_lies_outside_the_frame_of_the_run_is_refused_in_words(window) -> None:
    window.generating.place_frame(Rect(0, 0, 16, 16))
    window.masking.clear()
    window.strip.choose(0)
    window.strip.time.move_by(-2)
    window.strip.time.branch.click()
    assert "masked" in window.panel.run_bar.hint.text()
    assert not window.generating.running


def test_runs_are_kept_within_a_budget_and_the_oldest_go_first(window) -> None:
    first, second = window.candidates.pending
    size = size_of(second.candidate.trajectory)
    assert size > 0
    kept = within_budget([first, second], size)
    assert kept[0].candidate.trajectory is None
    assert np.array_equal(kept[0].candidate.patch, first.candidate.patch)
    assert kept[1] is second
    assert to_look_through(kept[0]) == ()


def test_candidates_are_marked_while_the_picture_beneath_them_is_another(window, qtbot) -> None:
    generate(window, qtbot)
    window.masking.invert()
    assert not any(each.stale for each in shown(window)), "the picture beneath is the same"
    frame = window.candidates.pending[0].candidate.frame
    middle = window.canvas.view.rect_to_widget(Rect(*map(round, frame.center), 1, 1)).center().toPoint()
    window.tool_state.set_tool("brush")
    QTest.mouseClick(window.canvas, Qt.MouseButton.LeftButton, pos=middle)
    assert all(each.stale for each in shown(window))
    assert "older picture" in shown(window)[0].description
    window.editor.undo()
    assert not any(each.stale for each in shown(window))


def test_the_picture_does_not_move_when_candidates_come_and_go(make_window, qtbot) -> None:
    window = make_window()
    view = window.canvas.view
    generate(window, qtbot)
    QApplication.processEvents()
    assert window.canvas.view == view
    shown_picture = view.rect_to_widget(window.editor.document.canvas)
    assert shown_picture.bottom() <= window.strip.y(), "a fitted picture is not covered"
    window.strip.discard.click()
    QApplication.processEvents()
    assert window.canvas.view == view


def test_a_branch_after_another_picture_was_opened_is_out_of_reach(window) -> None:
    window.files.load(picture_document(np.full((32, 32, 4), 255, np.uint8)))
    window.actions_by_id["branch"].trigger()
    assert not window.generating.running
    assert not window.actions_by_id["branch"].isEnabled()


def test_with_candidates_tab_still_reaches_all_and_comes_back_to_the_canvas(window) -> None:
    window.strip.time.move_by(-1)
    window.canvas.setFocus()
    seen = []
    while not seen or QApplication.focusWidget() is not window.canvas:
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        assert QApplication.focusWidget() not in seen
        seen.append(QApplication.focusWidget())
    strip = window.strip
    assert seen[:4] == [strip.time.slider, strip.time.branch, strip.list, strip.measure], "beside the canvas"
    assert window.panel.run_bar.generate in seen
