"""Rows of a label and a control, aligned alike wherever the panel has them."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QWidget

from paintdiff.ui.fields import Field, NumberField

PAIRED_WIDTH = 60  # of a box that shares its row: room for four digits


def form(left: int = 0) -> QFormLayout:
    """An empty form, indented by `left`."""
    layout = QFormLayout()
    layout.setContentsMargins(left, 0, 0, 0)
    layout.setHorizontalSpacing(8)
    layout.setVerticalSpacing(6)
    layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return layout


def add_field(layout: QFormLayout, field: Field, label_width: int) -> QLabel:
    """`field` under its label if it takes several lines of text, else beside it; the label."""
    label = label_for(field.parameter.label, field, label_width)
    label.setToolTip(field.parameter.help)
    if field.parameter.kind == "text" and field.lines > 1:
        label.setMinimumHeight(0)
        layout.addRow(label)
        layout.addRow(field)
    else:
        layout.addRow(label, field)
    return label


def add_pair(layout: QFormLayout, left: NumberField, right: NumberField, label_width: int) -> tuple[QLabel, QLabel]:
    """Two fields of a number each, one beside the other in one row; their labels."""
    first, second = (label_for(each.parameter.label, each, width) for each, width in ((left, label_width), (right, 0)))
    for label, each in ((first, left), (second, right)):
        label.setToolTip(each.parameter.help)
        each.box.setMinimumWidth(PAIRED_WIDTH)
    both = QWidget()
    line = QHBoxLayout(both)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(8)
    line.addWidget(left, 1)
    line.addWidget(second)
    line.addWidget(right, 1)
    layout.addRow(first, both)
    return first, second


def label_for(text: str, buddy: QWidget, width: int) -> QLabel:
    """A label at least `width` wide and as high as `buddy`, so that both stand on one line."""
    label = QLabel(text)
    label.setBuddy(buddy)
    label.setMinimumSize(width, buddy.sizeHint().height())
    return label
