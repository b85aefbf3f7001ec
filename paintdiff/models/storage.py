"""In which numbers a denoiser's weights lie in a file, and how many bytes of memory they take as they are kept."""

from __future__ import annotations

from collections import Counter
from math import prod
from pathlib import Path

from paintdiff.models.families import LDM, identify
from paintdiff.models.gguf_header import QUANTIZED, read_model_header
from paintdiff.models.header import Header

FLOAT8 = "float8"
_FLOAT8 = "F8_E4M3"
HALF = 2  # bytes of a number that is kept in half precision


def denoiser_of(header: Header) -> Header:
    """Only the denoiser of a checkpoint in one file."""
    own = header.under(LDM)
    return own if own.tensors else header


def keeps_float8(path: Path) -> bool:
    """Whether the file is a flow model whose weights are float8, which they stay unless something else is asked.

    Raises `UserError` for a file that is not sound.
    """
    header = read_model_header(path)
    return identify(header).predicts == "flow" and stored_as(denoiser_of(header)) == FLOAT8


def stored_as(header: Header) -> str:
    """A type of quantized blocks such as "Q4_K", or "float8", where most of the denoiser in `header` is kept in it and
    stays so in memory; "" for weights in plain numbers."""
    counts: Counter[str] = Counter()
    for info in header.tensors.values():
        counts[info.dtype] += prod(info.shape)
    if not counts or 2 * max(counts.values()) < sum(counts.values()):
        quantized = Counter({dtype: count for dtype, count in counts.items() if dtype in QUANTIZED})
        return quantized.most_common(1)[0][0] if 2 * quantized.total() > sum(counts.values()) else ""
    dtype = counts.most_common(1)[0][0]
    if dtype == _FLOAT8:
        return "" if any(name.endswith((".scale_weight", ".weight_scale")) for name in header.tensors) else FLOAT8
    return dtype if dtype in QUANTIZED else ""


def held_bytes(header: Header) -> int:
    """Bytes that the denoiser in `header` takes where it computes in half precision: what is stored in fewer, stays."""
    stored = stored_as(header)
    held = 0
    for info in header.tensors.values():
        stays = info.dtype in QUANTIZED or (stored == FLOAT8 and info.dtype == _FLOAT8)
        held += info.end - info.begin if stays else HALF * prod(info.shape)
    return held
