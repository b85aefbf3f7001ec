"""The bytes of one file from the hub onto the disk: gone on with where they were cut, and checked against its digest.

The library throws away what has arrived of a file when it is stopped, and checks only its size.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import httpx2
from huggingface_hub.errors import HfHubHTTPError

from paintdiff.generation.errors import UserError
from paintdiff.models.hub_files import HubFile
from paintdiff.models.hub_repository import Repository, check_answer

TRIES = 4  # of one file without a byte arriving
WAIT_SECONDS = 1.0  # before the next
SAY_SECONDS = 0.1
BLOCK = 2**20
BUSY = (408, 425, 429, 500, 502, 503, 504)


class Telling:
    """Says how it goes; `done` counts the bytes that are on the disk."""

    def __init__(self, total: int = 0) -> None:
        self.total, self.done = total, 0
        self._next = 0.0

    def stage(self, stage: str, file: str = "", always: bool = True) -> None:
        if always or time.monotonic() >= self._next:
            self._next = time.monotonic() + SAY_SECONDS
            say(stage=stage, file=file, done=self.done, total=self.total)


def fetch_file(repository: Repository, file: HubFile, blob: Path, telling: Telling) -> None:
    """Bring `blob` into being, whole and checked, going on with what there is of it."""
    part = blob.with_name(f"{blob.name}.incomplete")
    before, tries = telling.done - there(blob), 0
    while not part.exists() or there(blob) < file.size:
        have = there(blob)
        telling.done = before + have
        telling.stage("fetching", file.path)
        trouble: Exception | None = None
        try:
            _append(repository, file, part, have, telling)
        except (httpx2.TransportError, HfHubHTTPError) as error:
            if isinstance(error, HfHubHTTPError) and error.response.status_code not in BUSY:
                raise
            trouble = error
        if not part.exists() or there(blob) < file.size:
            tries = 0 if there(blob) > have else tries + 1
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


def there(blob: Path) -> int:
    """How many bytes of it are on the disk, whole or in part."""
    for file in (blob, blob.with_name(f"{blob.name}.incomplete")):
        try:
            return file.stat().st_size
        except OSError:
            continue
    return 0


def say(**event: object) -> None:
    print(json.dumps(event), flush=True)


def _digest(path: Path, file: HubFile) -> str:
    """As the hub names it: SHA-256 of large files, git's own for small ones."""
    made = hashlib.sha256() if len(file.digest) == 64 else hashlib.sha1(usedforsecurity=False)
    if len(file.digest) == 40:
        made.update(f"blob {file.size}\0".encode())
    with path.open("rb") as data:
        while block := data.read(BLOCK):
            made.update(block)
    return made.hexdigest()
