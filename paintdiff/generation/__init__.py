"""Plain data shared by the window and the engine: requests, recipes, results, sampling parameters."""
