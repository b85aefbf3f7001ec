"""The life of a job: one ending each, and a window that is never kept waiting."""

import threading

import numpy as np

from paintdiff.generation.errors import UserError
from paintdiff.jobs.engine_thread import FAULT
from paintdiff.jobs.jobs import Jobs
from tests.jobs.gated_engine import request


def ends_of(jobs) -> list[tuple[str, int]]:
    return [seen for seen in jobs.seen if seen[0] in ("finished", "measured", "failed", "cancelled")]


def test_a_job_runs_on_another_thread_and_finishes_once(endings, engine, qtbot) -> None:
    with qtbot.waitSignal(endings.finished) as finished:
        job = endings.submit(request())
    assert finished.args[0] == job
    assert finished.args[1].report.kept_pixels == 12
    assert endings.seen == [("started", job), ("loaded", "first-light"), ("finished", job)]
    assert threading.get_ident() not in engine.threads
    assert endings.running is None


def test_jobs_run_in_the_order_they_were_submitted(endings, engine, qtbot) -> None:
    engine.stepping.clear()
    numbers = [endings.submit(request()) for _ in range(3)]
    qtbot.waitUntil(lambda: endings.running == numbers[0])
    assert endings.waiting == 2
    engine.stepping.set()
    qtbot.waitUntil(lambda: len(ends_of(endings)) == 3)
    assert ends_of(endings) == [("finished", number) for number in numbers]


def test_progress_arrives_while_the_job_runs_and_the_newest_wins(endings, engine, qtbot) -> None:
    shown = []
    endings.progressed.connect(lambda job, progress: shown.append(progress))
    engine.stepping.clear()
    endings.submit(request(steps=500))
    qtbot.waitUntil(lambda: any(progress.stage == "sampling" for progress in shown))
    with qtbot.waitSignal(endings.finished):
        engine.stepping.set()
    assert shown[-1].preview is not None
    assert len(shown) < 400, "500 steps within milliseconds must not become 500 repaints"


def test_cancelling_mid_step_ends_the_job_at_once_and_drops_its_result(endings, engine, qtbot) -> None:
    engine.stepping.clear()
    job = endings.submit(request())
    assert engine.reached_step.wait(5)
    qtbot.waitUntil(lambda: endings.running == job)
    endings.cancel(job)
    assert ends_of(endings) == [("cancelled", job)], "before the engine has moved at all"
    assert endings.running is None
    engine.stepping.set()
    with qtbot.waitSignal(endings.finished):
        following = endings.submit(request())
    assert ends_of(endings) == [("cancelled", job), ("finished", following)]


def test_cancelling_while_the_model_loads_frees_the_window_at_once(endings, engine, qtbot) -> None:
    engine.loading.clear()
    job = endings.submit(request())
    assert engine.reached_loading.wait(5)
    endings.cancel(job)
    assert ends_of(endings) == [("cancelled", job)]
    engine.loading.set()
    qtbot.waitUntil(lambda: ("loaded", "first-light") in endings.seen)
    qtbot.wait(50)
    assert ends_of(endings) == [("cancelled", job)]
    assert not engine.reached_step.is_set(), "a cancelled job must not start to sample"


def test_a_waiting_job_can_be_cancelled_and_never_runs(endings, engine, qtbot) -> None:
    engine.stepping.clear()
    first, second = endings.submit(request()), endings.submit(request())
    qtbot.waitUntil(lambda: endings.running == first)
    endings.cancel(second)
    with qtbot.waitSignal(endings.finished):
        engine.stepping.set()
    qtbot.wait(50)
    assert ends_of(endings) == [("cancelled", second), ("finished", first)]
    assert ("started", second) not in endings.seen


def test_cancelling_a_job_that_has_ended_does_nothing(endings, qtbot) -> None:
    with qtbot.waitSignal(endings.finished):
        job = endings.submit(request())
    endings.cancel(job)
    endings.cancel(999)
    assert ends_of(endings) == [("finished", job)]


def test_a_measurement_goes_through_the_same_queue_and_ends_as_measured_once(endings, engine, qtbot) -> None:
    engine.stepping.clear()
    first = endings.submit(request())
    second = endings.measure(request(), tuple(np.full((8, 8, 4), value, np.uint8) for value in (9, 3)))
    qtbot.waitUntil(lambda: endings.running == first)
    assert endings.waiting == 1
    with qtbot.waitSignal(endings.measured) as measured:
        engine.stepping.set()
    assert ends_of(endings) == [("finished", first), ("measured", second)]
    number, (dark, darker) = measured.args
    assert number == second
    assert (dark.bits_per_dim, darker.bits_per_dim) == (9, 3)


