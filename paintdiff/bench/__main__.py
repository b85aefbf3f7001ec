"""Runs the benchmarks that were asked for and prints one table."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from importlib import import_module

from paintdiff.bench.measurement import Benchmark, Measurement
from paintdiff.generation.errors import UserError

WHERE = {
    "start": "start.start_up", "dabs": "painting.dabs", "panning": "painting.panning",
    "responsiveness": "generating.responsiveness", "loop": "generating.loop_overhead",
    "memory": "painting.history_memory", "cancel": "generating.cancelling",
    "pipelines": "against_pipelines.against_pipelines",
}  # fmt: skip
LONG = ("pipelines",)  # minutes and gigabytes: only when asked for by name


def main(argv: list[str]) -> int:
    """Entry of `python main.py bench`. Returns 0; a missed target is shown, not an error."""
    parser = argparse.ArgumentParser(prog="paintdiff bench", description=__doc__)
    names = f"any of: {', '.join(WHERE)} (default: all but {', '.join(LONG)})"
    parser.add_argument("only", nargs="*", metavar="NAME", help=names)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args(argv)
    unknown = [name for name in arguments.only if name not in WHERE]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]!r}; choose from {', '.join(WHERE)}")
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    measured: list[Measurement] = []
    for name in arguments.only or [name for name in WHERE if name not in LONG]:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        measured += benchmark(name)()
    if arguments.json:
        print(json.dumps([asdict(item) | {"met": item.met} for item in measured], indent=2))
    else:
        print_table(measured)
    return 0


def benchmark(name: str) -> Benchmark:
    """One of `WHERE`, imported when it is asked for. Raises `UserError` where what it measures is not installed."""
    module, function = WHERE[name].split(".")
    try:
        return getattr(import_module(f"paintdiff.bench.{module}"), function)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "PySide6":
            raise
        raise UserError(
            f"The benchmark {name} needs the window's packages (PySide6-Essentials); install them."
        ) from error


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
