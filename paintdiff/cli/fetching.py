"""Downloads on the command line: a model that --model names is fetched if it is not on this machine yet."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from paintdiff.cli.progress_bar import ProgressBar
from paintdiff.models.catalogue import is_on_this_machine, source_of
from paintdiff.models.hub import Fetching, download
from paintdiff.models.hub_name import HubName, read_hub_name
from paintdiff.models.preferences import hub_token


def make_ready(options: argparse.Namespace) -> None:
    """Let the model of `options` be one to open: by a name in the lists, or fetched from the hub. Raises `UserError`.

    One that only a file names, a code or an earlier run, is not fetched: nobody asked for it.
    """
    if options.model == options.named_model:
        options.model = options.named_model = source_of(options.model)
    name = read_hub_name(options.model) if options.model == options.named_model else None
    if name is not None and not is_on_this_machine(options.model):
        fetch(name)


def fetch(name: HubName) -> Path:
    """Fetch a model into the hub's cache, with progress on stderr; returns its folder or file. Raises `UserError`."""
    bar = ProgressBar()
    try:
        return download(name, hub_token(), lambda progress: _show(bar, progress))
    except KeyboardInterrupt:
        bar.close()
        print("\npaintdiff: What has arrived is kept; the next try goes on from there.", file=sys.stderr)
        raise
    finally:
        bar.close()


def size_text(size: float) -> str:
    """Bytes as people read them: 1.7 GB."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _show(bar: ProgressBar, progress: Fetching) -> None:
    if progress.stage != "fetching" or not progress.total:
        return
    parts = [f"{size_text(progress.done)} of {size_text(progress.total)}"]
    if progress.seconds_left is not None:
        parts += [f"{size_text(progress.speed)}/s", f"{progress.seconds_left:.0f} s left"]
    bar.draw(progress.done / progress.total, f"{', '.join(parts)}  {progress.file}")
