"""Training of the bundled model: data, scenes, trainer, sheets, evaluation, export."""
