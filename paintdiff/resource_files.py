"""Where the files that ship with PaintDiff lie, in a checkout as in an installed wheel."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def resource(*parts: str) -> Path:
    """The path of a shipped file or folder, such as resource("models", "first-light"); it need not exist.

    A wheel carries them inside the package, a checkout in the top folder.
    """
    package = Path(str(files("paintdiff")))
    inside = package / "resources"
    return (inside if inside.is_dir() else package.parent / "resources").joinpath(*parts)
