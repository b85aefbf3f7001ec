"""The process that talks to the hub: takes one order on stdin, says on stdout how it goes, line by line as JSON."""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

from paintdiff.generation.errors import UserError
from paintdiff.models.hub_files import HubFile, SeveralCheckpoints
from paintdiff.models.hub_name import HubName, parse_hub_name
from paintdiff.models.hub_repository import Repository
from paintdiff.models.hub_transfer import Telling, fetch_file, say, there
from paintdiff.models.places import free_bytes
from paintdiff.models.walk import WEIGHTS

MARGIN = 200 * 2**20  # bytes of the disk that are left free
TOKEN_PLACES = "set HF_TOKEN, or give it once with paintdiff models token or in the window's model browser"


def main() -> None:
    """Carry out the order on stdin; ends with the process that gave it, whose end closes stdin."""
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    name, token = parse_hub_name(order["name"]), str(order["token"])
    try:
        if order["action"] == "look":
            look(name, token)
        else:
            fetch(name, token)
    except Exception as error:
        sentence = explain(error, name)
        if sentence:
            say(sentence=_without(token, sentence))
        else:
            say(fault=_without(token, traceback.format_exc()))


def look(name: HubName, token: str) -> None:
    """Say what `fetch` would do."""
    repository = Repository(name, token)
    files: Sequence[HubFile] = ()
    choices: Sequence[HubFile] = ()
    try:
        files = repository.chosen()
    except SeveralCheckpoints as several:
        choices = several.choices
    blobs = _blobs(name)
    say(
        offer={
            "name": str(name), "commit": repository.commit, "licence": repository.licence, "gated": repository.gated,
            "files": [(file.path, file.size) for file in files],
            "size_bytes": sum(file.size for file in files),
            "missing_bytes": sum(file.size - there(blobs / file.digest) for file in files),
            "choices": [(file.path, file.size) for file in choices],
        }
    )  # fmt: skip


def fetch(name: HubName, token: str) -> None:
    """Fetch what `name` stands for and say where it lies."""
    telling = Telling()
    telling.stage("asking")
    repository = Repository(name, token)
    files = repository.chosen()
    blobs, cache = _blobs(name), Path(constants.HF_HUB_CACHE)
    telling.total = sum(file.size for file in files)
    telling.done = sum(there(blobs / file.digest) for file in files)
    missing, free = telling.total - telling.done, free_bytes(cache)
    if missing + MARGIN > free:
        raise UserError(
            f"{name} takes {missing / 1e9:.1f} GB more, and the disk with {cache} has {free / 1e9:.1f} GB left: free "
            "some, or set HF_HOME to a folder on another disk."
        )
    if missing and not any(file.path.endswith(".json") for file in files):
        repository.check_header(max(files, key=lambda file: file.size))
    blobs.mkdir(parents=True, exist_ok=True)
    lock = cache / ".locks" / blobs.parent.name / "paintdiff.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with WeakFileLock(lock, timeout=2.0):
            # Small ones first: what is wrong shows before the long wait.
            for file in sorted(files, key=lambda file: file.size):
                if not (blobs / file.digest).exists():
                    fetch_file(repository, file, blobs / file.digest, telling)
            telling.stage("finishing")
            folder = repository.lay(files)
    except TimeoutError as error:
        raise UserError(f"{name.repo} is being downloaded already, by another PaintDiff.") from error
    say(path=str(folder / name.file if name.file else _single(folder, files)))


def explain(error: Exception, name: HubName) -> str:
    """What went wrong in a sentence, "" for a fault of ours."""
    host = httpx2.URL(constants.ENDPOINT).host
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else 0
    page = f"{constants.ENDPOINT}/{name.repo}"
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, GatedRepoError):
        return (
            f"{name.repo} is gated: agree to its terms on {page}, then give PaintDiff a token of your account "
            f"({TOKEN_PLACES})."
        )
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"The hub shows no model {name.repo}: check how it is written; if it is private, give PaintDiff a token "
            f"that may read it ({TOKEN_PLACES})."
        )
    if isinstance(error, RevisionNotFoundError):
        return f"{name.repo} has no revision {name.revision}."
    if status in (401, 403):
        return f"The hub refuses {name.repo} ({status}): a token that may read it is needed ({TOKEN_PLACES})."
    if status == 404:
        return f"The hub has no such file of {name.repo} any more."
    if status:
        return f"The hub at {host} answers with an error ({status}): try again later."
    if isinstance(error, httpx2.TimeoutException):
        return f"The hub at {host} does not answer: check the connection, or try again later."
    if isinstance(error, (httpx2.TransportError, ConnectionError, LocalEntryNotFoundError)):
        return f"The hub at {host} cannot be reached: check the connection."
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full: free some room; what has arrived is kept, and the next try goes on from there."
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"The hub's cache {constants.HF_HUB_CACHE} may not be written to: set HF_HOME to another folder."
    if isinstance(error, (httpx2.HTTPError, json.JSONDecodeError)):
        return f"What answers at {host} is no hub that PaintDiff understands: see HF_ENDPOINT and the proxy."
    return ""


def _single(folder: Path, files: Sequence[HubFile]) -> Path:
    """The file if only one with weights was fetched and no config, else the folder."""
    weights = [file.path for file in files if file.path.endswith(WEIGHTS)]
    return folder / weights[0] if not any(file.path.endswith(".json") for file in files) else folder


def _blobs(name: HubName) -> Path:
    return Path(constants.HF_HUB_CACHE) / f"models--{name.repo.replace('/', '--')}" / "blobs"


def _without(token: str, text: str) -> str:
    return text.replace(token, "…") if token else text


def _end_with_stdin() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
