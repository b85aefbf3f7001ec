import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "engine.md"


def test_the_code_of_the_engines_page_runs_and_samples_what_it_says() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict = {}
    exec(code, names)
    sample = names["sample"]
    assert (sample[..., :50] == 0).all()
    assert float(sample[..., 50:].mean()) == pytest.approx(0.3, abs=0.02)
    assert float(sample[..., 50:].std()) == pytest.approx(0.5, abs=0.02)
