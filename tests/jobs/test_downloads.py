import pytest

from paintdiff.jobs.downloads import Downloads
from tests.hub_server import paths
from tests.own_hub import hub

__all__ = ["hub"]


@pytest.fixture
def downloads(qtbot):
    downloads = Downloads()
    yield downloads
    assert downloads.stop(5000)


def test_a_model_is_asked_about_and_then_fetched_with_progress(hub, downloads, qtbot) -> None:
    with qtbot.waitSignal(downloads.offered, timeout=60_000) as offered:
        downloads.ask("owner/pipeline")
        assert downloads.names == ("owner/pipeline",)
    name, offer = offered.args
    assert (name, offer.licence) == ("owner/pipeline", "apache-2.0")
    assert downloads.names == ()
    seen = []
    downloads.progressed.connect(lambda name, progress: seen.append(progress))
    hub.manners.bytes_per_second = 60_000
    with qtbot.waitSignal(downloads.finished, timeout=60_000) as finished:
        downloads.start("owner/pipeline")
    assert finished.args[0] == "owner/pipeline"
    assert (finished.args[1] / "model_index.json").is_file()
    assert {progress.total for progress in seen if progress.stage == "fetching"} == {offer.size_bytes}
    assert max(progress.speed for progress in seen) > 0


def test_cancelling_ends_it_at_once_and_the_rest_is_fetched_later(hub, downloads, qtbot, tmp_path) -> None:
    hub.manners.bytes_per_second = 20_000
    endings = []
    downloads.finished.connect(lambda *_: endings.append("finished"))
    downloads.failed.connect(lambda *_: endings.append("failed"))
    downloads.cancelled.connect(lambda name: endings.append(f"cancelled {name}"))

    def under_way(_name, progress) -> bool:
        return progress.done > 5000

    with qtbot.waitSignal(downloads.progressed, timeout=60_000, check_params_cb=under_way):
        downloads.start("owner/pipeline")
    downloads.cancel("owner/pipeline")
    assert endings == ["cancelled owner/pipeline"]
    assert downloads.names == ()
    downloads.cancel("owner/pipeline")
    assert downloads.stop(5000)
    assert endings == ["cancelled owner/pipeline"]
    assert any(path.endswith(".incomplete") for path in paths(tmp_path / "cache"))
    hub.manners.bytes_per_second = 0
    with qtbot.waitSignal(downloads.finished, timeout=60_000):
        downloads.start("owner/pipeline")
    assert endings == ["cancelled owner/pipeline", "finished"]


def test_a_refusal_is_a_sentence(hub, downloads, qtbot) -> None:
    with qtbot.waitSignal(downloads.failed, timeout=60_000) as failed:
        downloads.start("owner/nothing")
    assert failed.args[0] == "owner/nothing"
    assert "shows no model" in failed.args[1]
