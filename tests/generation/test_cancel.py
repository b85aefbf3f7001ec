"""The cancel token stops a job at its next look, from any thread, and for good."""

import threading

import pytest

from paintdiff.generation.cancel import Cancelled, CancelToken


def test_a_fresh_token_lets_the_job_go_on() -> None:
    token = CancelToken()
    token.check()
    assert not token.cancelled


def test_a_token_set_on_another_thread_stops_the_job_for_good() -> None:
    token = CancelToken()
    thread = threading.Thread(target=token.cancel)
    thread.start()
    thread.join()
    assert token.cancelled
    for _ in range(2):
        with pytest.raises(Cancelled):
            token.check()
