"""Paint with diffusion models: a desktop canvas, a Qt-free engine, and the plain data between them."""

__version__ = "0.1.0"
