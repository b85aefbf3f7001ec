"""One control for each kind of sampling parameter, built from its declaration alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QSizePolicy,
    QSlider,
    QStyle,
    QStyleOptionComboBox,
    QVBoxLayout,
    QWidget,
)

from paintdiff.generation.sampling import Parameter
from paintdiff.ui.prompt_edit import PromptEdit

SLIDER_STEPS = 1000
CHOICE_WIDTH = 100
WIDE_RANGE = 1000  # from a range of that many times on, a step is a tenth of what is there


class Field(QWidget):
    """A control for one parameter. Signal: `value_changed()`, whoever changed it."""

    value_changed = Signal()
    lines = 1  # of text, for a field that takes it

    def __init__(self, name: str, parameter: Parameter) -> None:
        super().__init__()
        self.name, self.parameter = name, parameter
        self.setToolTip(parameter.help)

    def value(self) -> object:
        """The value as `Sampling` stores it."""
        raise NotImplementedError

    def set_value(self, value: object) -> None:
        raise NotImplementedError

    def described(self) -> str:
        """The value in a few words, for a line that sums up several."""
        raise NotImplementedError

    def _take_in(self, control: QWidget) -> None:
        """Name the control that the user reaches, for screen readers and tests."""
        control.setObjectName(self.name)
        control.setAccessibleName(self.parameter.label)
        control.setAccessibleDescription(self.parameter.help)
        self.setFocusProxy(control)


class PassWheel(QObject):
    """Lets the wheel scroll the panel over a control that is not in use."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        passed = event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus()
        if passed:
            event.ignore()  # then it goes on to the parent
        return passed


class NumberBox(QDoubleSpinBox):
    """Shows no zeros behind the last digit that counts: 0.01, and not 0.010000."""

    def textFromValue(self, value: float) -> str:
        text = super().textFromValue(value)
        point = self.locale().decimalPoint()
        return text.rstrip("0").removesuffix(point) if point in text else text


def _decimals(parameter: Parameter) -> int:
    """How many digits behind the point it takes to show the steps and the smallest value."""
    finest = min(parameter.step, parameter.minimum or parameter.step)
    return max(1, -math.floor(math.log10(finest)))


class NumberField(Field):
    """A whole or real number; a share of 1 is shown as percent, with a slider."""

    def __init__(self, name: str, parameter: Parameter) -> None:
        super().__init__(name, parameter)
        self._scale = 100 if parameter.unit == "%" and parameter.maximum <= 1 else 1
        self.box = NumberBox()
        self.box.installEventFilter(PassWheel(self.box))
        self.box.setDecimals(0 if parameter.kind == "int" or self._scale == 100 else _decimals(parameter))
        self.box.setRange(parameter.minimum * self._scale, parameter.maximum * self._scale)
        if parameter.kind == "int" and parameter.minimum == -1:
            self.box.setSpecialValueText("None")
        self.box.setSingleStep(parameter.step * self._scale)
        if parameter.kind == "float" and 0 < parameter.minimum * WIDE_RANGE <= parameter.maximum:
            self.box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        if parameter.unit and parameter.unit != parameter.label.lower():
            self.box.setSuffix(f" {parameter.unit}")
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(4)
        if self._scale == 100:
            self._add_slider()
            self.box.setFixedWidth(self.box.sizeHint().width())
        self.row.addWidget(self.box, 0 if self._scale == 100 else 1)
        self.box.valueChanged.connect(self.value_changed)
        self._take_in(self.box)

    def value(self) -> int | float:
        number = self.box.value() / self._scale
        return round(number) if self.parameter.kind == "int" else round(number, 6)

    def set_value(self, value: object) -> None:
        self.box.setValue(float(value) * self._scale)  # type: ignore[arg-type]

    def described(self) -> str:
        return f"{self.parameter.label} {self.box.text()}"

    def _add_slider(self) -> None:
        low, high = self.box.minimum(), self.box.maximum()
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.installEventFilter(PassWheel(slider))
        slider.setRange(0, SLIDER_STEPS)
        slider.setAccessibleName(self.parameter.label)
        slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)

        def follow() -> None:
            with QSignalBlocker(slider):
                slider.setValue(round((self.box.value() - low) / (high - low) * SLIDER_STEPS))

        slider.valueChanged.connect(lambda at: self.box.setValue(low + (high - low) * at / SLIDER_STEPS))
        self.box.valueChanged.connect(follow)
        self.row.addWidget(slider, 1)


