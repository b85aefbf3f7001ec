"""The window: draws the state and sends intents."""
