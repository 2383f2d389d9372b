"""The command line: one module a sub-command, each with ``add_parser(subparsers)`` and ``run(args) -> int``.

Modules import what is heavy inside `run`, so that ``--help`` and every other sub-command start fast.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

from unappeal import __version__
from unappeal.errors import ModelError, UnappealError

EXIT_OK, EXIT_SOME_FAILED, EXIT_USAGE = 0, 1, 2
"""Exit codes: done; some records or files failed; it could not be started as asked."""

EXIT_INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells give it (128 + SIGINT)."""

COMMANDS = ("filter", "score", "explain", "info", "train", "evaluate", "hydrate", "review", "report")
"""Sub-commands in the order of the help; each is the module of that name in this package."""

_DESCRIPTION = """\
Remove donation appeals and related-links noise from news text.

Data goes to standard output, all else to standard error; "-" is standard input or output.
Exit codes: 0 done, 1 some records or files failed, 2 it could not be started as asked."""


class UsageError(UnappealError):
    """The command line asks for what cannot be done; found before any work, ends in exit code 2."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code; argparse's errors, ``--help`` and ``--version`` raise SystemExit."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    args = build_parser(arguments[0] if arguments else "").parse_args(arguments)
    try:
        code: int = args.run(args)
    except (UsageError, ModelError) as exc:
        say(f"unappeal: error: {exc}")
        return EXIT_USAGE
    except UnappealError as exc:
        say(f"unappeal: error: {exc}")
        return EXIT_SOME_FAILED
    except KeyboardInterrupt:
        say("unappeal: interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of standard output (head, less) has gone: nobody is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_SOME_FAILED
    return code


def build_parser(command: str = "") -> argparse.ArgumentParser:
    """Make the parser of one sub-command, or of all where there is none of that name."""
    parser = argparse.ArgumentParser(
        prog="unappeal", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    version = f"unappeal {__version__}"
    parser.add_argument("--version", action="version", version=version, help="show the version and exit")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in [command] if command in COMMANDS else COMMANDS:
        if find_spec(f"{__name__}.{name}") is not None:
            module = import_module(f"{__name__}.{name}")
            module.add_parser(subparsers).set_defaults(run=module.run)
    return parser


def say(line: str) -> None:
    """Print a line for people, on standard error."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201
