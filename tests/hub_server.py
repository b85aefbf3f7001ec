"""A hub on this machine: speaks the routes that huggingface_hub uses, and misbehaves on request."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".bin", ".ckpt")  # kept as LFS: named by SHA-256, served from another place
BLOCK = 16 * 1024


@dataclass
class Manners:
    """How the hub behaves; changed while it runs.

    `cut_after`: bytes of a large file after which the connection is cut, `cuts` times. `stall_at`: the place in a file
    from which on nothing comes any more. `bytes_per_second` of large files, 0 for all at once. `damaged`: large files
    arrive with a byte changed. `sizes` are claimed in the listing in place of the true ones. `status`: the answer to
    everything. `token`: needed for everything; `gated`: as on the hub, the listing can be seen and the files cannot,
    except with the token "hf_agreed". `silent`: never answers.
    """

    cut_after: int | None = None
    cuts: int = 0
    stall_at: int | None = None
    bytes_per_second: int = 0
    damaged: bool = False
    sizes: dict[str, int] = field(default_factory=dict)
    status: int = 0
    token: str = ""
    gated: bool = False
    silent: bool = False
    ignores_range: bool = False


@dataclass
class Seen:
    """A request that came in."""

    method: str
    path: str
    range: str
    authorization: str
    agent: str


class Hub(ThreadingHTTPServer):
    """`repositories` maps owner/name to the folder with its files; every one has the branch main."""

    daemon_threads = True

    def __init__(self, repositories: dict[str, Path]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories, self.manners = dict(repositories), Manners()
        self.seen: list[Seen] = []
        self.sent = 0  # bytes of large files
        self.closing = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def elsewhere(self) -> str:
        """The address of large files: another host by its name, as on the hub."""
        return f"http://localhost:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever hangs up on us is no news."""


@contextmanager
def running_hub(repositories: dict[str, Path]) -> Iterator[Hub]:
    """A hub that answers until the block ends."""
    hub = Hub(repositories)
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        hub.shutdown()
        hub.server_close()
        thread.join()


def sha256(file: Path) -> str:
    return _digests(file, file.stat().st_mtime_ns)[0]


def git_name(file: Path) -> str:
    return _digests(file, file.stat().st_mtime_ns)[1]


