"""Devices, memory, precision, and stopping in the middle of a step."""
