"""The model browser: which models there are, which one paints, and how to get more."""