class ChoiceBox(QComboBox):
    """Cuts a choice that is longer than its room with an ellipsis."""

    def initStyleOption(self, option: QStyleOptionComboBox) -> None:
        super().initStyleOption(option)
        part = QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, self).width() - 4
        option.currentText = self.fontMetrics().elidedText(option.currentText, Qt.TextElideMode.ElideRight, room)


class ChoiceField(Field):
    """One of several named values."""

    def __init__(self, name: str, parameter: Parameter) -> None:
        super().__init__(name, parameter)
        self.box = ChoiceBox()
        self.box.installEventFilter(PassWheel(self.box))
        self.box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumWidth(CHOICE_WIDTH)  # a long choice is cut rather than the panel widened
        for value, label in parameter.choices.items():
            self.box.addItem(label, value)
            self.box.setItemData(self.box.count() - 1, label, Qt.ItemDataRole.ToolTipRole)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.box)
        self.box.currentIndexChanged.connect(self.value_changed)
        self._take_in(self.box)

    def value(self) -> str:
        return str(self.box.currentData())

    def set_value(self, value: object) -> None:
        self.box.setCurrentIndex(self.box.findData(value))

    def described(self) -> str:
        return self.box.currentText()

    def set_offered(self, value: str, offered: bool) -> None:
        """Let `value` be chosen or not; one that is chosen now gives way to the first."""
        place = self.box.findData(value)
        self.box.model().item(place).setEnabled(offered)  # type: ignore[attr-defined]
        if not offered and self.box.currentIndex() == place:
            self.box.setCurrentIndex(0)


class TextField(Field):
    """A few lines of text, as long as the user likes: it grows from `lines` to `most` and scrolls from there on."""

    def __init__(self, name: str, parameter: Parameter, lines: int, most: int) -> None:
        super().__init__(name, parameter)
        self.lines, self._most = lines, most
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)  # it takes no room that is left
        self.edit = PromptEdit()
        self.edit.setTabChangesFocus(True)
        self.edit.setPlaceholderText(parameter.help.split(";")[0].removesuffix("."))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.edit)
        self.edit.textChanged.connect(self.value_changed)
        self.edit.document().documentLayout().documentSizeChanged.connect(lambda _size: self._grow())
        self._take_in(self.edit)
        self._grow()

    def value(self) -> str:
        return self.edit.toPlainText()

    def set_value(self, value: object) -> None:
        if value != self.value():
            self.edit.setPlainText(str(value))

    def _grow(self) -> None:
        """As high as its text, which a plain text's layout measures in lines."""
        document = self.edit.document()
        shown = min(max(self.lines, round(document.size().height())), self._most)
        height = QFontMetrics(self.edit.font()).lineSpacing() * shown + 2 * round(document.documentMargin())
        self.edit.setFixedHeight(height + 8)

    def set_placeholder(self, text: str) -> None:
        """What an empty field says of itself."""
        self.edit.setPlaceholderText(text)

    def set_names(self, names: Sequence[str]) -> None:
        """What of a model's own names is offered while one types."""
        self.edit.set_names(names)

    def described(self) -> str:
        return f"{self.parameter.label} “{' '.join(self.value().split())}”"


def make_field(name: str, parameter: Parameter) -> Field:
    """The control for `parameter`. Raises ValueError for a kind that has none."""
    if parameter.kind == "text":
        return TextField(name, parameter, lines=2, most=6) if name == "prompt" else TextField(name, parameter, 1, 4)
    if parameter.kind == "choice":
        return ChoiceField(name, parameter)
    if parameter.kind in ("int", "float"):
        return NumberField(name, parameter)
    raise ValueError(f"no control for a parameter of kind {parameter.kind!r}")
