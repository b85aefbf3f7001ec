"""What the modes do: how a frame is shown to the model, and how the answer comes back to the canvas."""
