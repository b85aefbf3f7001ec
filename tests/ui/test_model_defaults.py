"""What a model wants of the panel, and what the panel shows for a model that knows no prompts, masks or classes."""

import pytest

from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.modes import MODES
from paintdiff.generation.sampling import AUTO, NATIVE, Sampling
from paintdiff.ui.generation_panel import GenerationPanel

FEW_STEPS = {"steps": 4, "guidance": 1.0, "sampler": "euler"}


@pytest.fixture
def panel(qtbot) -> GenerationPanel:
    panel = GenerationPanel()
    qtbot.addWidget(panel)
    panel.resize(316, 900)
    panel.show()
    return panel


def values(panel, *names: str) -> list[object]:
    return [panel.fields[name].value() for name in names]


def test_what_a_model_wants_is_set_where_the_user_said_nothing(panel) -> None:
    panel.fields["prompt"].set_value("a red balloon")
    panel.fields["guidance"].set_value(6.5)
    panel.set_defaults(FEW_STEPS)
    assert values(panel, "steps", "guidance", "sampler", "prompt") == [4, 6.5, "euler", "a red balloon"]
    panel.set_defaults({"steps": 30})
    assert values(panel, "steps", "guidance", "sampler") == [30, 6.5, Sampling().sampler]


def test_a_model_without_wishes_brings_the_programs_own_values_back(panel) -> None:
    before = panel.sampling()
    panel.set_defaults(FEW_STEPS)
    panel.set_defaults({})
    assert panel.sampling() == before


def test_values_that_make_no_sense_are_left_out(panel) -> None:
    before = panel.sampling()
    panel.set_defaults({"steps": -3, "guidance": "lots", "sampler": "magic", "unheard_of": 1, "seed": 7, "prompt": "x"})
    assert panel.sampling() == before


def test_a_mode_that_asks_for_less_keeps_it_unless_the_model_asks_for_less_yet(panel) -> None:
    panel.set_mode("upscale")
    panel.set_defaults({"steps": 30})
    assert panel.fields["steps"].value() == MODES["upscale"].defaults["steps"]
    panel.set_defaults(FEW_STEPS)
    assert panel.fields["steps"].value() == 4
    panel.set_mode("inpaint")
    assert values(panel, "steps", "guidance") == [4, 1.0]
    panel.set_defaults({})
    panel.set_mode("upscale")
    assert panel.fields["steps"].value() == MODES["upscale"].defaults["steps"]


def test_a_mode_left_earlier_follows_the_model_too(panel) -> None:
    panel.set_mode("colorize")
    panel.fields["guidance"].set_value(2.0)
    panel.set_mode("inpaint")
    panel.set_defaults(FEW_STEPS)
    panel.set_mode("colorize")
    assert panel.fields["guidance"].value() == 2.0, "the user set it there"
    panel.set_mode("upscale")
    assert values(panel, "steps", "guidance") == [4, 1.0]


def test_defaults_can_be_known_without_following_them(panel) -> None:
    panel.set_defaults({"steps": 4}, follow=False)
    assert panel.fields["steps"].value() == Sampling().steps
    panel.fields["steps"].set_value(4)
    panel.set_defaults({})
    assert panel.fields["steps"].value() == Sampling().steps, "it stood where the model wanted it"


def test_the_line_of_a_heading_speaks_of_what_differs_from_the_model(panel) -> None:
    panel.set_defaults({"sampler": "euler"})
    assert panel.sections["Sampler"].summary.whole == ""
    panel.fields["sampler"].set_value("ddim")
    assert "DDIM" in panel.sections["Sampler"].summary.whole
    panel.sections["Sampler"].reset.click()
    assert panel.fields["sampler"].value() == "euler"


def test_a_model_that_reads_no_prompts_hides_all_about_words(panel) -> None:
    panel.fields["prompt"].set_value("a red balloon")
    panel.fields["negative"].set_value("blue")
    panel.show_model(ModelInfo("Pixels", "cpu", 64, text=False))
    for name in ("prompt", "negative", "guidance"):
        assert not panel.fields[name].isVisible()
        assert not panel._labels[name].isVisible()
    assert not panel.sections["Prompt over time"].isVisible()
    assert panel.fields["steps"].isVisible()
    assert panel.sampling().prompt == "", "what nobody sees must not count"
    panel.show_model(ModelInfo("Words", "cpu", 64))
    assert panel.fields["negative"].isVisible()
    assert panel.sampling().prompt == "a red balloon"


def test_classes_are_asked_for_where_a_model_has_them_and_only_those_there_are(panel) -> None:
    panel.sections["Guidance"].set_open(True)
    assert not panel.fields["label"].isVisible()
    panel.show_model(ModelInfo("Classes", "cpu", 64, labels=10))
    assert panel.fields["label"].isVisible()
    panel.fields["label"].set_value(50)
    assert panel.sampling().label == 9
    assert "10 classes" in panel.fields["prompt"].edit.placeholderText()
    panel.show_model(ModelInfo("Words", "cpu", 64))
    assert panel.sampling().label == -1


def test_the_models_own_mask_method_is_offered_only_where_it_has_one(panel) -> None:
    method = panel.fields["method"]
    native = method.box.model().item(method.box.findData(NATIVE))
    panel.show_model(ModelInfo("Fills", "cpu", 64, mask_channels=True))
    method.set_value(NATIVE)
    assert native.isEnabled()
    panel.show_model(ModelInfo("Plain", "cpu", 64))
    assert not native.isEnabled()
    assert method.value() == AUTO


def test_an_empty_prompt_says_what_it_is_for_in_each_mode(panel) -> None:
    said = set()
    for mode in MODES:
        panel.set_mode(mode)
        placeholder = panel.fields["prompt"].edit.placeholderText()
        assert ("mask" in placeholder) == (mode == "inpaint")
        said.add(placeholder)
    assert len(said) == len(MODES)
