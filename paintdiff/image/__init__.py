"""Geometry, tiles, pixels, masks and blending on NumPy arrays; imports nothing of ours."""
