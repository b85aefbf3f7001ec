"""The hub that the tests of this folder talk to."""

from tests.own_hub import hub

__all__ = ["hub"]