def test_a_measurement_reports_its_progress_and_is_cancelled_mid_step_at_once(endings, engine, qtbot) -> None:
    engine.stepping.clear()
    with qtbot.waitSignal(endings.progressed):
        job = endings.measure(request(), ())
    assert engine.reached_step.wait(5)
    endings.cancel(job)
    assert ends_of(endings) == [("cancelled", job)]
    engine.stepping.set()
    with qtbot.waitSignal(endings.measured):
        following = endings.measure(request(), ())
    assert ends_of(endings) == [("cancelled", job), ("measured", following)]


def test_a_measurement_fails_in_words_like_any_job(endings, qtbot) -> None:
    with qtbot.waitSignal(endings.failed) as failed:
        endings.measure(request("bad"), ())
    assert failed.args[0].message == "That prompt is bad; use another."
    with qtbot.waitSignal(endings.failed) as failed:
        job = endings.measure(request("broken"), ())
    assert failed.args[0].message == FAULT
    assert ends_of(endings)[-1] == ("failed", job)


def test_a_users_error_is_told_in_its_own_words(endings, qtbot) -> None:
    with qtbot.waitSignal(endings.failed) as failed:
        endings.submit(request("bad"))
    assert failed.args[0].message == "That prompt is bad; use another."
    assert failed.args[0].details == ""


def test_a_fault_of_ours_is_logged_and_the_next_job_works(endings, qtbot, caplog) -> None:
    with qtbot.waitSignal(endings.failed) as failed:
        endings.submit(request("broken"))
    assert failed.args[0].message == FAULT
    assert "ZeroDivisionError: inside the network" in failed.args[0].details
    assert "ZeroDivisionError" in caplog.text
    with qtbot.waitSignal(endings.finished):
        endings.submit(request())


def test_an_engine_that_cannot_be_made_fails_the_job_and_is_tried_again(engine, qtbot) -> None:
    tries = []

    def make_engine():
        tries.append(threading.get_ident())
        if len(tries) == 1:
            raise ImportError("no torch here")
        return engine

    jobs = Jobs(make_engine)
    with qtbot.waitSignal(jobs.failed) as failed:
        jobs.submit(request())
    assert "no torch here" in failed.args[0].details
    with qtbot.waitSignal(jobs.finished):
        jobs.submit(request())
    assert jobs.stop(5000)


def test_warming_up_loads_the_model_and_starts_no_job(endings, qtbot) -> None:
    with qtbot.waitSignal(endings.model_loaded):
        endings.warm_up("first-light", "auto")
    assert endings.seen == [("loaded", "first-light")]


def test_a_failed_warm_up_keeps_quiet_and_the_next_job_works(engine, qtbot) -> None:
    tries = []

    def make_engine():
        tries.append(1)
        if len(tries) == 1:
            raise OSError("disk is asleep")
        return engine

    jobs = Jobs(make_engine)
    failures = []
    jobs.failed.connect(failures.append)
    jobs.warm_up("first-light", "auto")
    with qtbot.waitSignal(jobs.finished):
        jobs.submit(request())
    assert failures == []
    assert jobs.stop(5000)


def test_stopping_while_a_job_runs_cancels_it_and_ends_the_thread(engine, qtbot) -> None:
    jobs = Jobs(lambda: engine)
    ends = []
    jobs.cancelled.connect(ends.append)
    engine.stepping.clear()
    job = jobs.submit(request())
    assert engine.reached_step.wait(5)
    assert not jobs.stop(10), "the engine still sits inside a step"
    assert ends == [job]
    engine.stepping.set()
    assert jobs.stop(5000)


def test_jobs_that_never_ran_stop_without_a_thread(qtbot) -> None:
    assert Jobs(lambda: None).stop(1000)


def test_a_warm_up_that_fails_says_which_model_and_why(endings, engine, qtbot) -> None:
    engine.load = refusing(engine.load)
    with qtbot.waitSignal(endings.warm_up_failed) as failed:
        endings.warm_up("broken", "auto")
    assert failed.args == ["broken", "This is no model."]
    with qtbot.waitSignal(endings.model_loaded) as loaded:
        endings.warm_up("good", "auto")
    assert loaded.args[1] == "good"


def test_a_model_chosen_and_unchosen_while_a_job_runs_is_never_loaded(endings, engine, qtbot) -> None:
    engine.stepping.clear()
    job = endings.submit(request())
    qtbot.waitUntil(lambda: endings.running == job)
    endings.warm_up("large", "auto")
    endings.warm_up("small", "auto")
    engine.stepping.set()
    qtbot.waitUntil(lambda: ("loaded", "small") in endings.seen)
    assert ("loaded", "large") not in endings.seen


def refusing(load):
    def refuse(model, device, placing):
        if model == "broken":
            raise UserError("This is no model.")
        return load(model, device, placing)

    return refuse
