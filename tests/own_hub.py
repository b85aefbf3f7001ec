"""A hub on this machine as a fixture, and a cache of its own for each test that asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub_server import Hub, running_hub
from tests.models.repositories import pipeline_repository
from tests.safetensors_files import SD1, write_header


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Holds owner/pipeline and owner/single; the machine is online, with an empty cache and no token."""
    write_header(tmp_path / "hub" / "single" / "weights" / "one.safetensors", SD1)
    repositories = {
        "owner/pipeline": pipeline_repository(tmp_path / "hub" / "pipeline"),
        "owner/single": tmp_path / "hub" / "single",
    }
    with running_hub(repositories) as hub:
        go_to(monkeypatch, hub, tmp_path / "cache")
        yield hub


def go_to(monkeypatch: pytest.MonkeyPatch, hub: Hub, cache: Path) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "1")
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "2")
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
