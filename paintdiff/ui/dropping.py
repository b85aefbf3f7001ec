"""Files that are dragged onto the program from elsewhere."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QDropEvent


def paths_in(event: QDropEvent) -> list[Path]:
    """The files and folders of this machine that a drag carries, and take the drag if there are any."""
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    if paths:
        event.acceptProposedAction()
    return paths
