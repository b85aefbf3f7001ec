"""What lies beside a checkpoint of one file and says how it was trained: NAME.json, or the NAME.yaml of A1111."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from paintdiff.generation.errors import UserError
from paintdiff.models.header import read_object

LONGEST = 1 << 20  # bytes
_YAML = {"v": "v_prediction", "eps": "epsilon", "x0": "sample"}


def said_beside(path: Path) -> dict[str, Any]:
    """`prediction_type` and `rescale_betas_zero_snr`, named as in a scheduler's config, as far as a file says them.

    Other tools keep files of the same names: one that cannot be read, or that says nothing of these, says nothing.
    """
    return _yaml(path.with_suffix(".yaml")) | _json(path.with_suffix(".json"))


def _json(path: Path) -> dict[str, Any]:
    try:
        values = read_object(path, LONGEST) if path.is_file() else {}
    except UserError:
        return {}
    said = {key: values[key] for key in ("prediction_type", "rescale_betas_zero_snr") if key in values}
    return {key: value for key, value in said.items() if isinstance(value, str | bool)}


def _yaml(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file():
            return {}
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(LONGEST)
    except OSError:
        return {}
    said: dict[str, Any] = {}
    predicts = re.search(r"^\s*parameterization\s*:\s*[\"']?(\w+)", text, re.MULTILINE)
    if predicts and predicts[1] in _YAML:
        said["prediction_type"] = _YAML[predicts[1]]
    if re.search(r"^\s*(rescale_betas_zero_snr|zero_terminal_snr)\s*:\s*true", text, re.MULTILINE | re.IGNORECASE):
        said["rescale_betas_zero_snr"] = True
    return said
