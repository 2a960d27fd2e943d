"""Write the reference pages of the documentation from the tables of the package, or check that they are up to date.

usage: python tools/gen_docs.py [--check]

docs/reference/isa.md from `miden.isa`, masm.md from `miden.assembly.mnemonics`, errors.md from `miden.status` and
`miden.assembly.explain`, cli.md from the help of the command line, core-library.md and actor-library.md from the doc
comments of the core library and of what actors have. With ``--check`` it writes nothing and exits 1 if a page is out of date.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "reference"
sys.path.insert(0, str(ROOT))

from miden import isa, status  # noqa: E402  (the path has to be set first)
from miden.assembly import mnemonics  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import click


def page(title: str, source: str, lines: Iterable[str]) -> str:
    """Return a page with the notice that it is generated."""
    return "\n".join([f"<!-- GENERATED from {source} by `make gen` - do not edit. -->", f"# {title}", "", *lines, ""])


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table."""
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    return [f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *escaped)]


def isa_page() -> str:
    """Return the operations of the VM, family by family."""
    lines = [
        "What the VM executes. An *operation* is one row of the trace and costs one cycle. Stacks are written top first.",
        "An immediate `value` is hashed with the block; an immediate `error` is an error code, stored but not hashed.",
        "Rows of the family `control` are the nodes of a MAST; they never stand inside a basic block.",
    ]
    for family in dict.fromkeys(row.family for row in isa.OPERATIONS.values()):
        rows = [row for row in isa.OPERATIONS.values() if row.family == family]
        lines += ["", f"## {family}", ""]
        lines += table(
            ("opcode", "operation", "immediate", "depth", "effect"),
            [(str(row.opcode), f"`{row.name}`", row.immediate, f"{row.delta:+d}" if row.delta else "0", row.effect) for row in rows],
        )
    return page("Operations", "miden/isa.py", lines)


def masm_page() -> str:
    """Return the instructions of Miden assembly, family by family."""
    lines = [
        "What MASM writes. Stacks are written top first; upper-case letters are words. `cycles` is empty where it depends on the",
        "immediate. A literal may fold: `add.0` is nothing at all, `add.1` is one operation.",
        "",
        "## Immediates",
        "",
        *table(("class", "meaning"), [(f"`{name}`", row.doc) for name, row in mnemonics.IMMEDIATES.items()]),
    ]
    for family in dict.fromkeys(row.family for row in mnemonics.MNEMONICS.values()):
        rows = [row for row in mnemonics.MNEMONICS.values() if row.family == family and row.name not in mnemonics.SYNTHETIC]
        if not rows:
            continue
        lines += ["", f"## {family}", ""]
        lines += table(
            ("instruction", "cycles", "effect", "meaning"),
            [(_forms(row), "" if row.cycles is None else str(row.cycles), row.effect, row.doc) for row in rows],
        )
    return page("Instructions", "miden/assembly/mnemonics.py", lines)


def _forms(row: mnemonics.Mnemonic) -> str:
    return "<br>".join(f"`{'.'.join((row.name, *form))}`" for form in row.forms)


def errors_page() -> str:
    """Return every way a run can fail and every code an error may have."""
    lines = [
        "`miden explain CODE` says more about each code. Kinds are the reference's names where it has the error.",
        "",
        "## Traps and limits",
        "",
        *table(
            ("kind", "raised as", "message"),
            [
                (f"`{row.kind}`", "`LimitError`" if code >= status.FIRST_LIMIT else "`ExecutionError`", row.template)
                for code, row in status.FAULTS.items()
            ],
        ),
    ]
    return page("Errors", "miden/status.py", [*lines, *_codes()])


def _codes() -> list[str]:
    from miden.assembly.explain import EXPLANATIONS

    rows = [(f"`{code}`", f"`{entry.kind}`", entry.meaning) for code, entry in EXPLANATIONS.items()]
    return ["", "## Codes", "", *table(("code", "kind", "meaning"), rows)]


