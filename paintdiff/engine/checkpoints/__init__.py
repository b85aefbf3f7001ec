"""Loading checkpoints of every kind, each kind in its file."""
