"""Runs that are kept on disk and taken up again: --trajectory, --branch and --from-step."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from paintdiff.cli.outputs import check_place
from paintdiff.generation.errors import UserError
from paintdiff.generation.result import Result
from paintdiff.generation.trajectory import Branch

SUFFIX = ".safetensors"


def add_branching(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--trajectory", metavar="FILE",
        help=f"keep the steps of the run in a {SUFFIX} file, to branch from later; further candidates get -2, -3, …",
    )  # fmt: skip
    parser.add_argument(
        "--branch", metavar="FILE",
        help="go on from a step of a run that --trajectory kept; model, frame and settings that are not given are "
        "those of that run, and another --prompt, --mask, --strength or --seed takes effect from that step on; "
        "the picture and a mask are named again",
    )  # fmt: skip
    parser.add_argument("--from-step", type=_step, metavar="K", help="the step to branch from; 0 is the start")


def read_branch(options: argparse.Namespace) -> Branch | None:
    """The branch that --branch and --from-step ask for. Raises `UserError` for a file or a step that is none."""
    if options.branch is None:
        if options.from_step is not None:
            raise UserError("Say with --branch FILE which run to go on from at that step.")
        return None
    from paintdiff.engine.trajectory_file import read_trajectory

    trajectory = read_trajectory(Path(options.branch))
    if options.from_step is None:
        kept = ", ".join(str(moment.step) for moment in trajectory.moments)
        raise UserError(f"Say with --from-step which step to go on from; {options.branch} has {kept}.")
    steps = trajectory.sampling.steps
    if getattr(options, "steps", steps) != steps:
        raise UserError(f"A branch keeps the {steps} steps of its run: leave --steps out.")
    branch = Branch(trajectory, options.from_step)
    _ = branch.moment
    return branch


def trajectory_paths(options: argparse.Namespace, candidates: int) -> list[Path]:
    """run.safetensors, run-2.safetensors, …, or none. Raises `UserError` for a name that cannot be written to."""
    if options.trajectory is None:
        return []
    path = Path(options.trajectory)
    if path.suffix.lower() != SUFFIX:
        raise UserError(f"The steps of a run are kept in a {SUFFIX} file: name it {path.stem or 'run'}{SUFFIX}.")
    check_place(path)
    return [path, *(path.with_name(f"{path.stem}-{k}{path.suffix}") for k in range(2, candidates + 1))]


def keep_trajectories(result: Result, paths: Sequence[Path]) -> None:
    """Write each candidate's run to its path, if there are any. Raises `UserError`."""
    from paintdiff.engine.trajectory_file import write_trajectory

    for path, candidate in zip(paths, result.candidates, strict=False):
        if candidate.trajectory is None:
            print(f"paintdiff: No steps to keep in {path}: it took no run or several.", file=sys.stderr)
        else:
            write_trajectory(path, candidate.trajectory)


def _step(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not the number of a step, from 0 up")
    return int(text)
