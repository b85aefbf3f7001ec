"""The process that talks to the hub: takes one order on stdin, says on stdout how it goes, line by line as JSON.

huggingface_hub asks for the listing, knows the cache's layout and makes the snapshot. The bytes of each file are
fetched here, since the library throws away what has arrived of a file when it is stopped, and checks only its size.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, constants, get_session, hf_hub_url, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import WeakFileLock, build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

from paintdiff import __version__
from paintdiff.generation.errors import UserError
from paintdiff.models.hub_files import HubFile, SeveralCheckpoints, choose
from paintdiff.models.hub_name import HubName, parse_hub_name
from paintdiff.models.pipelines import check_index
from paintdiff.models.places import free_bytes
from paintdiff.models.screening import LARGEST
from paintdiff.models.walk import INDEX

TRIES = 4  # of one file without a byte arriving
WAIT_SECONDS = 1.0  # before the next
SAY_SECONDS = 0.1
MARGIN = 200 * 2**20  # bytes of the disk that are left free
BLOCK = 2**20
BUSY = (408, 425, 429, 500, 502, 503, 504)
MAIN = "main"
TOKEN_PLACES = "set HF_TOKEN, or give it once with paintdiff models token or in the window's model browser"


class Telling:
    """Says how it goes; `done` counts the bytes that are on the disk."""

    def __init__(self, total: int = 0) -> None:
        self.total, self.done = total, 0
        self._next = 0.0

    def stage(self, stage: str, file: str = "", always: bool = True) -> None:
        if always or time.monotonic() >= self._next:
            self._next = time.monotonic() + SAY_SECONDS
            say(stage=stage, file=file, done=self.done, total=self.total)


class Repository:
    """One repository at one commit, as the hub lists it. Raises what the library raises, and `UserError`."""

    def __init__(self, name: HubName, token: str) -> None:
        self.name, self._token = name, token
        self._api = HfApi(token=token or False, library_name="paintdiff", library_version=__version__)
        info = self._api.model_info(
            name.repo, revision=name.revision or None, files_metadata=True, timeout=constants.HF_HUB_ETAG_TIMEOUT
        )
        self.commit = str(info.sha)
        self.gated = bool(info.gated)
        card: dict[str, Any] = info.card_data.to_dict() if info.card_data else {}
        named = card.get("license_name") if card.get("license") == "other" else None
        self.licence = str(named or card.get("license") or "")
        self.files = [
            HubFile(each.rfilename, each.size or 0, (each.lfs.sha256 if each.lfs else each.blob_id) or "")
            for each in info.siblings or ()
        ]

    def chosen(self) -> list[HubFile]:
        """The files to fetch, after its model_index.json was held against what opens."""
        index = None
        if not self.name.file and any(file.path == INDEX for file in self.files):
            index = self._index()
            check_index(index, self.name.repo)
        return choose(self.name, self.files, index)

    def get(self, path: str, start: int = 0) -> Any:
        """A stream of the file's bytes from `start`, to be used with `with`."""
        headers = build_hf_headers(token=self._token or False, library_name="paintdiff", library_version=__version__)
        headers |= {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        url = hf_hub_url(self.name.repo, path, revision=self.commit)
        return get_session().stream("GET", url, headers=headers, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT)

    def lay(self, files: Sequence[HubFile]) -> Path:
        """Let the library make the snapshot out of the blobs that are there, and return its folder."""
        patterns = [glob.escape(file.path) for file in files]
        folder = snapshot_download(
            self.name.repo, revision=self.commit, allow_patterns=patterns, token=self._token or False,
            library_name="paintdiff", library_version=__version__, max_workers=2,
        )  # fmt: skip
        # Last of all: a name stands for a commit from now on that is there as a whole.
        revision = self.name.revision or MAIN
        if revision != self.commit:
            ref = Path(folder).parents[1] / "refs" / revision
            ref.parent.mkdir(parents=True, exist_ok=True)
            ref.write_text(self.commit, encoding="ascii")
        return Path(folder)

    def _index(self) -> dict[str, Any]:
        with self.get(INDEX) as response:
            check_answer(response)
            text = b""
            for block in response.iter_bytes():
                text += block
                if len(text) > LARGEST:
                    break
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise UserError(f"{self.name.repo} is not a valid model: its {INDEX} is not a JSON object.")
        return values


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
            "missing_bytes": sum(file.size - _there(blobs / file.digest) for file in files),
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
    telling.done = sum(_there(blobs / file.digest) for file in files)
    missing, free = telling.total - telling.done, free_bytes(cache)
    if missing + MARGIN > free:
        raise UserError(
            f"{name} takes {missing / 1e9:.1f} GB more, and the disk with {cache} has {free / 1e9:.1f} GB left: free "
            "some, or set HF_HOME to a folder on another disk."
        )
    blobs.mkdir(parents=True, exist_ok=True)
    lock = cache / ".locks" / blobs.parent.name / "paintdiff.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with WeakFileLock(lock, timeout=0.2):
            # Small ones first: what is wrong shows before the long wait.
            for file in sorted(files, key=lambda file: file.size):
                if not (blobs / file.digest).exists():
                    _fetch_file(repository, file, blobs / file.digest, telling)
            telling.stage("finishing")
            folder = repository.lay(files)
    except TimeoutError as error:
        raise UserError(f"{name.repo} is being downloaded already, by another PaintDiff.") from error
    say(path=str(folder / name.file if name.file else _single(folder, files)))


def _fetch_file(repository: Repository, file: HubFile, blob: Path, telling: Telling) -> None:
    """Bring `blob` into being, whole and checked, going on with what there is of it."""
    part = blob.with_name(f"{blob.name}.incomplete")
    before, tries = telling.done - _there(blob), 0
    while not part.exists() or _there(blob) < file.size:
        have = _there(blob)
        telling.done = before + have
        telling.stage("fetching", file.path)
        trouble: Exception | None = None
        try:
            _append(repository, file, part, have, telling)
        except (httpx2.TransportError, HfHubHTTPError) as error:
            if isinstance(error, HfHubHTTPError) and error.response.status_code not in BUSY:
                raise
            trouble = error
        if not part.exists() or _there(blob) < file.size:
            tries = 0 if _there(blob) > have else tries + 1
            if tries >= TRIES:
                raise UserError(
                    f"The hub stopped answering while {file.path} was fetched: what has arrived is kept, and the next "
                    "try goes on from there."
                ) from trouble
            time.sleep(WAIT_SECONDS)
    telling.stage("checking", file.path)
    if part.stat().st_size != file.size or _digest(part, file) != file.digest:
        part.unlink()
        raise UserError(
            f"{file.path} of {repository.name.repo} arrived damaged: its checksum or size is not the one that the hub "
            "names. It was deleted; try again."
        )
    os.replace(part, blob)
    telling.done = before + file.size


def _append(repository: Repository, file: HubFile, part: Path, have: int, telling: Telling) -> None:
    """Write the rest of the file behind the `have` bytes that are there, or the whole if the hub sends it all."""
    with repository.get(file.path, have) as response:
        if response.status_code == 416:  # there is nothing after these bytes, so they are not what they should be
            part.unlink()
            return
        check_answer(response)
        if have and response.status_code != 206:
            telling.done, have = telling.done - have, 0
        with part.open("ab" if have else "wb") as out:
            for block in response.iter_raw():
                out.write(block)
                have += len(block)
                telling.done += len(block)
                telling.stage("fetching", file.path, always=False)
                if have > file.size:
                    return


def check_answer(response: httpx2.Response) -> None:
    """Raise what the library raises for an answer that is an error."""
    if response.is_error:
        response.read()
        hf_raise_for_status(response)


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


def say(**event: object) -> None:
    print(json.dumps(event), flush=True)


def _single(folder: Path, files: Sequence[HubFile]) -> Path:
    """The file if only one with weights was fetched and no config, else the folder."""
    weights = [file.path for file in files if file.path.endswith(".safetensors")]
    return folder / weights[0] if not any(file.path.endswith(".json") for file in files) else folder


def _blobs(name: HubName) -> Path:
    return Path(constants.HF_HUB_CACHE) / f"models--{name.repo.replace('/', '--')}" / "blobs"


def _there(blob: Path) -> int:
    """How many bytes of it are on the disk, whole or in part."""
    for file in (blob, blob.with_name(f"{blob.name}.incomplete")):
        try:
            return file.stat().st_size
        except OSError:
            continue
    return 0


def _digest(path: Path, file: HubFile) -> str:
    """As the hub names it: SHA-256 of large files, git's own for small ones."""
    made = hashlib.sha256() if len(file.digest) == 64 else hashlib.sha1(usedforsecurity=False)
    if len(file.digest) == 40:
        made.update(f"blob {file.size}\0".encode())
    with path.open("rb") as data:
        while block := data.read(BLOCK):
            made.update(block)
    return made.hexdigest()


def _without(token: str, text: str) -> str:
    return text.replace(token, "…") if token else text


def _end_with_stdin() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
