"""`miden completion`: scripts for shell completion."""

from __future__ import annotations

from miden.cli.parameters import Choice, argument, option
from miden.cli.verb import MisuseError, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "completion",
    argument("shell", Choice(["bash", "zsh", "fish"])),
    option("--program", default="miden", type=Choice(["miden", "pymiden"]), help="Name to complete."),
)
def command(console: Console, shell: str, program: str) -> int:
    """Print a script that makes SHELL complete verbs, options and files.

    \b
    bash:  eval "$(miden completion bash)"             in ~/.bashrc
    zsh:   eval "$(miden completion zsh)"              in ~/.zshrc
    fish:  miden completion fish > ~/.config/fish/completions/miden.fish
    """
    from click.shell_completion import get_completion_class

    from miden.cli.commands import app

    completion = get_completion_class(shell)
    if completion is None:
        raise MisuseError(f"no completion for {shell}")
    script = completion(app, {}, program, f"_{program.upper()}_COMPLETE")
    text = script.source_template % script.source_vars()
    if console.json:
        console.document({"shell": shell, "script": text})
    else:
        console.print(text)
    return 0
