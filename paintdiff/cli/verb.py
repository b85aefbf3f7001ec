"""What a verb of the command line is: a name, its options, and what it does with them."""

from __future__ import annotations

import argparse
from typing import Protocol


class Verb(Protocol):
    """One verb. A new one is a file with an object like this, entered in `dispatch.VERBS`."""

    @property
    def name(self) -> str: ...

    @property
    def help(self) -> str:
        """One line for the list of verbs."""
        ...

    @property
    def about(self) -> str:
        """What stands above the verb's own options."""
        ...

    def add_options(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, options: argparse.Namespace) -> None:
        """Do it. Raises `UserError` for bad input, before torch is loaded wherever that can be."""
        ...
