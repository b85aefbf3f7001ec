"""Rows of a label and a control, aligned alike wherever the panel has them."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QLabel, QWidget

from paintdiff.ui.fields import Field


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


def label_for(text: str, buddy: QWidget, width: int) -> QLabel:
    """A label at least `width` wide and as high as `buddy`, so that both stand on one line."""
    label = QLabel(text)
    label.setBuddy(buddy)
    label.setMinimumSize(width, buddy.sizeHint().height())
    return label
