import math
import re
from pathlib import Path

import pytest
import torch

PAGE = Path(__file__).parents[2] / "docs" / "engine.md"


def test_the_code_that_opens_the_engines_page_does_what_it_says_in_under_thirty_lines() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in code.splitlines() if line]) < 30
    names: dict = {}
    exec(code, names)
    sample, filled, noise = names["sample"], names["filled"], names["noise"]
    for drawn in (sample, filled[..., 50:]):
        assert float(drawn.mean()) == pytest.approx(0.3, abs=0.02)
        assert float(drawn.std()) == pytest.approx(0.5, abs=0.02)
    assert (filled[..., :50] == 0).all()
    torch.testing.assert_close(names["code"], noise(0), atol=0.02, rtol=0)
    exact = torch.distributions.Normal(0.3, math.sqrt(0.25)).log_prob(sample).sum()
    assert float(names["score"].log_p) == pytest.approx(float(exact), abs=5)
