"""From arguments to a verb, and from whatever goes wrong to one sentence and an exit status."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

from paintdiff import __version__
from paintdiff.cli.colorizing import COLORIZE
from paintdiff.cli.decoding import DECODE
from paintdiff.cli.encoding import ENCODE
from paintdiff.cli.likelihood import LIKELIHOOD
from paintdiff.cli.models import MODELS
from paintdiff.cli.painting import EDIT, INPAINT, OUTPAINT, SDEDIT
from paintdiff.cli.parser import Parser
from paintdiff.cli.upscaling import UPSCALE
from paintdiff.cli.verb import Verb
from paintdiff.generation.errors import UserError

VERBS: tuple[Verb, ...] = (
    INPAINT, OUTPAINT, SDEDIT, EDIT, COLORIZE, UPSCALE, ENCODE, DECODE, LIKELIHOOD, MODELS,
)  # fmt: skip


def main(argv: Sequence[str]) -> int:
    """Run one verb. Returns 0, or with one sentence on stderr 2 for bad input, 1 for a fault of ours, 130 on Ctrl-C."""
    debug = "--debug" in argv or bool(os.environ.get("PAINTDIFF_DEBUG"))
    try:
        if argv[:1] == ["bench"]:
            from paintdiff.bench.__main__ import main as bench

            return bench(list(argv[1:]))
        options, unknown = _parser().parse_known_args(argv)
        if unknown:
            meant = options.parser.like(unknown[0])
            hint = f"did you mean {meant}? See" if meant else "see"
            raise UserError(f"Unrecognized arguments: {' '.join(unknown)}; {hint} paintdiff {options.verb} --help.")
        options.named_model = getattr(options, "model", "")  # by the user; a verb may take another from a file
        next(verb for verb in VERBS if verb.name == options.verb).run(options)
        return 0
    except KeyboardInterrupt:
        print("\npaintdiff: stopped; nothing was half-written.", file=sys.stderr)
        return 130
    except Exception as error:
        if debug:
            traceback.print_exc()
        if isinstance(error, UserError):
            print(f"paintdiff: {error}", file=sys.stderr)
            return 2
        where = "" if debug else " (run it again with --debug to see where)"
        print(f"paintdiff: An internal error: {type(error).__name__}: {error}{where}", file=sys.stderr)
        return 1


def _parser() -> Parser:
    parser = Parser(
        "paintdiff", allow_abbrev=False,
        description="Paint with diffusion. Without a verb, opens the window (on a picture, if one is named; "
        "with --model MODEL it generates with that one; see models).",
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"PaintDiff {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb in VERBS:
        own = verbs.add_parser(verb.name, help=verb.help, description=verb.about, allow_abbrev=False)
        own.set_defaults(parser=own)
        verb.add_options(own)
    verbs.add_parser("bench", help="measure the program on this machine and print a table", add_help=False)
    return parser
