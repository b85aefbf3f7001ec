"""A repository on the hub, through huggingface_hub: its listing, the bytes of a file, and its place in the cache."""

from __future__ import annotations

import glob
import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, constants, get_session, hf_hub_url, snapshot_download
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

from paintdiff import __version__
from paintdiff.generation.errors import UserError
from paintdiff.models.base_model import lone_sentence
from paintdiff.models.companions import Companions
from paintdiff.models.describe import describe
from paintdiff.models.header import LONGEST
from paintdiff.models.hub_files import HubFile, choose
from paintdiff.models.hub_name import HubName
from paintdiff.models.pipelines import check_index
from paintdiff.models.screening import LARGEST
from paintdiff.models.walk import INDEX

MAIN = "main"


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

    def get(self, path: str, start: int = 0) -> AbstractContextManager[httpx2.Response]:
        """A stream of the file's bytes from `start`."""
        headers = build_hf_headers(token=self._token or False, library_name="paintdiff", library_version=__version__)
        headers |= {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        url = hf_hub_url(self.name.repo, path, revision=self.commit)
        return get_session().stream("GET", url, headers=headers, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT)

    def check_header(self, file: HubFile) -> None:
        """Raise `UserError` if the beginning of a .safetensors or .gguf file shows that it would be of no use here."""
        with tempfile.TemporaryDirectory() as folder, self.get(file.path) as response:
            check_answer(response)
            start = b""
            for block in response.iter_raw():
                start += block
                length = int.from_bytes(start[:8], "little")
                if len(start) >= min(8 + length, 8 + LONGEST, file.size):
                    break
            stand_in = Path(folder) / file.path.rsplit("/", 1)[-1]
            stand_in.write_bytes(start[: 8 + LONGEST])
            try:
                os.truncate(stand_in, file.size)  # as large as the file itself, and all but the beginning a hole
            except OSError:
                return  # where there are no holes, it will be seen when it is opened
            card = describe(stand_in)
            if card is None and Companions.is_text_encoder(stand_in):
                return
            if card and card.problem == lone_sentence(stand_in) and Companions().lends(stand_in, card.family):
                return
        if card is None or card.problem:
            why = card.problem.replace(str(stand_in), file.path) if card else f"{file.path} is no model and no add-on."
            raise UserError(why)

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


def check_answer(response: httpx2.Response) -> None:
    """Raise what the library raises for an answer that is an error."""
    if response.is_error:
        response.read()
        hf_raise_for_status(response)
