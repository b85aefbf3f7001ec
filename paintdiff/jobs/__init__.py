"""The one engine thread: a queue of requests, progress, cancelling, and plain words for what went wrong."""
