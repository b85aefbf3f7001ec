"""How a model on the hub is named: owner/name, and what of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from paintdiff.generation.errors import UserError

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_NAME = re.compile(
    rf"(?P<repo>{_PART}/{_PART})"
    r"(?:/(?P<file>[^@:\\]+\.(?:safetensors|gguf)))?"
    r"(?:@(?P<revision>[A-Za-z0-9][A-Za-z0-9._/-]*))?"
    r"(?::(?P<variant>fp16|full))?"
)
HALF, FULL = "fp16", "full"


@dataclass(frozen=True)
class HubName:
    """A model on the hub, written owner/name[/file.safetensors][@revision][:variant].

    `file` is a single file of the repository, "" for the pipeline that it is. `revision` is a branch, tag or commit.
    `variant` says in which precision the weights are fetched: "fp16" or "full", and "" takes fp16 where it is offered.
    """

    repo: str
    file: str = ""
    revision: str = ""
    variant: str = ""

    def __str__(self) -> str:
        file, revision = self.file and f"/{self.file}", self.revision and f"@{self.revision}"
        return self.repo + file + revision + (self.variant and f":{self.variant}")


def read_hub_name(text: str) -> HubName | None:
    """The name that `text` is, or None if it is none; whether a file of that name exists is not looked at."""
    match = _NAME.fullmatch(text)
    if match is None or ".." in text or "--" in match["repo"] or "//" in text:
        return None
    return HubName(match["repo"], *(match[part] or "" for part in ("file", "revision", "variant")))


def parse_hub_name(text: str) -> HubName:
    """Like `read_hub_name`; a page's address is understood too. Raises `UserError` for what is no name."""
    plain = re.sub(r"^(https?://)?(huggingface\.co|hf\.co)/", "", re.split("[?#]", text.strip())[0]).rstrip("/")
    plain = re.sub(rf"^({_PART}/{_PART})/(?:blob|resolve|tree)/([^/]+)(/.*)?$", r"\1\3@\2", plain)
    name = read_hub_name(plain)
    if name is None:
        raise UserError(
            f"{text!r} is no name of a model on the hub: one is owner/name, with @revision behind it if you like, "
            "or owner/name/file.safetensors; :full behind it fetches the weights in full precision."
        )
    return name
