"""Runs the benchmarks that were asked for and prints one table."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict

from paintdiff.bench.measurement import Benchmark, Measurement


def benchmarks() -> dict[str, Benchmark]:
    """Every benchmark by name; imported late, so that a machine without PySide6 gets a sentence, not a traceback."""
    from paintdiff.bench.against_pipelines import against_pipelines
    from paintdiff.bench.generating import cancelling, loop_overhead, responsiveness
    from paintdiff.bench.painting import dabs, history_memory, panning
    from paintdiff.bench.start import start_up

    return {
        "start": start_up,
        "dabs": dabs,
        "panning": panning,
        "responsiveness": responsiveness,
        "loop": loop_overhead,
        "memory": history_memory,
        "cancel": cancelling,
        "pipelines": against_pipelines,
    }


LONG = ("pipelines",)  # minutes and gigabytes: only when asked for by name


def main(argv: list[str]) -> int:
    """Entry of `python main.py bench`. Returns 0; a missed target is shown, not an error."""
    try:
        known = benchmarks()
    except ImportError as error:
        print(f"The benchmarks need the window's packages ({error}); install PaintDiff with them.", file=sys.stderr)
        return 2
    parser = argparse.ArgumentParser(prog="paintdiff bench", description=__doc__)
    names = f"any of: {', '.join(known)} (default: all but {', '.join(LONG)})"
    parser.add_argument("only", nargs="*", metavar="NAME", help=names)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args(argv)
    unknown = [name for name in arguments.only if name not in known]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]!r}; choose from {', '.join(known)}")
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    measured: list[Measurement] = []
    for name in arguments.only or [name for name in known if name not in LONG]:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        measured += known[name]()
    if arguments.json:
        print(json.dumps([asdict(item) | {"met": item.met} for item in measured], indent=2))
    else:
        print_table(measured)
    return 0


def print_table(measured: list[Measurement]) -> None:
    """A Markdown table, ready for the README."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, Qt platform "
          f"{os.environ['QT_QPA_PLATFORM']}\n")  # fmt: skip
    print("| what | measured | target | how |\n|---|---|---|---|")
    for item in measured:
        mark = "" if item.met else " (missed)"
        print(f"| {item.what} | {item.value:.3g} {item.unit}{mark} | ≤ {item.target:g} {item.unit} | {item.detail} |")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
