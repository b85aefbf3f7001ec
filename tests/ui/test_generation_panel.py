"""The panel builds every control from the declarations, and reads back what was set."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from paintdiff.generation.modes import MODES
from paintdiff.generation.sampling import MAX_SEED, Parameter, Sampling, parameters
from paintdiff.ui.fields import NumberField, make_field
from paintdiff.ui.generation_panel import GenerationPanel


@pytest.fixture
def panel(qtbot) -> GenerationPanel:
    panel = GenerationPanel()
    qtbot.addWidget(panel)
    panel.resize(316, 900)
    panel.show()
    return panel


def test_every_declared_parameter_has_a_control_with_its_help(panel) -> None:
    assert set(panel.fields) == set(parameters())
    for name, parameter in parameters().items():
        assert panel.fields[name].toolTip().startswith(parameter.help)


@pytest.mark.parametrize("kind", ["int", "float", "choice", "text"])
def test_a_parameter_declared_later_gets_a_control_of_its_kind(qtbot, kind) -> None:
    parameter = Parameter(kind, "New", "A new one.", minimum=0, maximum=9, step=0.5, choices={"a": "A", "b": "B"})
    field = make_field("new", parameter)
    qtbot.addWidget(field)
    value = {"int": 4, "float": 2.5, "choice": "b", "text": "hello"}[kind]
    with qtbot.waitSignal(field.value_changed):
        field.set_value(value)
    assert field.value() == value


def test_what_is_set_is_read_back(panel) -> None:
    sampling = Sampling(
        "two\nlines", "not this", steps=33, guidance=7.5, strength=0.35, seed=MAX_SEED, sampler="ddim", eta=0.4,
        candidates=5,
    )
    panel.set_sampling(sampling)
    assert panel.sampling() == sampling


def test_defaults_are_those_of_the_declaration(panel) -> None:
    assert panel.sampling() == Sampling(seed=panel.seed.value())


@pytest.mark.parametrize("mode", MODES.values(), ids=lambda mode: mode.name)
def test_a_mode_sets_its_defaults_and_nothing_else(panel, qtbot, mode) -> None:
    panel.set_mode("renoise" if mode.name != "renoise" else "inpaint")
    before = panel.sampling()
    with qtbot.waitSignal(panel.mode_changed) as changed:
        panel.set_mode(mode.name)
    assert changed.args == [mode.name]
    assert panel.sampling() == replace(before, strength=mode.strength)


@pytest.mark.parametrize("prompt", ["🍎🌻 яблоко", "تفاحة حمراء", "word " * 2000, "line\nline", "\u202eback"])
def test_any_prompt_is_kept_as_typed(panel, prompt) -> None:
    panel.fields["prompt"].set_value(prompt)
    assert panel.sampling().prompt == prompt


def test_typing_a_seed_locks_it_and_the_dice_throws_another(panel) -> None:
    assert not panel.seed.lock.isChecked()
    panel.seed.box.selectAll()
    QTest.keyClicks(panel.seed.box, "1234")
    assert panel.sampling().seed == 1234
    assert panel.seed.lock.isChecked()
    panel.seed.renew()
    assert panel.sampling().seed == 1234
    panel.seed.dice.click()
    assert panel.sampling().seed != 1234


def test_controls_that_do_not_apply_are_off_and_say_why(panel) -> None:
    assert not panel.fields["eta"].isEnabled()
    assert "DDIM" in panel.fields["eta"].toolTip()
    panel.fields["sampler"].set_value("ddim")
    assert panel.fields["eta"].isEnabled()
    panel.fields["guidance"].set_value(1.0)
    assert not panel.fields["negative"].isEnabled()


def test_the_slider_and_the_box_of_a_percentage_agree(panel) -> None:
    strength = panel.fields["strength"]
    assert isinstance(strength, NumberField)
    slider = strength.row.itemAt(0).widget()
    slider.setValue(slider.maximum() // 2)
    assert strength.value() == pytest.approx(0.5)
    strength.set_value(1.0)
    assert slider.value() == slider.maximum()


def test_the_wheel_over_a_control_that_is_not_in_use_changes_nothing(panel) -> None:
    box = panel.fields["steps"].box
    before = box.value()
    event = QWheelEvent(
        QPointF(5, 5), box.mapToGlobal(QPointF(5, 5)), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )
    QApplication.sendEvent(box, event)
    assert box.value() == before


def test_nothing_of_the_panel_is_cut_at_its_narrowest(panel) -> None:
    panel.resize(panel.minimumSizeHint().width(), 900)
    for field in panel.fields.values():
        if field.isVisible():
            assert field.width() >= field.minimumSizeHint().width(), field.name
