"""Tools and strokes: pointer samples become pixels."""
