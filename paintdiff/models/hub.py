"""Fetching a model from the hub when the user asks for it: what it would take, and the download itself.

The work is done by a process of its own (`hub_process`), for three reasons. The libraries of this one are kept offline
and read that once, at their import; a process can be ended at any moment, in the middle of a file too, and what it has
written so far is gone on with the next time; and the token is handed to none of this process's libraries.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.errors import UserError
from paintdiff.models.hub_name import HubName, parse_hub_name
from paintdiff.models.offline import asked_offline, go_online
from paintdiff.models.places import hub_cache

LOOK_SECONDS = 0.1  # between looks at the cancel token
SPEED_SECONDS = 5.0  # over which the speed is measured
TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
ENVIRONMENT = {
    "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1", "HF_HUB_DISABLE_XET": "1", "HF_HUB_VERBOSITY": "error", "HF_DEBUG": "0",
}  # fmt: skip


@dataclass(frozen=True)
class Offer:
    """What fetching a model would take.

    `files` are (path in the repository, bytes). `size_bytes` is their sum and `missing_bytes` what of it is not in the
    cache yet. `choices`, if there are any, are the checkpoints of one file among which the user has to choose first:
    ask again with `HubName.file`. `gated`: its makers want their terms agreed to, and a token.
    """

    name: str
    commit: str = ""
    licence: str = ""
    gated: bool = False
    files: tuple[tuple[str, int], ...] = ()
    size_bytes: int = 0
    missing_bytes: int = 0
    choices: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Fetching:
    """Where a download stands. `stage` is "asking", "fetching", "checking" or "finishing"; `file` is under way.

    `done` of `total` bytes are on the disk, those of an earlier try included; `speed` is in bytes per second.
    """

    stage: str
    done: int = 0
    total: int = 0
    speed: float = 0.0
    file: str = ""

    @property
    def seconds_left(self) -> float | None:
        """None while that cannot be told."""
        return (self.total - self.done) / self.speed if self.speed > 0 and self.total else None


def look_up(name: str | HubName, token: str, cancel: CancelToken | None = None) -> Offer:
    """Ask the hub what `download` would fetch; only listings and model_index.json are read.

    Raises `UserError` for a model that is not there, not allowed or does not open here, and for a hub that cannot be
    reached; `Cancelled`.
    """
    with closing(_work("look", name, token, cancel or CancelToken())) as events:
        for event in events:
            if "offer" in event:
                return _offer(event["offer"])
    raise RuntimeError("the process that asks the hub ended without an answer")


def download(
    name: str | HubName, token: str, report: Callable[[Fetching], None], cancel: CancelToken | None = None
) -> Path:
    """Fetch a model into the hub's cache and return its folder, or the file if the name is that of one.

    `name` is owner/name[/file.safetensors][@revision][:variant]. `token` is the user's (`preferences.hub_token`) or "".
    What an earlier try has left is gone on with; every file is checked against its digest. `report` is called some
    ten times a second, on this thread. Raises `UserError`, and within a second after `cancel` was set `Cancelled`;
    what has arrived then stays for the next try.
    """
    speed, last = _Speed(), Fetching("asking")
    with closing(_work("fetch", name, token, cancel or CancelToken())) as events:
        for event in events:
            if "path" in event:
                return Path(event["path"])
            if "stage" in event:
                last = Fetching(event["stage"], event["done"], event["total"], file=event["file"])
            # Without news too, so that the speed falls while nothing arrives.
            report(replace(last, speed=speed.at(last.done) if last.stage == "fetching" else 0.0))
    raise RuntimeError("the process that downloads ended without an answer")


class _Speed:
    """Bytes per second over the last few seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def at(self, done: int) -> float:
        now = time.monotonic()
        self._seen.append((now, done))
        while now - self._seen[0][0] > SPEED_SECONDS:
            self._seen.popleft()
        start, before = self._seen[0]
        return (done - before) / (now - start) if now > start else 0.0


def _work(action: str, name: str | HubName, token: str, cancel: CancelToken) -> Generator[dict[str, Any]]:
    """Let a process do `action` and give what it says, event by event, and {} now and then while it says nothing.

    Raises `UserError` and `Cancelled`.
    """
    name = parse_hub_name(name) if isinstance(name, str) else name
    if asked_offline():
        raise UserError(f"Offline mode is on (HF_HUB_OFFLINE), so {name} is not fetched: unset it to go online.")
    cancel.check()
    order = {"action": action, "name": str(name), "token": token}
    with _process() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
        while True:
            cancel.check()
            try:
                line = lines.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                yield {}
                continue
            if not line:
                return
            event = json.loads(line)
            if "sentence" in event:
                raise UserError(event["sentence"])
            if "fault" in event:
                raise RuntimeError(event["fault"])
            yield event


@contextmanager
def _process() -> Iterator[subprocess.Popen[str]]:
    """The process, which ends with this block, whatever it is doing."""
    environment = {key: value for key, value in os.environ.items() if key not in TOKENS}
    go_online(environment)
    package = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, (package, environment.get("PYTHONPATH", ""))))
    environment |= ENVIRONMENT | {"HF_HUB_CACHE": str(hub_cache()), "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "paintdiff.models.hub_process"], env=environment, text=True, encoding="utf-8",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        start_new_session=True,  # a Ctrl-C on the terminal is for the one that waits
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def _read(stream: IO[str], lines: queue.SimpleQueue[str]) -> None:
    with suppress(ValueError, OSError):  # closed meanwhile
        for line in stream:
            lines.put(line)
    lines.put("")


def _offer(values: dict[str, Any]) -> Offer:
    pairs = {key: tuple((path, size) for path, size in values[key]) for key in ("files", "choices")}
    return Offer(**{**values, **pairs})
