"""The floors of the house: who may import whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "paintdiff"

# What each part of the package may import of the package itself; a part not named here is a mistake in this table.
MAY_IMPORT = {
    "image": set(),
    "resource_files": set(),
    "generation": {"image"},
    "models": {"generation", "image", "resource_files"},
    "document": {"generation", "image"},
    "paint": {"document", "generation", "image"},
    "editor": {"paint", "document", "generation", "image"},
    "jobs": {"models", "generation", "image"},
    "engine": {"models", "generation", "image", "resource_files"},
    "ui": {"jobs", "editor", "paint", "document", "models", "generation", "image", "resource_files"},
    "training": {"engine", "models", "document", "generation", "image", "resource_files"},
    "cli": {"engine", "models", "document", "generation", "image", "resource_files", "bench"},
    "bench": {
        "engine", "models", "ui", "jobs", "editor", "paint", "document", "generation", "image", "resource_files", "app",
    },
    "app": {"engine", "models", "ui", "jobs", "editor", "document", "generation", "image", "resource_files"},
    "__main__": {"app", "cli", "image"},
    "__init__": set(),
}
TORCH = {"torch", "diffusers", "transformers", "safetensors", "tokenizers"}
TORCH_ALLOWED = {"engine", "training", "bench"}
QT_FORBIDDEN = {
    "image", "models", "document", "paint", "generation", "engine", "training", "cli", "resource_files", "__main__",
}  # fmt: skip
QT_IN_A_FUNCTION = {"training/package_files.py"}  # opens a Qt resource file, when one is fetched
WIDGETS_FORBIDDEN = {"editor", "jobs"}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_names(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_file_imports_only_from_its_own_floor_and_below(path: Path) -> None:
    part = part_of(path)
    assert part in MAY_IMPORT, f"{part} has no floor yet; add it to the table"
    for name in imported_names(path):
        top, *rest = name.split(".")
        if top == "paintdiff" and rest and rest[0] in MAY_IMPORT:
            assert rest[0] == part or rest[0] in MAY_IMPORT[part], f"{part} must not import {name}"
        if top in TORCH:
            assert part in TORCH_ALLOWED, f"{part} must not import {name}"
        if top == "PySide6":
            lent = str(path.relative_to(PACKAGE)) in QT_IN_A_FUNCTION
            assert part not in QT_FORBIDDEN or lent, f"{part} must not import {name}"
            if part in WIDGETS_FORBIDDEN:
                assert not name.startswith(("PySide6.QtWidgets", "PySide6.QtGui")), f"{part} must not import {name}"


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_opening_the_window_imports_neither_torch_nor_diffusers_nor_transformers() -> None:
    code = """
import sys
from paintdiff.app import open_window, start_application
application = start_application([])
window = open_window(None)
while not window.canvas.isVisible():
    application.processEvents()
print(window.isVisible(), sorted({"torch", "diffusers", "transformers"} & set(sys.modules)))
"""
    assert run_python(code).strip().endswith("True []")


def test_opencv_does_not_lead_qt_or_child_processes_to_its_own_plugins() -> None:
    code = """
import os
import cv2
from paintdiff.__main__ import load_window
load_window()
print([name for name in os.environ if name.startswith("QT_QPA_PLATFORM_") or name == "QT_QPA_FONTDIR"])
"""
    assert run_python(code).strip() == "[]"


def test_the_command_line_imports_no_qt() -> None:
    code = """
import sys
sys.modules["PySide6"] = None
from paintdiff.__main__ import main
try:
    main(["inpaint", "--help"])
except SystemExit as stopped:
    assert stopped.code in (0, None)
import paintdiff.engine.engine
print("engine without Qt")
"""
    assert "engine without Qt" in run_python(code)
