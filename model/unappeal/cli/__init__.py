"""The command line: one module a sub-command, each with ``add_parser(subparsers)`` and ``run(args) -> int``.

Only the module of the sub-command that is asked for does any work; modules import what is heavy inside `run`.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

EXIT_OK, EXIT_SOME_FAILED, EXIT_USAGE = 0, 1, 2
"""Exit codes: done; done, but some records failed, or the work could not be done; the command line was wrong."""

EXIT_INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells give it (128 + SIGINT)."""

COMMANDS = ("filter", "score", "explain", "info", "train", "evaluate", "hydrate", "review", "report")
"""Sub-commands in the order of the help; each is the module of that name in this package."""

_DESCRIPTION = """\
Remove donation appeals and related-links noise from news text.

Data goes to standard output, all else to standard error; "-" is standard input or output.
Exit codes: 0 done, 1 some records or files failed, 2 the command line is wrong."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code; usage errors, ``--help`` and ``--version`` raise SystemExit."""
    from unappeal.errors import UnappealError

    args = build_parser().parse_args(argv)
    try:
        code: int = args.run(args)
    except UnappealError as exc:
        print(f"unappeal: error: {exc}", file=sys.stderr)  # noqa: T201
        return EXIT_SOME_FAILED
    except KeyboardInterrupt:
        print("unappeal: interrupted", file=sys.stderr)  # noqa: T201
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of standard output (head, less) has gone: nobody is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_SOME_FAILED
    return code


def build_parser() -> argparse.ArgumentParser:
    """Make the parser of all sub-commands; each one's ``run`` and ``parser`` are in the parsed arguments."""
    parser = argparse.ArgumentParser(
        prog="unappeal", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action=_Version, help="show the version and exit")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        if find_spec(f"{__name__}.{name}") is None:
            continue
        module = import_module(f"{__name__}.{name}")
        subparser = module.add_parser(subparsers)
        subparser.set_defaults(run=module.run, parser=subparser)
    return parser


class _Version(argparse.Action):
    """Prints the version; unlike argparse's own, it imports the package only when asked."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print and leave."""
        from unappeal import __version__

        print(f"unappeal {__version__}")  # noqa: T201
        parser.exit()
