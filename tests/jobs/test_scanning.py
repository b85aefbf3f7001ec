"""Looking for models in the background: rows arrive as they are found, and a newer look ends an older one."""

import threading
from pathlib import Path

import pytest

from paintdiff.generation.model_card import Family, ModelCard, Place
from paintdiff.jobs.question import Question
from paintdiff.jobs.scanning import Scanning


def card(name: str) -> ModelCard:
    return ModelCard(name, name, Family.SD1, Place.FOLDER)


@pytest.fixture
def scanning(qtbot):
    """Makes a `Scanning` with its cards written down."""
    made = []

    def make(scan) -> Scanning:
        each = Scanning(scan)
        each.names = []
        each.found.connect(lambda cards: each.names.extend(card.name for card in cards))
        made.append(each)
        return each

    yield make
    assert all(each.stop(5000) for each in made)


def test_every_card_arrives_from_another_thread(scanning, qtbot) -> None:
    threads = []

    def scan(folders):
        threads.append(threading.get_ident())
        yield from (card(f"{folders[0]}{i}") for i in range(500))

    looking = scanning(scan)
    with qtbot.waitSignal(looking.finished):
        looking.start([Path("a")])
        assert looking.busy
    assert len(looking.names) == 500
    assert threads != [threading.get_ident()]
    assert not looking.busy


def test_what_is_found_is_told_before_the_look_is_over(scanning, qtbot) -> None:
    go = threading.Event()

    def scan(folders):
        yield card("first")
        threading.Event().wait(0.06)
        yield card("second")
        assert go.wait(10)
        yield card("last")

    looking = scanning(scan)
    looking.start([])
    qtbot.waitUntil(lambda: looking.names == ["first", "second"])
    with qtbot.waitSignal(looking.finished):
        go.set()
    assert looking.names[-1] == "last"


def test_a_newer_look_ends_the_older_one_and_nothing_of_it_arrives(scanning, qtbot) -> None:
    go, reached = threading.Event(), threading.Event()

    def scan(folders):
        if folders[0].name == "old":
            reached.set()
            assert go.wait(10)
        yield card(folders[0].name)

    looking = scanning(scan)
    looking.start([Path("old")])
    assert reached.wait(5)
    with qtbot.waitSignal(looking.finished):
        looking.start([Path("new")])
    go.set()
    qtbot.wait(50)
    assert looking.names == ["new"]


def test_a_look_that_fails_keeps_what_it_had_found(scanning, qtbot) -> None:
    def scan(folders):
        yield card("good")
        raise OSError("the disk is gone")

    looking = scanning(scan)
    with qtbot.waitSignal(looking.finished):
        looking.start([])
    assert looking.names == ["good"]


def test_a_question_is_answered_from_another_thread(qtbot) -> None:
    question = Question(threading.get_ident)
    with qtbot.waitSignal(question.answered) as answered:
        question.start()
    assert answered.args[0] != threading.get_ident()
    question.wait()
