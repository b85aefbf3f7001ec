"""What can be told of a checkpoint, found or fetched, before anything of it is loaded: no torch, no Qt."""
