"""The panel that says what to generate: mode, prompt, and one control for every declared parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QSpinBox, QVBoxLayout, QWidget

from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.model_defaults import base_of, of_a_model, valid
from paintdiff.generation.modes import MODES
from paintdiff.generation.request import WHITE, Recipe
from paintdiff.generation.sampling import MAIN, NATIVE, SECTIONS, Parameter, Sampling, has_effect, parameters
from paintdiff.ui.add_ons import AddOnControls
from paintdiff.ui.controls import Controls
from paintdiff.ui.fields import ChoiceField, Field, NumberField, TextField, make_field
from paintdiff.ui.mode_chooser import ModeChooser
from paintdiff.ui.mode_rows import ModeRows
from paintdiff.ui.models.chooser import ModelChooser
from paintdiff.ui.named import named
from paintdiff.ui.rows import add_field, add_pair, form
from paintdiff.ui.run_bar import RunBar
from paintdiff.ui.section import Row, Section
from paintdiff.ui.seed_field import SeedField
from paintdiff.ui.tool_options import Swatch

ORDER = ("prompt", "source", "negative", "strength", "steps", "guidance", "candidates", "seed")  # then as declared
LABEL_WIDTH = 84
ADD_ONS, CONTROLS = "LoRA and autoencoder", "Controls"
FEATHER = 8
BESIDE = {"steps": "guidance"}  # two in one row


class GenerationPanel(QWidget):
    """What to generate and how. `model_chooser` above it says with which model, `run_bar` below it starts and stops.

    Signals: `mode_changed(str)`, `feather_changed(int)`, `extend_asked(str)` with "left", "right", "top" or "bottom",
    `hints_asked()` for a layer of colour hints, `folded()` when the user folded a heading or opened it.
    """

    mode_changed = Signal(str)
    feather_changed = Signal(int)
    extend_asked = Signal(str)
    hints_asked = Signal()
    folded = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.run_bar, self.model_chooser = RunBar(), ModelChooser()
        self.modes, self.mode_rows = ModeChooser(), ModeRows()
        self.fields: dict[str, Field] = {}
        self._matte = WHITE
        self._mode = self.modes.mode()
        self._own = {mode.name: {"strength": mode.strength, **mode.defaults} for mode in MODES.values()}  # as set last
        self._shared: dict[str, object] = {}  # what the mode's own values stand in for
        self._defaults: dict[str, object] = {}  # the model's own
        self._serves, self._labels_of_model = {"", "text"}, 0
        for name, parameter in sorted(parameters().items(), key=_place):
            self.fields[name] = SeedField(name, parameter) if name == "seed" else make_field(name, parameter)
        self.feather = named(QSpinBox(minimum=0, maximum=256, value=FEATHER, suffix=" px"), "feather")
        self.feather.setToolTip("How wide the blend runs inward from the mask's edge; nothing outside it changes.")
        self.matte = Swatch("Colour that transparent pixels are shown to the model over")
        self.matte.setObjectName("matte")
        self.add_ons, self.controls = AddOnControls(), Controls()
        self.sections = self._sections()
        self._lay_out()
        self._connect()
        self.set_sampling(Sampling(seed=self.seed.value()))  # type: ignore[arg-type]
        self.set_matte(WHITE)
        self._on_mode(self._mode)

    @property
    def seed(self) -> SeedField:
        field = self.fields["seed"]
        assert isinstance(field, SeedField)
        return field

    def _number(self, name: str) -> NumberField:
        field = self.fields[name]
        assert isinstance(field, NumberField)
        return field

    @property
    def _prompt(self) -> TextField:
        field = self.fields["prompt"]
        assert isinstance(field, TextField)
        return field

    def mode(self) -> str:
        """The name of the mode chosen, one of `MODES`."""
        return self.modes.mode()

    def set_mode(self, mode: str) -> None:
        self.modes.set_mode(mode)

    def sampling(self) -> Sampling:
        """Every parameter as it is set now; one that the model does not know as if nobody had set it."""
        known = {name: field.value() for name, field in self.fields.items() if field.parameter.serves in self._serves}
        return Sampling(**known)  # type: ignore[arg-type]

    def set_sampling(self, sampling: Sampling) -> None:
        for name, field in self.fields.items():
            field.set_value(getattr(sampling, name))

    def matte_colour(self) -> tuple[int, int, int]:
        return self._matte

    def set_matte(self, colour: tuple[int, int, int]) -> None:
        self._matte = colour
        self.matte.set_colour(colour)
        self.sections["Mask"].refresh()

    def use_recipe(self, recipe: Recipe) -> None:
        """Set everything as it was for `recipe`, and lock its seed so that it can be run again."""
        if recipe.mode in MODES:
            self.set_mode(recipe.mode)
        self.add_ons.set_value(recipe.add_ons)  # before the settings, which may follow it
        self.set_sampling(recipe.sampling)
        if recipe.scale > 1:
            self.mode_rows.set_scale(recipe.scale)
        self.feather.setValue(recipe.feather)
        self.set_matte(recipe.matte)
        self.controls.set_value(recipe.add_ons)
        self.seed.lock.setChecked(True)

    def set_defaults(self, defaults: Mapping[str, object], follow: bool = True) -> None:
        """Take `defaults`, by the name of their parameter, for what the model wants where the user says nothing.

        Fields that stand where the last model wanted them go where this one does, unless `follow` is false; those that
        the user set stay. Values that do not fit their parameter are left out.
        """
        before, self._defaults = self._defaults, valid(defaults)
        for name in of_a_model() if follow else ():
            if self._shared_value(name) == base_of(name, before):
                self._set_shared(name, base_of(name, self._defaults))
            for mode in (mode for mode, own in self._own.items() if name in own):
                if self._own_value(mode, name) == base_of(name, before, mode):
                    self._set_own(mode, name, base_of(name, self._defaults, mode))
        for name, field in self.fields.items():
            if field.parameter.section != MAIN:
                self.sections[field.parameter.section].set_default(field, base_of(name, self._defaults))
        self._show_what_applies()

    def settings_for_model(self) -> dict[str, object]:
        """What can be kept as a model's own settings: all but words, seeds, classes and what belongs to a mode."""
        return {name: self._shared_value(name) for name in of_a_model()}

    def show_model(self, info: ModelInfo) -> None:
        """Show what has an effect on a model such as `info` describes, and nothing else."""
        self._serves = {""} | ({"text"} if info.text else set()) | ({"classes"} if info.labels else set())
        self._serves |= {"safety"} if info.safety else set()
        method = self.fields["method"]
        assert isinstance(method, ChoiceField)
        if info.labels:
            self._number("label").box.setMaximum(info.labels - 1)
        self._labels_of_model = info.labels
        for field in self.fields.values():
            if isinstance(field, TextField):
                field.set_names(info.names)
        self._show_placeholder()
        method.set_offered(NATIVE, info.mask_channels)
        self.sections[ADD_ONS].show_row(self.add_ons, self.add_ons.show_family(info.family))
        self.sections[CONTROLS].show_row(self.controls, self.controls.show_family(info.family))
        self._show_what_applies()

    def unfolded(self) -> list[str]:
        """The headings that stand open."""
        return [title for title, section in self.sections.items() if section.open]

    def unfold(self, titles: list[str]) -> None:
        """Open the headings `titles` (those that there are) and fold the others."""
        for title, section in self.sections.items():
            section.set_open(title in titles)

    def _shared_value(self, name: str) -> object:
        return self._shared[name] if name in self._shared else self.fields[name].value()

    def _set_shared(self, name: str, value: object) -> None:
        if name in self._shared:
            self._shared[name] = value
        else:
            self.fields[name].set_value(value)

    def _own_value(self, mode: str, name: str) -> object:
        return self.fields[name].value() if mode == self._mode else self._own[mode][name]

    def _set_own(self, mode: str, name: str, value: object) -> None:
        self._own[mode][name] = value  # type: ignore[assignment]
        if mode == self._mode:
            self.fields[name].set_value(value)

    def _values(self) -> dict[str, Any]:
        return {name: field.value() for name, field in self.fields.items()}

    def _sections(self) -> dict[str, Section]:
        """The headings that have parameters, with their rows."""
        default, used = Sampling(), {field.parameter.section for field in self.fields.values()} | {"Mask"}
        labels = [field.parameter.label for field in self.fields.values() if field.parameter.section != MAIN]
        width = max(self.fontMetrics().horizontalAdvance(label) for label in labels)
        sections = {title: Section(title, width) for title in SECTIONS if title in used and title != MAIN}
        for name, field in self.fields.items():
            if field.parameter.section != MAIN:
                sections[field.parameter.section].add_field(field, getattr(default, name))
        sections["Mask"].add_row("Edge blend", Row(
            self.feather, lambda: "" if self.feather.value() == FEATHER else f"edge blend {self.feather.text()}",
            lambda: self.feather.setValue(FEATHER),
        ))
        sections["Mask"].add_row("Matte", Row(
            self.matte, lambda: "" if self._matte == WHITE else "matte #{:02x}{:02x}{:02x}".format(*self._matte),
            lambda: self.set_matte(WHITE),
        ))
        add_ons = Section(ADD_ONS, width)
        add_ons.add_wide_row(Row(self.add_ons, self.add_ons.described, self.add_ons.clear))
        add_ons.show_row(self.add_ons, False)  # until a model is loaded that takes some
        controls = Section(CONTROLS, width)
        controls.add_wide_row(Row(self.controls, self.controls.described, self.controls.clear))
        controls.show_row(self.controls, False)
        return {ADD_ONS: add_ons, CONTROLS: controls} | sections

    def _lay_out(self) -> None:
        self._main = form()
        self._labels: dict[str, QLabel] = {}
        for name, field in self.fields.items():
            if name in BESIDE:
                right = self._number(BESIDE[name])
                self._labels[name], self._labels[right.name] = add_pair(
                    self._main, self._number(name), right, LABEL_WIDTH
                )
            elif field.parameter.section == MAIN and name not in (*BESIDE.values(), "candidates"):
                self._labels[name] = add_field(self._main, field, LABEL_WIDTH)
        self._place_candidates()
        settings = QWidget()
        column = QVBoxLayout(settings)
        column.setContentsMargins(12, 4, 8, 4)  # with the scroll bar as wide as on the left
        column.setSpacing(6)
        column.addWidget(self.modes)
        column.addWidget(self.mode_rows)
        column.addLayout(self._main)
        headings = QVBoxLayout()
        headings.setSpacing(0)
        for section in self.sections.values():
            headings.addWidget(section)
        column.addLayout(headings)
        column.addStretch()
        self._scroll = named(QScrollArea(widgetResizable=True), "settings")
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # or rows would change width
        self._scroll.setWidget(settings)
        margins = column.contentsMargins().left() + column.contentsMargins().right()
        folded = margins + max(each.needed_width for each in self.sections.values())
        self._scroll.setMinimumWidth(max(folded, settings.minimumSizeHint().width()) + self._scroll_bar_width())
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.model_chooser)
        whole.addWidget(self._scroll, 1)
        whole.addWidget(self.run_bar)

    def _place_candidates(self) -> None:
        """How many to make stands beside the button that makes them."""
        field = self._number("candidates")
        field.box.setPrefix("× ")
        field.box.setFixedHeight(self.run_bar.generate.sizeHint().height())
        self.run_bar.add_beside(field)

    def _scroll_bar_width(self) -> int:
        bar = self._scroll.verticalScrollBar()
        bar.ensurePolished()
        return bar.sizeHint().width()

    def _connect(self) -> None:
        self.modes.mode_changed.connect(self._on_mode)
        self.mode_rows.extend_asked.connect(self.extend_asked)
        self.mode_rows.hints_asked.connect(self.hints_asked)
        self.feather.valueChanged.connect(self.feather_changed)
        self.feather.valueChanged.connect(lambda _value: self.sections["Mask"].refresh())
        self.matte.chosen.connect(self.set_matte)
        self.add_ons.changed.connect(self.sections[ADD_ONS].refresh)
        self.controls.changed.connect(self.sections[CONTROLS].refresh)
        self.controls.added.connect(self._scroll_to)
        for field in self.fields.values():
            field.value_changed.connect(self._show_what_applies)
        for section in self.sections.values():
            section.folded.connect(lambda folded, section=section: self._on_folded(section, folded))

    def _on_mode(self, mode: str) -> None:
        left, self._mode = self._own[self._mode], mode
        for name in left:
            left[name] = self.fields[name].value()  # type: ignore[assignment]
        for name, value in self._shared.items():
            self.fields[name].set_value(value)
        self._shared = {name: self.fields[name].value() for name in self._own[mode]}
        for name, value in self._own[mode].items():
            self.fields[name].set_value(value)
        self.mode_rows.show_mode(mode)
        self._show_placeholder()
        self._show_what_applies()
        self.mode_changed.emit(mode)

    def _on_folded(self, section: Section, folded: bool) -> None:
        if not folded:
            self._scroll_to(section)
        self.folded.emit()

    def _scroll_to(self, widget: QWidget) -> None:
        """Once it has its height."""
        QTimer.singleShot(0, widget, lambda: self._scroll.ensureWidgetVisible(widget, 0, 8))

    def _show_what_applies(self) -> None:
        """Under a heading what has no effect goes, and so does all that is for other modes; the rest of the main rows
        keep their place and say what they need."""
        values = self._values()
        for name, field in self.fields.items():
            parameter, applies = field.parameter, has_effect(name, values, self._mode)
            served = parameter.serves in self._serves
            if parameter.section == MAIN:
                self._show_main(name, served, applies)
            else:
                self.sections[parameter.section].show_row(field, served and applies)
        for section in self.sections.values():
            section.refresh()

    def _show_placeholder(self) -> None:
        count = self._labels_of_model
        words = f"One of the model's {count} classes, by name or number" if count else MODES[self._mode].prompt
        self._prompt.set_placeholder(words)

    def _show_main(self, name: str, served: bool, applies: bool) -> None:
        field, label = self.fields[name], self._labels.get(name)
        parameter = field.parameter
        if parameter.needs is not None and parameter.needs[0] == "mode":
            served, applies = served and applies, True
        if self._main.indexOf(field) >= 0:
            self._main.setRowVisible(field, served)
        field.setVisible(served)
        field.setEnabled(applies)
        if label is not None:
            label.setVisible(served)  # it may have a row of its own
            label.setEnabled(applies)
        field.setToolTip(parameter.help if applies else f"{parameter.help} {_need(parameter)}")


def _place(item: tuple[str, Any]) -> int:
    return ORDER.index(item[0]) if item[0] in ORDER else len(ORDER)


def _need(parameter: Parameter) -> str:
    """What must be set otherwise for `parameter` to have an effect."""
    assert parameter.needs is not None
    other, wanted = parameter.needs
    needed = parameters()[other]
    if isinstance(wanted, tuple):
        return f"Needs {needed.label}: {', '.join(needed.choices.get(value, value) for value in wanted)}."
    return f"Needs {needed.label}." if needed.kind == "text" else f"Needs {needed.label} above {wanted:g}."
