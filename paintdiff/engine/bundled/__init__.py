"""The bundled model: its format, network, text, pictures and judge."""
