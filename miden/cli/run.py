"""`miden run`: run a program."""

from __future__ import annotations

import sys
import time

import click

from miden.cli.verb import core_option, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.cli.console import Console
    from miden.vm.inputs import StackInputs

VISIBLE = 16
"""Elements of the stack outputs."""

LISTED = 20
"""Rows of one table of a profile."""


@verb("run")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option(
    "-i",
    "--inputs",
    type=click.Path(),
    metavar="INPUTS",
    help="File of inputs; by default the one beside FILE with the extension .inputs, if any.",
)
@click.option(
    "-l",
    "--library",
    "libraries",
    type=click.Path(),
    multiple=True,
    metavar="FILE",
    help="Library, kernel or package that the program needs at run time; may be given several times.",
)
@click.option("--stack", metavar="A,B,..", help="Stack inputs, top first: with 3,5 the 3 is on top. In place of those of the inputs file.")
@click.option("-n", "--outputs", type=click.IntRange(0, VISIBLE), default=VISIBLE, help="How many stack outputs to print; 16 by default.")
@click.option("--max-cycles", type=click.IntRange(1), metavar="N", help="End the run before it uses more than N cycles; 2^29 by default.")
@click.option("--deadline", type=float, metavar="SECONDS", help="End the run after so much time.")
@click.option("--backend", type=click.Choice(["core", "pure"]), help="Machine to run on; core, if it is built, by default.")
@click.option("--profile", is_flag=True, help="Step through the run and print where its cycles went.")
@click.option("--debug", is_flag=True, help="Obey debug.* and trace.* instructions (with --json they print to standard error).")
@core_option
def command(
    console: Console,
    file: str,
    inputs: str | None,
    libraries: tuple[str, ...],
    stack: str | None,
    outputs: int,
    max_cycles: int | None,
    deadline: float | None,
    backend: str | None,
    profile: bool,
    debug: bool,
    core: str | None,
) -> int:
    """Run the program in FILE, source text or serialized (- for standard input).

    Prints the program's hash, its stack outputs (top first), its cycles, the time they took and the cycle rate.
    """
    from miden.cli.artifacts import load_core
    from miden.cli.files import load_inputs, load_program
    from miden.vm.backends import get_backend
    from miden.vm.host import Host
    from miden.vm.inputs import AdviceInputs, StackInputs
    from miden.vm.options import DEFAULT_LIMITS, Limits
    from miden.vm.processor import Processor

    limits = Limits(max_cycles=DEFAULT_LIMITS.max_cycles if max_cycles is None else max_cycles, deadline=deadline)
    machine = get_backend(backend)
    core_library = load_core(core, console)
    program = load_program(file, console, core=core_library)
    found = load_inputs(file, inputs)
    stack_inputs = parse_stack(stack) if stack is not None else found.stack if found else StackInputs()
    advice = found.advice if found else AdviceInputs()
    host = Host(output=sys.stderr if console.json else sys.stdout, core=core_library or True)
    for path in libraries:
        from miden.cli.artifacts import load_any

        host.add_library(load_any(path, console).artifact)
    counts = None
    started = time.perf_counter_ns()
    processor = Processor(program, stack_inputs, advice, host, machine, limits, debug)
    if profile:
        from miden.cli.profiling import Profile

        counts = Profile()
        counts.run(processor)
    else:
        processor.run()
    elapsed = time.perf_counter_ns() - started
    output = processor.output()
    facts: dict[str, Any] = {
        "hash": program.hash.to_hex(),
        "stack": list(output.stack)[:outputs],
        "cycles": output.cycles,
        "time_ns": elapsed,
        "mhz": round(output.cycles * 1e3 / elapsed, 3),
        "backend": machine.name,
    }
    if counts is not None:
        facts["profile"] = counts.to_dict()
    if console.json:
        console.document(facts)
        return 0
    console.facts(
        [
            ("hash", console.style(facts["hash"], "digest")),
            ("stack", console.style(" ".join(map(str, facts["stack"])), "value")),
            ("cycles", f"{output.cycles:,}"),
            ("time", f"{_duration(elapsed)}, {facts['mhz']:.3g} MHz on the {machine.name} backend"),
        ]
    )
    if counts is not None:
        _print_profile(console, facts["profile"])
    return 0


def _print_profile(console: Console, profile: dict[str, Any]) -> None:
    for title, entries in profile.items():
        console.print()
        rows = [(f"{entry['cycles']:,}", f"{entry['share']:.1%}", entry["name"]) for entry in entries[:LISTED]]
        console.table(("cycles", "share", title), rows)
        if len(entries) > LISTED:
            console.print(f"and {len(entries) - LISTED} more; --json lists them all")


def parse_stack(text: str) -> StackInputs:
    """Read ``3,5``: integers in decimal or with 0x, top first."""
    from miden.vm.inputs import StackInputs

    values = []
    for part in text.split(",") if text.strip() else ():
        try:
            values.append(int(part, 0))
        except ValueError:
            raise click.BadParameter(f"expected integers separated by commas, found {part[:40]!r}", param_hint="--stack") from None
    return StackInputs.from_top(values)


def _duration(nanoseconds: int) -> str:
    for unit, size in (("s", 10**9), ("ms", 10**6)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds / 1e3:.3g} µs"
