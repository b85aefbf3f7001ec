"""The canvas: a widget that shows the document and turns the pointer into edits."""
