"""`python main.py bench`: how fast PaintDiff is on this machine, each figure beside what it is compared with."""

from paintdiff.bench.table import main

__all__ = ["main"]
