"""What PaintDiff is, and whom it thanks: read from the files that ship with it."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QTabWidget,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from paintdiff import __version__
from paintdiff.generation.request import BUNDLED_MODEL
from paintdiff.resource_files import resource
from paintdiff.ui import icons

LIBRARIES = (
    "PySide6-Essentials", "torch", "diffusers", "transformers", "tokenizers", "safetensors", "numpy", "opencv-python",
    "pillow",
)
OWN_LICENCE = (
    "PaintDiff is free software under the **Apache License 2.0**: you may use, change and share it, also for money, as"
    " long as you keep the notices. It comes without any warranty.\n\n"
    "The program's icons and the sample picture are our own, under the same licence. What you make with PaintDiff is"
    " yours.\n\n## Libraries\n\n"
)


class AboutDialog(QDialog):
    """Version, licences, and the credits of the bundled model."""

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setObjectName("about")
        self.setWindowTitle("About PaintDiff")
        self.resize(640, 520)
        mark = QLabel()
        mark.setPixmap(icons.program_icon().pixmap(64, 64))
        title = QLabel(
            f"<b style='font-size: 16pt'>PaintDiff</b><br>Version {__version__}<br>"
            "Painting with diffusion models, on your own machine."
        )
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(mark)
        head.addWidget(title, 1)
        tabs = QTabWidget()
        tabs.addTab(_page(_model_card()), "Model and credits")
        tabs.addTab(_page(OWN_LICENCE + _libraries()), "Licences")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addLayout(head)
        column.addWidget(tabs, 1)
        column.addWidget(buttons)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)


def _page(markdown: str) -> QTextBrowser:
    page = QTextBrowser(openExternalLinks=True)
    page.setMarkdown(markdown)
    return page


def _model_card() -> str:
    card: Path = resource("models", BUNDLED_MODEL, "MODEL_CARD.md")
    return card.read_text(encoding="utf-8") if card.exists() else "The bundled model's card is missing."


def _libraries() -> str:
    lines = []
    for name in LIBRARIES:
        try:
            about = metadata.metadata(name).json
        except metadata.PackageNotFoundError:
            continue
        named = [each.split(" :: ")[-1] for each in about.get("classifier", []) if str(each).startswith("License")]
        licence = str(about.get("license_expression") or about.get("license") or ", ".join(named) or "see its files")
        lines.append(f"- **{name}** {about['version']}: {licence.strip().splitlines()[0][:80]}")
    return "\n".join(lines)