@cache
def _digests(file: Path, changed: int) -> tuple[str, str]:
    data = file.read_bytes()
    return hashlib.sha256(data).hexdigest(), hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, manners = self.server, self.server.manners
        path = unquote(urlsplit(self.path).path)
        authorization = self.headers.get("Authorization", "")
        agent = self.headers.get("User-Agent", "")
        hub.seen.append(Seen(self.command, path, self.headers.get("Range", ""), authorization, agent))
        if manners.silent:
            hub.closing.wait()
            self.close_connection = True
            return
        if manners.status:
            self._error(manners.status, "")
            return
        parts = path.strip("/").split("/")
        if parts[0] == "cdn":
            self._send_large(parts[1])
            return
        api = parts[:2] == ["api", "models"]
        repo = "/".join(parts[2:4] if api else parts[:2])
        if repo not in hub.repositories or (manners.token and authorization != f"Bearer {manners.token}"):
            self._error(401, "RepoNotFound")
        elif api:
            self._list(repo, parts[4:])
        elif len(parts) > 4 and parts[2] == "resolve":
            self._file(repo, parts[3], "/".join(parts[4:]), authorization)
        else:
            self._error(404, "")

    def _list(self, repo: str, rest: list[str]) -> None:
        commit = commit_of(self.server.repositories[repo])
        if rest and rest[1] not in ("main", commit):
            self._error(404, "RevisionNotFound")
            return
        files = [self._entry(repo, path) for path in paths(self.server.repositories[repo])]
        if rest and rest[0] == "tree":
            self._send_json([{"type": "file", **entry} for entry in files])
            return
        siblings = [
            {"rfilename": entry["path"], "size": entry["size"], "blobId": entry["oid"]}
            | ({"lfs": entry["lfs"] | {"sha256": entry["lfs"]["oid"]}} if "lfs" in entry else {})
            for entry in files
        ]  # fmt: skip
        card = {"license": "apache-2.0"}
        values = {"id": repo, "sha": commit, "siblings": siblings, "cardData": card, "tags": [], "private": False}
        self._send_json(values | {"gated": "manual" if self.server.manners.gated else False, "downloads": 0})

    def _entry(self, repo: str, path: str) -> dict:
        file = self.server.repositories[repo] / path
        size = self.server.manners.sizes.get(path, file.stat().st_size)
        entry = {"path": path, "size": size, "oid": git_name(file)}
        if path.endswith(LARGE):
            entry["lfs"] = {"oid": sha256(file), "size": size, "pointerSize": 134}
        return entry

    def _file(self, repo: str, revision: str, path: str, authorization: str) -> None:
        folder = self.server.repositories[repo]
        if self.server.manners.gated and authorization != "Bearer hf_agreed":
            self._error(401, "GatedRepo")
        elif revision not in ("main", commit_of(folder)):
            self._error(404, "RevisionNotFound")
        elif path not in paths(folder):
            self._error(404, "EntryNotFound")
        elif path.endswith(LARGE):
            digest = sha256(folder / path)
            self.send_response(302)
            self.send_header("Location", f"{self.server.elsewhere}/cdn/{digest}")
            self.send_header("X-Linked-ETag", f'"{digest}"')
            self.send_header("X-Linked-Size", str((folder / path).stat().st_size))
            self.send_header("X-Repo-Commit", commit_of(folder))
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send_response(200)
            self.send_header("ETag", f'"{git_name(folder / path)}"')
            self.send_header("X-Repo-Commit", commit_of(folder))
            self._end_with((folder / path).read_bytes())

    def _send_large(self, digest: str) -> None:
        manners = self.server.manners
        files = (folder / path for folder in self.server.repositories.values() for path in paths(folder))
        data = next(file for file in files if file.name.endswith(LARGE) and sha256(file) == digest).read_bytes()
        if manners.damaged:
            data = data[:-1] + bytes([data[-1] ^ 1])
        start = 0
        if self.headers.get("Range") and not manners.ignores_range:
            start = int(self.headers["Range"].removeprefix("bytes=").split("-")[0])
            if start >= len(data):
                self._error(416, "")
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if self.command == "GET":
            self._trickle(data[start:], start)

    def _trickle(self, data: bytes, start: int) -> None:
        manners, hub = self.server.manners, self.server
        usual = min(BLOCK, max(manners.bytes_per_second // 20, 1)) if manners.bytes_per_second else BLOCK
        at = 0
        while at < len(data):
            cut = manners.cut_after if manners.cuts else None
            stall = None if manners.stall_at is None else max(manners.stall_at - start, 0)
            if at in (cut, stall):
                if at == cut:
                    manners.cuts -= 1
                else:
                    hub.closing.wait()
                self.close_connection = True
                return
            stops = [stop for stop in (cut, stall) if stop is not None and stop > at]
            block = data[at : min([at + usual, *stops])]
            self.wfile.write(block)
            self.wfile.flush()
            hub.sent += len(block)
            at += len(block)
            if manners.bytes_per_second:
                time.sleep(len(block) / manners.bytes_per_second)

    def _send_json(self, values: object) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self._end_with(json.dumps(values).encode())

    def _error(self, status: int, code: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self._end_with(b"{}")

    def _end_with(self, data: bytes) -> None:
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)


def paths(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def commit_of(folder: Path) -> str:
    """A commit that is another one as soon as a file is."""
    listing = "\n".join(f"{path} {git_name(folder / path)}" for path in paths(folder))
    return hashlib.sha1(listing.encode()).hexdigest()
