"""What both sets of hostile checkpoints are opened beside: a good model, and an alarm."""

import signal
from collections.abc import Iterator

import pytest

from tests.tiny_model import tiny_model

LONGEST = 60  # seconds until a trap that holds us counts as a failure


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("good") / "tiny"))


@pytest.fixture
def no_waiting() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError("it was held up")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
