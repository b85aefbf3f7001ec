"""The one engine thread and its queue."""
