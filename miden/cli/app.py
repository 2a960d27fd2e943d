"""The root command and the table of verbs.

Help and usage errors are made from the table: no verb is imported before it runs.
"""

from __future__ import annotations

import sys
from importlib import import_module

import click

from miden.cli.console import INTERNAL_ERROR
from miden.errors import EXIT_INTERRUPTED, EXIT_OK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

VERBS = {
    "run": "Run a program and print its stack, cycles and speed.",
    "assemble": "Assemble a program into a file.",
    "hash": "Print the hash of a program.",
    "new": "Make a new project.",
    "build": "Build a project into packages.",
    "bundle": "Assemble a directory of modules into a library.",
    "inspect": "Show what is in a program, library or package.",
    "disasm": "Print the nodes of a program, or MASM for them.",
    "diff": "Compare two programs, libraries or packages.",
    "verify": "Check every digest of a file.",
    "size": "Show what makes a file large.",
    "strip": "Remove debug information.",
    "doc": "Write the documentation of a library.",
    "graph": "Draw the nodes of a program or library.",
    "optimize": "Look for shorter operation sequences with the same effect.",
    "explain": "Explain an error code.",
    "doctor": "Say what is installed here, and which backend runs.",
    "completion": "Print a script for shell completion.",
}
"""Verb -> short help; the module of a verb has its name, and its command object is `command`."""

EPILOG = (
    "Exit codes: 0 ran, 1 the program trapped, 2 usage, 3 invalid input, 4 not found, 5 integrity, 6 limit hit, "
    "7 input or output, 70 an error in miden itself, 130 interrupted."
)


class LazyGroup(click.Group):
    """A group whose commands are modules, imported when they run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(f"miden.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], VERBS, 1)
            if not near:
                raise
            raise click.UsageError(f"{error.message.rstrip('.')}. Did you mean {near[0]!r}?", ctx) from None


def _print_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        from miden._version import __version__

        click.echo(f"miden {__version__}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    help="Assemble, run and inspect programs of the Miden VM.",
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version.")
def app() -> None:
    """Hold the verbs."""


def run_app(arguments: Sequence[str] | None) -> int:
    """Run the root command and return the exit code, whatever happens."""
    try:
        code = app.main(None if arguments is None else list(arguments), prog_name=_program_name(), standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except Exception:  # noqa: BLE001  the last resort: anything else is a mistake of ours, shown whole
        import traceback

        traceback.print_exc()
        print("error: this is an error in miden itself; please report it with the lines above", file=sys.stderr)
        return INTERNAL_ERROR
    return code if isinstance(code, int) else EXIT_OK


def _program_name() -> str:
    name = sys.argv[0].replace("\\", "/").rpartition("/")[2]
    return name if name in ("miden", "pymiden") else "miden"
