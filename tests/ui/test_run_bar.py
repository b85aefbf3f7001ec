"""The progress bar's line fits it, and the time left is told once it can be known."""

from __future__ import annotations

import pytest

from paintdiff.app import start_application
from paintdiff.generation.result import Progress
from paintdiff.ui.run_bar import RunBar


@pytest.fixture
def bar(qtbot) -> RunBar:
    start_application([])
    bar = RunBar()
    qtbot.addWidget(bar)
    bar.setFixedWidth(320)
    bar.show()
    return bar


def test_the_line_leaves_out_what_the_bar_has_no_room_for(bar) -> None:
    for step in range(1, 4):
        bar.show_progress(Progress("measuring", step, 400), waiting=12)
    bar.progress.setFixedWidth(10_000)
    bar.show_progress(Progress("measuring", 4, 400), waiting=12)
    assert bar.progress.text().startswith("Measuring 4 / 400 · ")
    assert bar.progress.text().endswith("left · 12 waiting")
    bar.progress.setFixedWidth(40)
    bar.show_progress(Progress("measuring", 5, 400), waiting=12)
    assert bar.progress.text() == "Measuring 5 / 400"
    assert "12 waiting" in bar.progress.toolTip()


def test_the_first_step_is_no_measure_of_the_time_left(bar) -> None:
    bar.show_progress(Progress("sampling", 0, 20), waiting=0)
    bar.show_progress(Progress("sampling", 1, 20), waiting=0)
    assert "left" not in bar.progress.text()
    bar.show_progress(Progress("sampling", 2, 20), waiting=0)
    assert "left" in bar.progress.text()


def test_a_first_step_that_takes_long_is_measured_all_the_same(bar, monkeypatch) -> None:
    monkeypatch.setattr("paintdiff.ui.run_bar.SLOW", -1.0)
    bar.show_progress(Progress("sampling", 0, 20), waiting=0)
    bar.show_progress(Progress("sampling", 1, 20), waiting=0)
    assert "left" in bar.progress.text()


def test_what_went_wrong_is_red_and_what_is_still_to_do_is_not(bar) -> None:
    bar.show_hint("The LoRA was made for another model.", bad=True)
    red = bar.hint.palette().windowText().color()
    bar.show_hint("Nothing is masked.")
    assert bar.hint.palette().windowText().color() != red


def test_a_long_name_is_broken_where_it_can_be_and_not_cut(bar) -> None:
    name = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.weight"
    bar.show_hint(f"The LoRA was made for another model: {name} has another shape.")
    assert bar.hint.minimumSizeHint().width() < bar.width()
    assert bar.hint.text().replace("\u200b", "").endswith(f"{name} has another shape.")
