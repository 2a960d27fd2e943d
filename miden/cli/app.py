"""The table of verbs, and the way from a command line to its exit code.

No verb is imported before it runs, and click only where a line needs explaining: see `miden.cli.parameters`.
"""

from __future__ import annotations

import os
import sys

from miden.cli.console import INTERNAL_ERROR
from miden.errors import EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from miden.cli.verb import Group, Verb

VERBS = {
    "run": "Run a program and print its stack, cycles and speed.",
    "assemble": "Assemble a program into a file.",
    "hash": "Print the hash of a program.",
    "new": "Make a new project.",
    "build": "Build a project into packages.",
    "add": "Add packages to a project.",
    "remove": "Remove packages from a project.",
    "update": "Choose the highest versions that a project accepts.",
    "install": "Install packages, with all that they need to run.",
    "uninstall": "Uninstall packages.",
    "list": "List installed packages.",
    "tree": "Draw which package needs which.",
    "why": "Say who needs a package.",
    "outdated": "List packages of which there are newer versions.",
    "vendor": "Copy the packages of a project into a folder.",
    "publish": "Publish packages.",
    "search": "Search the registries for packages.",
    "audit": "Tell what is known to be wrong with packages in use.",
    "registry": "Run a registry of packages.",
    "bundle": "Assemble a directory of modules into a library.",
    "inspect": "Show what is in a program, library or package.",
    "disasm": "Print the nodes of a program, or MASM for them.",
    "diff": "Compare two programs, libraries or packages.",
    "verify": "Check every digest of a file.",
    "size": "Show what makes a file large.",
    "strip": "Remove debug information.",
    "store": "Keep code under its root, and get it back verified.",
    "block": "Keep IPLD blocks in a store, and get them back verified.",
    "car": "Carry IPLD blocks in CAR files.",
    "actor": "Run actors: code and state by content address.",
    "doc": "Write the documentation of a library.",
    "graph": "Draw the nodes of a program or library.",
    "optimize": "Look for shorter operation sequences with the same effect.",
    "explain": "Explain an error code.",
    "doctor": "Say what is installed here, and which backend runs.",
    "completion": "Print a script for shell completion.",
}
"""Verb -> short help; the module of a verb has its name, and its command object is `command`."""

_EXPANDED = frozenset("~$%*?[")
"""Characters of words that click expands on Windows, where the shell does not."""


def load_verb(name: str) -> Verb | Group:
    """Import the module of a verb."""
    found: Verb | Group = __import__(f"miden.cli.{name}", fromlist=["command"]).command  # importlib takes a while to import
    return found


def run_app(arguments: Sequence[str] | None) -> int:
    """Run a command line, by default that of the process, and return the exit code, whatever happens."""
    try:
        code = _run_plain(sys.argv[1:] if arguments is None else arguments)
        if code is not None:
            return code
        from miden.cli.commands import run_with_click

        return run_with_click(arguments, program_name())
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except Exception:  # noqa: BLE001  the last resort: anything else is a mistake of ours, shown whole
        import traceback

        traceback.print_exc()
        print("error: this is an error in miden itself; please report it with the lines above", file=sys.stderr)
        return INTERNAL_ERROR


def _run_plain(words: Sequence[str]) -> int | None:
    """Run a line that needs no explaining; return None for any other."""
    if f"_{program_name().upper()}_COMPLETE" in os.environ:
        return None
    if list(words) in ([], ["--help"], ["-h"], ["--version"]):
        return _show_whole(words)
    if words[0] not in VERBS:
        return None
    if os.name == "nt" and any(not _EXPANDED.isdisjoint(word) for word in words):
        return None
    from miden.cli.parameters import read_words
    from miden.cli.verb import Group, MisuseError

    verb, depth = load_verb(words[0]), 1
    while isinstance(verb, Group):
        if words[depth : depth + 1] == [] or words[depth] not in verb.verbs:
            return None
        verb, depth = verb.load(words[depth]), depth + 1
    values = read_words(verb.parameters, words[depth:])
    if values is None:
        return None
    try:
        return verb.perform(values)
    except MisuseError as error:
        from miden.cli.commands import show_misuse

        return show_misuse(words, program_name(), error)


def _show_whole(words: Sequence[str]) -> int:
    """Print the version, or the first page of help: on standard error where nothing was asked for."""
    from miden.cli.overview import help_width, overview, version_line

    text = version_line() if "--version" in words else overview(program_name(), help_width())
    try:
        print(text, file=sys.stdout if words else sys.stderr, flush=True)
    except BrokenPipeError:
        from miden.cli.console import close_quietly

        close_quietly()
    except OSError as error:
        from miden.cli.console import Console
        from miden.cli.failures import error_code, report

        report(error, Console())
        return error_code(error)
    return EXIT_OK if words else EXIT_USAGE


def program_name() -> str:
    """Return what the program was called as: ``miden`` or ``pymiden``."""
    name = sys.argv[0].replace("\\", "/").rpartition("/")[2]
    return name if name in ("miden", "pymiden") else "miden"
