"""Offline mode: what the user asked for, told apart from what keeps libraries off the network while they load."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

_OURS = "PAINTDIFF_KEEPS_LIBRARIES_OFFLINE"
_ASKED = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


def keep_libraries_offline() -> None:
    """Before diffusers, transformers or huggingface_hub is imported: none of them reaches for the network.

    They read this once, at their import; so what is fetched, when a user asks for it, a process of its own fetches.
    """
    if "HF_HUB_OFFLINE" not in os.environ:
        os.environ["HF_HUB_OFFLINE"] = os.environ[_OURS] = "1"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


def asked_offline() -> bool:
    """Whether the user wants no network: HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set, and not by us."""
    names = _ASKED[1:] if _OURS in os.environ else _ASKED
    return any(os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE") for name in names)


def go_online(environment: MutableMapping[str, str]) -> None:
    """Take offline mode out of the environment of a process that is to fetch something."""
    for name in (*_ASKED, _OURS):
        environment.pop(name, None)
