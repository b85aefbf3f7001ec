"""The immutable document: layers, edits, compositing, history and files."""
