"""T5's tokenizer from the vocabulary that ships with PaintDiff, for checkpoints that bring none along."""

from __future__ import annotations

import base64
import json
import lzma
from typing import Any

from paintdiff.resource_files import resource

LENGTH = 512


def t5_tokenizer() -> Any:
    """The T5Tokenizer of FLUX and SD 3. Raises OSError without the file."""
    from transformers import T5Tokenizer

    told = json.loads(lzma.decompress(resource("t5", "tokenizer.json.xz").read_bytes()))
    vocabulary = [(piece, score) for piece, score in told["model"]["vocab"]]
    written = next(each for each in told["normalizer"]["normalizers"] if each["type"] == "Precompiled")
    characters = base64.b64decode(written["precompiled_charsmap"])
    return T5Tokenizer(vocab=vocabulary, _spm_precompiled_charsmap=characters, model_max_length=LENGTH)
