"""A widget's name for tests and style sheets, and its words for people and screen readers, in one call."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtWidgets import QWidget

Named = TypeVar("Named", bound=QWidget)


def named(widget: Named, name: str, tip: str = "") -> Named:
    """`widget` with an object name and, if given, a tooltip that also names it to a screen reader."""
    widget.setObjectName(name)
    if tip:
        widget.setToolTip(tip)
        widget.setAccessibleName(tip)
    return widget
