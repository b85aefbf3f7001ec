"""The panel that says what to generate: mode, prompt, and one control for every declared parameter."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from paintdiff.generation.modes import MODES
from paintdiff.generation.request import WHITE, Recipe
from paintdiff.generation.sampling import MAIN, Sampling, parameters
from paintdiff.ui import icons
from paintdiff.ui.fields import ChoiceField, Field, make_field
from paintdiff.ui.named import named
from paintdiff.ui.run_bar import RunBar
from paintdiff.ui.seed_field import SeedField
from paintdiff.ui.tool_options import Swatch

ORDER = ("prompt", "negative", "strength", "steps", "guidance", "candidates", "seed")  # others follow as declared
LABEL_WIDTH = 84
EDGES = {"left": "arrow_left", "right": "arrow_right", "top": "arrow_up", "bottom": "arrow_down"}


class GenerationPanel(QWidget):
    """What to generate and how. `run_bar` below it starts and stops.

    Signals: `mode_changed(str)`, `feather_changed(int)`, `extend_asked(str)` with "left", "right", "top" or "bottom".
    """

    mode_changed = Signal(str)
    feather_changed = Signal(int)
    extend_asked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.run_bar = RunBar()
        self.fields: dict[str, Field] = {}
        self._matte = WHITE
        self._modes = QButtonGroup(self)
        for name, parameter in sorted(parameters().items(), key=_place):
            self.fields[name] = SeedField(name, parameter) if name == "seed" else make_field(name, parameter)
        self.feather = named(QSpinBox(minimum=0, maximum=256, value=8, suffix=" px"), "feather")
        self.feather.setToolTip("How wide the blend runs inward from the mask's edge; nothing outside it changes.")
        self.matte = Swatch("Colour that transparent pixels are shown to the model over")
        self.matte.setObjectName("matte")
        self._lay_out()
        self._connect()
        self.set_sampling(Sampling(seed=self.seed.value()))  # type: ignore[arg-type]
        self.set_matte(WHITE)
        self.set_mode("inpaint")

    @property
    def seed(self) -> SeedField:
        field = self.fields["seed"]
        assert isinstance(field, SeedField)
        return field

    def mode(self) -> str:
        """The name of the mode chosen, one of `MODES`."""
        chosen = self._modes.checkedButton()
        assert chosen is not None
        return str(chosen.property("mode"))

    def set_mode(self, mode: str) -> None:
        for button in self._modes.buttons():
            if button.property("mode") == mode:
                button.setChecked(True)

    def sampling(self) -> Sampling:
        """Every parameter as it is set now."""
        values: dict[str, Any] = {name: field.value() for name, field in self.fields.items()}
        return Sampling(**values)

    def set_sampling(self, sampling: Sampling) -> None:
        for name, field in self.fields.items():
            field.set_value(getattr(sampling, name))

    def matte_colour(self) -> tuple[int, int, int]:
        return self._matte

    def set_matte(self, colour: tuple[int, int, int]) -> None:
        self._matte = colour
        self.matte.set_colour(colour)

    def use_recipe(self, recipe: Recipe) -> None:
        """Set everything as it was for `recipe`, and lock its seed so that it can be run again."""
        if recipe.mode in MODES:
            self.set_mode(recipe.mode)
        self.set_sampling(recipe.sampling)
        self.feather.setValue(recipe.feather)
        self.set_matte(recipe.matte)
        self.seed.lock.setChecked(True)

    def _lay_out(self) -> None:
        self._form, self._folded_form = _form(), _form()
        for field in self.fields.values():
            form = self._form if field.parameter.section == MAIN else self._folded_form
            if field.parameter.kind == "text":
                label = QLabel(field.parameter.label)
                label.setToolTip(field.parameter.help)
                label.setBuddy(field)
                form.addRow(label)
                form.addRow(field)
            else:
                form.addRow(_label(field), field)
        self._folded_form.addRow(_plain_label("Edge blend", self.feather), self.feather)
        self._folded_form.addRow(_plain_label("Matte", self.matte), self.matte)
        folded = QWidget()
        folded.setLayout(self._folded_form)
        fold = _fold_button(folded)
        settings = QWidget()
        column = QVBoxLayout(settings)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(8)
        column.addLayout(self._segments())
        column.addWidget(self._extend_row())
        column.addLayout(self._form)
        column.addWidget(fold)
        column.addWidget(folded)
        column.addStretch()
        scroll = named(QScrollArea(widgetResizable=True), "settings")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(settings)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(scroll, 1)
        whole.addWidget(self.run_bar)

    def _segments(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(0)
        for place, mode in enumerate(MODES.values()):
            button = QToolButton()
            button.setText(mode.label)
            button.setCheckable(True)
            button.setToolTip(mode.help)
            button.setProperty("mode", mode.name)
            button.setProperty("segment", True)
            edge = {0: "first_segment", len(MODES) - 1: "last_segment"}.get(place, "segment")
            button.setObjectName(edge)
            button.setSizePolicy(button.sizePolicy().Policy.Expanding, button.sizePolicy().Policy.Fixed)
            self._modes.addButton(button)
            row.addWidget(button)
        return row

    def _extend_row(self) -> QWidget:
        """Outpainting by one click: the frame placed past an edge."""
        self._extend = named(QWidget(), "extend")
        row = QHBoxLayout(self._extend)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(QLabel("Frame past the edge"))
        row.addStretch()
        for side, icon in EDGES.items():
            button = named(QToolButton(), f"extend_{side}", f"Place the frame past the {side} edge")
            button.setProperty("flat", True)
            button.setIcon(icons.icon(icon))
            button.clicked.connect(lambda _=False, side=side: self.extend_asked.emit(side))
            row.addWidget(button)
        return self._extend

    def _connect(self) -> None:
        self._modes.buttonToggled.connect(self._on_mode)
        self.feather.valueChanged.connect(self.feather_changed)
        self.matte.chosen.connect(self.set_matte)
        self.fields["sampler"].value_changed.connect(self._show_what_applies)
        self.fields["guidance"].value_changed.connect(self._show_what_applies)
        self._show_what_applies()

    def _on_mode(self, button: QToolButton, checked: bool) -> None:
        if not checked:
            return
        mode = MODES[str(button.property("mode"))]
        self.fields["strength"].set_value(mode.strength)
        self._extend.setVisible(mode.name == "outpaint")
        self.mode_changed.emit(mode.name)

    def _show_what_applies(self) -> None:
        sampler, guidance = self.fields["sampler"], self.fields["guidance"]
        assert isinstance(sampler, ChoiceField)
        _enable(self.fields["eta"], sampler.value() == "ddim", "Only the DDIM sampler has an eta.")
        _enable(self.fields["negative"], float(str(guidance.value())) > 1, "Needs guidance above 1.")


def _place(item: tuple[str, Any]) -> int:
    return ORDER.index(item[0]) if item[0] in ORDER else len(ORDER)


def _enable(field: Field, enabled: bool, otherwise: str) -> None:
    field.setEnabled(enabled)
    field.setToolTip(field.parameter.help if enabled else f"{field.parameter.help} {otherwise}")


def _form() -> QFormLayout:
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setHorizontalSpacing(8)
    form.setVerticalSpacing(6)
    form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form


def _label(field: Field) -> QLabel:
    label = _plain_label(field.parameter.label, field)
    label.setToolTip(field.parameter.help)
    return label


def _plain_label(text: str, buddy: QWidget) -> QLabel:
    label = QLabel(text)
    label.setBuddy(buddy)
    label.setMinimumSize(LABEL_WIDTH, buddy.sizeHint().height())  # so that both stand on one line
    return label


def _fold_button(folded: QWidget) -> QToolButton:
    """A line that shows or hides what is seldom needed."""
    button = named(QToolButton(), "more_settings")
    button.setText("More settings")
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setProperty("flat", True)

    def show(unfolded: bool) -> None:
        folded.setVisible(unfolded)
        button.setIcon(icons.icon("chevron_down" if unfolded else "chevron_right"))

    button.clicked.connect(lambda: show(folded.isHidden()))
    show(False)
    return button