def cli_page() -> str:
    """Return every verb with its options, from what the commands say of themselves: the same for every version of click."""
    import click

    from miden.cli.app import VERBS
    from miden.cli.commands import app
    from miden.cli.overview import EPILOG

    lines = [
        "The command is `miden`; `pymiden` is the same program under a name of its own. Every verb takes `--json`, `--color`,",
        "`--traceback` and `--help`.",
        "",
        EPILOG,
        "",
        *table(("verb", "what it does"), [(f"[`{verb}`](#miden-{verb})", text) for verb, text in VERBS.items()]),
    ]
    for verb, command in _commands(app, "miden"):
        arguments = [_argument(param) for param in command.params if isinstance(param, click.Argument)]
        options = [param for param in command.params if isinstance(param, click.Option) and param.name not in COMMON_OPTIONS]
        lines += ["", f"## {verb}", "", f"`{' '.join([verb, *arguments, *(['[OPTIONS]'] if options else [])])}`", ""]
        for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
            verbatim = paragraph.startswith("\b\n")
            lines += ["```text", paragraph[2:], "```", ""] if verbatim else [paragraph, ""]
        if isinstance(command, click.Group):
            verbs = command.verbs  # type: ignore[attr-defined]  # our groups have a table
            link = verb.replace(" ", "-")
            lines += table(("verb", "what it does"), [(f"[`{name}`](#{link}-{name})", text) for name, text in verbs.items()])
        elif options:
            lines += table(("option", "meaning"), [(f"`{_option(option)}`", option.help or "") for option in options])
        else:
            lines.pop()
    return page("Command line", "miden/cli", lines)


def _commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command below a group, groups before what is in them, with how it is called."""
    import click

    context = click.Context(group, info_name=path)
    for verb in group.list_commands(context):
        command = group.get_command(context, verb)
        if command is None:
            raise SystemExit(f"the verb {verb} has no command")
        yield f"{path} {verb}", command
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {verb}")
def core_library_page() -> str:
    """Return the procedures of the core library, module by module, with what their doc comments say."""
    from miden.corelib.build import core_modules
    from miden.package.docs import markdown, source_docs

    lines = [
        "Programs that `miden run`, `miden assemble` or `miden.assemble` take may name these procedures; the library is linked then.",
        "Stacks are written top first; upper-case letters are words, or numbers of several limbs. Cycles are the rows of the",
        "procedure itself. `miden doc miden::core::math::u64` prints the same for one module.",
        "",
        *markdown("", source_docs(core_modules())).split("\n")[2:],
    ]
    return page("The core library", "miden/corelib/asm", lines).rstrip("\n") + "\n"


def actor_library_page() -> str:
    """Return the procedures that actors in Miden assembly have: those of the kernel, and those of the library."""
    from miden.actors.runtimes.masm.build import actor_modules, kernel_source
    from miden.package.docs import markdown, source_docs

    lines = [
        "What an actor in Miden assembly has to work with: the kernel, which it reaches by `syscall`, and the library `miden::actor`,",
        "which is copied into it. Stacks are written top first; upper-case letters are words. [The runtime](../internals/masm-actors.md)",
        "tells how it all works together; `miden doc miden::actor::cbor` prints the same for one module.",
        "",
        *markdown("", source_docs({"kernel": kernel_source(), **actor_modules()})).split("\n")[2:],
    ]
    return page("Kernel and library of actors", "miden/actors/runtimes/masm/asm", lines).rstrip("\n") + "\n"


COMMON_OPTIONS = ("json", "color", "traceback")


def _argument(param: click.Argument) -> str:
    name = param.metavar or (param.name or "").upper()
    name = f"{name}..." if param.nargs != 1 else name
    return name if param.required else f"[{name}]"


def _option(param: click.Option) -> str:
    import click

    names = ", ".join(param.opts)
    if param.is_flag:
        return names
    choices = "|".join(str(choice) for choice in param.type.choices) if isinstance(param.type, click.Choice) else ""
    return f"{names} {param.metavar or choices or param.type.name.upper().split()[0]}"


PAGE_MAKERS = {
    "isa.md": isa_page,
    "masm.md": masm_page,
    "errors.md": errors_page,
    "cli.md": cli_page,
    "core-library.md": core_library_page,
    "actor-library.md": actor_library_page,
}


def main() -> int:
    """Write or check every page and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a page is out of date")
    check = parser.parse_args().check
    PAGES.mkdir(parents=True, exist_ok=True)
    stale = []
    for name, make in PAGE_MAKERS.items():
        path = PAGES / name
        text = make()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{'out of date' if check else 'wrote'}: docs/reference/{name}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
