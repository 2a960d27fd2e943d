"""What every verb has: ``--json``, ``--color``, ``--traceback``, and errors that become exit codes."""

from __future__ import annotations

import sys

import click

from miden.cli.console import Console, close_quietly
from miden.cli.failures import error_code, report
from miden.errors import EXIT_OK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Verb(click.Command):
    """A command that hands its function a `Console` as the first argument and reports what the function raises."""

    def invoke(self, ctx: click.Context) -> Any:
        params = ctx.params
        console = Console(json=params.pop("json"), color=params.pop("color"), traceback=params.pop("traceback"))
        params["console"] = console
        code: int = EXIT_OK
        try:
            try:
                code = super().invoke(ctx)
            except click.ClickException:
                raise
            except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  raised again by `report` if unknown
                code = error_code(error)
                report(error, console)
            sys.stdout.flush()
        except BrokenPipeError:
            close_quietly()
        return code


def core_option(function: Callable[..., int]) -> Callable[..., int]:
    """Give a verb the option ``--core``: a library in place of the core library."""
    text = "Library to link in place of the core library, miden::core, such as the reference's own file."
    return click.option("--core", type=click.Path(), metavar="FILE", help=text)(function)


def verb(name: str) -> Callable[[Callable[..., int]], click.Command]:
    """Make a function the command of a verb; its docstring is the help, its result the exit code."""

    def decorate(function: Callable[..., int]) -> click.Command:
        decorated = click.command(name, cls=Verb)(function)
        decorated.params += [
            click.Option(["--json"], is_flag=True, help="Print one JSON document on standard output, errors too."),
            click.Option(["--color"], type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour; auto: on a terminal."),
            click.Option(["--traceback"], is_flag=True, help="Show Python's traceback of an error as well."),
        ]
        return decorated

    return decorate
