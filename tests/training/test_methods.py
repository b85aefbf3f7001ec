import numpy as np

from paintdiff.engine.model import load_model
from paintdiff.training.methods import METHODS, compare, header, line
from tests.tiny_model import tiny_model


def test_every_method_has_a_row_that_says_what_it_cost(tmp_path) -> None:
    model = load_model(str(tiny_model(tmp_path / "tiny", size=64)), "cpu")
    rows = list(compare(model, pictures=1, samples=1, budgets=(8,)))
    assert [row.method for row in rows] == ["Telea", "Navier-Stokes", *METHODS]
    assert [row.evaluations for row in rows] == [0, 0, 8, 8, 5, 5, 5]
    assert min(row.against_classical for row in rows[:2]) >= 1
    assert all(np.isfinite([row.l1, row.ssim]).all() for row in rows)
    assert line(rows[0]).count("|") == header().splitlines()[0].count("|")
