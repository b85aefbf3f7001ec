"""Starts PaintDiff from a checkout: `python main.py [picture]` opens the window, a verb runs without one."""

import sys

from paintdiff.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
