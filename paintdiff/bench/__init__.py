"""How fast PaintDiff is on this machine, each figure beside what it is compared with."""
