"""What every verb has: ``--json``, ``--color``, ``--traceback``, and errors that become exit codes."""

from __future__ import annotations

import sys

from miden.cli.console import Console
from miden.cli.parameters import Choice, FilePath, flag, option
from miden.errors import EXIT_OK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from miden.cli.parameters import Parameter

COMMON = (
    flag("--json", help="Print one JSON document on standard output, errors too."),
    option("--color", type=Choice(["auto", "always", "never"]), default="auto", help="Colour; auto: on a terminal."),
    flag("--traceback", help="Show Python's traceback of an error as well."),
)
"""The options of all verbs."""


CORE_OPTION = option(
    "--core",
    type=FilePath(),
    metavar="FILE",
    help="Library to link in place of the core library, miden::core, such as the reference's own file.",
)
"""The option of verbs that assemble."""


class MisuseError(Exception):
    """Options that are fine one by one and wrong together, or a value no listed type describes: shown with the usage.

    `option` is the option at fault, if it is one.
    """

    def __init__(self, message: str, *, option: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.option = option


class Verb:
    """A verb of the command line: its name, the table of its parameters, and the function that does it.

    The function is called with a `Console` and the values of the parameters by name, and returns the exit code; its
    docstring is the help.
    """

    def __init__(self, name: str, parameters: tuple[Parameter, ...], function: Callable[..., int]) -> None:
        self.name = name
        self.parameters = (*parameters, *COMMON)
        self.function = function

    def perform(self, values: dict[str, object]) -> int:
        """Do it and return the exit code; what the function raises is reported, all but `MisuseError`."""
        console = Console(json=values.pop("json") is True, color=str(values.pop("color")), traceback=values.pop("traceback") is True)
        code = EXIT_OK
        try:
            try:
                code = self.function(console, **values)
            except MisuseError:
                raise
            except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  raised again by `report` if unknown
                from miden.cli.failures import error_code, report

                code = error_code(error)
                report(error, console)
            sys.stdout.flush()
        except BrokenPipeError:
            from miden.cli.console import close_quietly

            close_quietly()
        return code


class Group:
    """Verbs below a word of their own, such as those of ``miden store``: each a module of a package, imported when it runs.

    `verbs` are short helps by name, `help` is that of the group. The module of a verb has its name, with an underscore where
    Python keeps the name for itself, and the verb is its `command`.
    """

    def __init__(self, name: str, package: str, verbs: dict[str, str], help: str) -> None:
        self.name = name
        self.package = package
        self.verbs = verbs
        self.help = help

    def load(self, name: str) -> Verb | Group:
        """Import the module of a verb."""
        from keyword import iskeyword

        module = f"{self.package}.{name}_" if iskeyword(name) else f"{self.package}.{name}"
        found: Verb | Group = __import__(module, fromlist=["command"]).command  # importlib takes a while to import
        return found


def verb(name: str, *parameters: Parameter) -> Callable[[Callable[..., int]], Verb]:
    """Make a function the verb called `name`, with these parameters and the common ones."""
    return lambda function: Verb(name, parameters, function)
