"""The same verbs as commands of click, which writes help and usage errors and completes words."""

from __future__ import annotations

import sys

import click

from miden.cli.app import VERBS, load_verb
from miden.cli.console import Console, close_quietly
from miden.cli.overview import DESCRIPTION, EPILOG, GREATEST_WIDTH, OPTIONS, help_width, overview, version_line
from miden.cli.parameters import Choice, FilePath, IntRange, Number
from miden.cli.verb import Group, MisuseError
from miden.errors import EXIT_INTERRUPTED, EXIT_OK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from miden.cli.parameters import Parameter, Text
    from miden.cli.verb import Verb


class Command(click.Command):
    """A verb as a command of click."""

    def __init__(self, verb: Verb) -> None:
        super().__init__(verb.name, params=[_parameter(parameter) for parameter in verb.parameters], help=verb.function.__doc__)
        self.verb = verb

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return self.verb.perform(ctx.params)
        except MisuseError as error:
            raise _usage_error(error, ctx) from None


class LazyGroup(click.Group):
    """A group whose commands are made of verbs, imported when they are asked for."""

    def __init__(self, *arguments: Any, verbs: dict[str, str], load: Callable[[str], Verb | Group], **facts: Any) -> None:
        super().__init__(*arguments, **facts)
        self.verbs = verbs
        self.load = load

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return make_command(self.load(cmd_name)) if cmd_name in self.verbs else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.verbs.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.verbs, 1)
            if not near:
                raise
            raise click.UsageError(f"{error.message.rstrip('.')}. Did you mean {near[0]!r}?", ctx) from None


class App(LazyGroup):
    """The whole command line, whose help is written without click."""

    def get_help(self, ctx: click.Context) -> str:
        return overview(ctx.command_path, help_width())


def make_command(verb: Verb | Group) -> click.Command:
    """Return a verb, or a group of verbs, as a command of click."""
    if isinstance(verb, Group):
        return LazyGroup(verb.name, verbs=verb.verbs, load=verb.load, help=verb.help)
    return Command(verb)


def _print_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        click.echo(version_line())
        ctx.exit()


@click.group(
    cls=App,
    verbs=VERBS,
    load=load_verb,
    help=DESCRIPTION,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": GREATEST_WIDTH},
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help=OPTIONS["--version"])
def app() -> None:
    """Hold the verbs."""


def run_with_click(arguments: Sequence[str] | None, program: str) -> int:
    """Let click read a command line, by default that of the process, and return the exit code."""
    stdout = sys.stdout
    try:
        code = app.main(None if arguments is None else list(arguments), prog_name=program, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("interrupted", err=True)
        return EXIT_INTERRUPTED
    except SystemExit:
        if sys.stdout is stdout:  # click puts another in its place when a reader left early
            raise
        close_quietly()
        return EXIT_OK
    except OSError as error:
        from miden.cli.failures import error_code, report

        report(error, Console())
        return error_code(error)
    return code if isinstance(code, int) else EXIT_OK


def show_misuse(words: Sequence[str], program: str, error: MisuseError) -> int:
    """Show a usage error of a verb that ran without click, as `run_with_click` would, and return the exit code."""
    context, verb, rest = app.make_context(program, list(words)), load_verb(words[0]), list(words)
    while isinstance(verb, Group):
        name = rest.pop(0)
        context = make_command(verb).make_context(name, list(rest), parent=context)
        verb = verb.load(rest[0])
    shown = _usage_error(error, Command(verb).make_context(rest[0], rest[1:], parent=context))
    shown.show()
    return shown.exit_code


def _usage_error(error: MisuseError, ctx: click.Context) -> click.UsageError:
    if error.option is None:
        return click.UsageError(error.message, ctx)
    return click.BadParameter(error.message, ctx, param_hint=error.option)


# --- parameters -----------------------------------------------------------------------------------------------


def _parameter(parameter: Parameter) -> click.Parameter:
    """Return a parameter in click's terms. What is not given is left to click, whose defaults differ between versions."""
    facts: dict[str, Any] = {}
    if parameter.default is not None and parameter.default is not False:
        facts["default"] = parameter.default
    if parameter.kind is not None:
        facts["type"] = _type(parameter.kind)
    elif parameter.flag_value is True:
        facts["is_flag"] = True
    else:
        facts["flag_value"] = parameter.flag_value
    if not parameter.flags:
        facts["nargs"] = -1 if parameter.multiple else 1
        return click.Argument([parameter.name], required=parameter.required, metavar=parameter.metavar, **facts)
    facts |= {"required": parameter.required, "multiple": parameter.multiple, "help": parameter.help}
    return click.Option([*parameter.flags, parameter.name], metavar=parameter.metavar, **facts)


def _type(kind: Text) -> click.ParamType[Any]:
    if isinstance(kind, FilePath):
        return click.Path(allow_dash=kind.allow_dash)
    if isinstance(kind, Choice):
        return click.Choice(list(kind.choices))
    if isinstance(kind, IntRange):
        return click.IntRange(kind.min, kind.max)
    return click.FLOAT if isinstance(kind, Number) else click.STRING
