"""The command line: the window's own path from picture file to PNG, without the window and without Qt."""

from paintdiff.cli.dispatch import main

__all__ = ["main"]
