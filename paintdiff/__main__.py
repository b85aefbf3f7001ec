"""Where PaintDiff starts: a verb goes to the command line, anything else opens the window; neither loads the other."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence

COMMAND_LINE = (
    "inpaint", "outpaint", "sdedit", "edit", "colorize", "upscale", "encode", "decode", "likelihood", "models",
    "bench", "-h", "--help", "--version",
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run with `argv` (None: the process's own arguments) and return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in COMMAND_LINE:
        from paintdiff.cli import main as command_line

        return command_line(arguments)
    try:
        window = load_window()
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "PySide6":
            raise
        print("paintdiff: The window needs PySide6-Essentials; see --help for what works without it.", file=sys.stderr)
        return 2
    return window(arguments)


def load_window() -> Callable[[Sequence[str]], int]:
    """The window's `main`, imported in the way that shows the window soonest."""
    gc.disable()  # a start makes a great many objects and drops few; the window enables it again
    import paintdiff.image  # noqa: F401  # before PySide6, which reads the source of each module imported after it
    from paintdiff.app import main as window

    return window


if __name__ == "__main__":
    sys.exit(main())
