"""The lines on docs/checkpoints.md that turn a pickle into safetensors."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from paintdiff.models.families import Part, identify
from paintdiff.models.header import read_header

PAGE = Path(__file__).parents[2] / "docs" / "checkpoints.md"


@pytest.mark.parametrize(
    ("kept", "part"),
    [
        ({"state_dict": {"lora_unet_mid.lora_down.weight": torch.zeros(6, 4).T}, "epoch": 3}, Part.LORA),
        ({"lora_unet_mid.lora_down.weight": nn.Parameter(torch.zeros(4, 6))}, Part.LORA),
        ({"string_to_token": {"*": 265}, "string_to_param": {"*": torch.zeros(2, 768)}}, Part.EMBEDDING),
    ],
)
def test_a_pickle_of_tensors_is_saved_again_as_what_it_is(tmp_path, monkeypatch, kept: dict[str, Any], part) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(kept, "old.ckpt")
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(code, {})
    assert identify(read_header(Path("old.safetensors"))).part is part
