"""The panel builds every control from the declarations, and reads back what was set."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton

from paintdiff.generation.modes import MODES
from paintdiff.generation.sampling import MAIN, MAX_SEED, Parameter, Sampling, parameters
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


def test_each_mode_remembers_the_strength_that_was_set_in_it(panel) -> None:
    strength = panel.fields["strength"]
    strength.set_value(0.8)
    panel.set_mode("renoise")
    assert strength.value() == MODES["renoise"].strength
    strength.set_value(0.3)
    panel.set_mode("inpaint")
    assert strength.value() == 0.8
    panel.set_mode("renoise")
    assert strength.value() == 0.3


@pytest.mark.parametrize("mode", MODES.values(), ids=lambda mode: mode.name)
def test_a_mode_sets_its_defaults_and_nothing_else(panel, qtbot, mode) -> None:
    panel.set_mode("renoise" if mode.name != "renoise" else "inpaint")
    before = panel.sampling()
    with qtbot.waitSignal(panel.mode_changed) as changed:
        panel.set_mode(mode.name)
    assert changed.args == [mode.name]
    assert panel.sampling() == replace(before, strength=mode.strength, **mode.defaults)
    panel.set_mode("renoise" if mode.name != "renoise" else "inpaint")
    assert panel.sampling() == before


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


def test_what_has_no_effect_vanishes_under_a_heading_and_is_off_and_says_why_in_the_main_rows(panel) -> None:
    panel.unfold(list(panel.sections))
    eta, negative = panel.fields["eta"], panel.fields["negative"]
    assert not eta.isVisible()
    panel.fields["sampler"].set_value("ddim")
    assert eta.isVisible()
    place = negative.mapTo(panel, QPoint())
    assert negative.isEnabled()
    panel.fields["guidance"].set_value(1.0)
    assert not negative.isEnabled()
    assert "Guidance above 1" in negative.toolTip()
    assert negative.mapTo(panel, QPoint()) == place
    panel.fields["then"].set_value("a cat")
    assert panel.fields["switch"].isVisible()


def test_a_main_row_that_is_for_one_mode_is_there_in_that_mode_alone(panel) -> None:
    source = panel.fields["source"]
    assert not source.isVisible()
    panel.set_mode("edit")
    assert source.isVisible()
    assert source.isEnabled()
    panel.set_mode("renoise")
    assert not source.isVisible()


def test_the_control_in_hand_stays_where_it_is_when_rows_come_and_go(panel) -> None:
    panel.unfold(["Mask"])
    QApplication.processEvents()
    method = panel.fields["method"]
    place = method.mapTo(panel, QPoint())
    for value in ("rangenull", "lanpaint", "auto"):
        method.set_value(value)
        QApplication.processEvents()
        assert method.mapTo(panel, QPoint()) == place


def test_every_heading_with_parameters_is_there_and_folded_at_first(panel) -> None:
    with_parameters = {parameter.section for parameter in parameters().values()} - {MAIN}
    assert with_parameters <= set(panel.sections)
    for name, field in panel.fields.items():
        of_another_mode = field.parameter.needs is not None and field.parameter.needs[0] == "mode"
        assert field.isVisible() == (field.parameter.section == MAIN and not of_another_mode), name


def test_a_folded_heading_sums_up_what_was_set_under_it_and_sets_it_back(panel) -> None:
    section = panel.sections["Sampler"]
    assert section.summary.whole == ""
    assert not section.reset.isVisible()
    panel.fields["sampler"].set_value("ddim")
    panel.fields["eta"].set_value(0.3)
    assert section.summary.whole == "DDIM, DDIM eta 0.3"
    QTest.mouseClick(section.heading, Qt.MouseButton.LeftButton)
    assert section.open
    assert section.summary.whole == "", "it is in sight"
    assert section.reset.isVisible()
    QTest.mouseClick(section.heading, Qt.MouseButton.LeftButton)
    QTest.mouseClick(section.reset, Qt.MouseButton.LeftButton)
    assert panel.sampling() == Sampling(seed=panel.seed.value())
    assert not section.reset.isVisible()


def test_edge_blend_and_matte_count_as_settings_of_the_mask(panel) -> None:
    panel.feather.setValue(20)
    panel.set_matte((255, 0, 0))
    assert panel.sections["Mask"].summary.whole == "edge blend 20 px, matte #ff0000"
    panel.sections["Mask"].reset.click()
    assert panel.feather.value() == 8
    assert panel.matte_colour() == (255, 255, 255)


def test_what_has_no_effect_is_not_summed_up(panel) -> None:
    panel.fields["sampler"].set_value("ddim")
    panel.fields["eta"].set_value(0.3)
    panel.fields["sampler"].set_value("dpmpp_2m")
    assert panel.sections["Sampler"].summary.whole == ""


def test_a_small_number_is_shown_with_the_digits_that_count(panel) -> None:
    tolerance = panel.fields["tolerance"]
    tolerance.set_value(1e-6)
    assert tolerance.value() == 1e-6
    assert tolerance.box.text() == tolerance.box.locale().toString(0.000001, "f", 6)
    tolerance.set_value(0.01)
    assert tolerance.box.text() == tolerance.box.locale().toString(0.01, "f", 2)


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
    panel.unfold(list(panel.sections))
    panel.fields["sampler"].set_value("ddim")
    panel.fields["method"].set_value("rangenull")
    QApplication.processEvents()
    for button in panel.modes.findChildren(QToolButton):
        assert button.width() >= button.minimumSizeHint().width(), button.text()
    for field in panel.fields.values():
        if field.isVisible():
            assert field.width() >= field.minimumSizeHint().width(), field.name
