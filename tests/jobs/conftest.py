"""Jobs on a gated engine, with every signal written down."""

import pytest

from paintdiff.jobs.jobs import Jobs
from tests.jobs.gated_engine import GatedEngine


@pytest.fixture
def engine():
    return GatedEngine()


@pytest.fixture
def endings(engine, qtbot):
    """Jobs on the gated engine with every signal written down, stopped after the test."""
    jobs = Jobs(lambda: engine)
    jobs.seen = []
    jobs.job_started.connect(lambda job: jobs.seen.append(("started", job)))
    jobs.model_loaded.connect(lambda info: jobs.seen.append(("loaded", info.name)))
    jobs.finished.connect(lambda job, result: jobs.seen.append(("finished", job)))
    jobs.measured.connect(lambda job, likelihoods: jobs.seen.append(("measured", job)))
    jobs.failed.connect(lambda failure: jobs.seen.append(("failed", failure.job)))
    jobs.cancelled.connect(lambda job: jobs.seen.append(("cancelled", job)))
    yield jobs
    engine.loading.set()
    engine.stepping.set()
    assert jobs.stop(5000)
