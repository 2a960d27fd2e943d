"""`miden run`: run a program."""

from __future__ import annotations

import os
import sys
import time

from miden.cli.parameters import Choice, FilePath, IntRange, Number, argument, flag, option
from miden.cli.places import PACKAGE_OPTIONS, Places, with_places
from miden.cli.verb import CORE_OPTION, MisuseError, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.cli.console import Console
    from miden.mast.forest import MastForest
    from miden.mast.library import Library
    from miden.mast.program import Program
    from miden.vm.inputs import StackInputs

VISIBLE = 16
"""Elements of the stack outputs."""

LISTED = 20
"""Rows of one table of a profile."""


@verb(
    "run",
    argument("file", FilePath(allow_dash=True), required=False),
    option(
        "-i",
        "--inputs",
        type=FilePath(),
        metavar="INPUTS",
        help="File of inputs; by default the one beside FILE with the extension .inputs, if any.",
    ),
    option(
        "-l",
        "--library",
        name="libraries",
        type=FilePath(),
        multiple=True,
        metavar="FILE",
        help="Library, kernel or package that the program needs at run time; may be given several times.",
    ),
    option("--root", metavar="ROOT", help="Run the program with this root from the store, in place of FILE."),
    option("--store", name="place", metavar="PLACE", help="Store that the program and what it calls come from; see miden store."),
    option("--config", type=FilePath(), metavar="FILE", help="Settings of the store; by default MIDEN_CONFIG, or the user's own file."),
    flag("--prefetch", help="Ask the store for all that a forest refers to at once."),
    option("--stack", metavar="A,B,..", help="Stack inputs, top first: with 3,5 the 3 is on top. In place of those of the inputs file."),
    option("-n", "--outputs", type=IntRange(0, VISIBLE), default=VISIBLE, help="How many stack outputs to print; 16 by default."),
    option("--max-cycles", type=IntRange(1), metavar="N", help="End the run before it uses more than N cycles; 2^29 by default."),
    option("--deadline", type=Number(), metavar="SECONDS", help="End the run after so much time."),
    option("--backend", type=Choice(["core", "pure"]), help="Machine to run on; core, if it is built, by default."),
    flag("--profile", help="Step through the run and print where its cycles went."),
    flag("--debug", help="Obey debug.* and trace.* instructions (with --json they print to standard error)."),
    flag("--lazy", help="Install packages that a program needs when the run first needs them."),
    CORE_OPTION,
    *PACKAGE_OPTIONS,
)
@with_places
def command(
    console: Console,
    file: str | None,
    inputs: str | None,
    libraries: tuple[str, ...],
    root: str | None,
    place: str | None,
    config: str | None,
    prefetch: bool,
    stack: str | None,
    outputs: int,
    max_cycles: int | None,
    deadline: float | None,
    backend: str | None,
    profile: bool,
    debug: bool,
    lazy: bool,
    core: str | None,
    places: Places,
) -> int:
    """Run the program in FILE, source text or serialized (- for standard input), or the one that the store has under a root.

    FILE may be a package too, as NAME[@VERSION][::PROCEDURE]: it is installed if it is not, and its program is run, or the
    procedure. What a package was linked with is installed before the run, or with --lazy when the run first needs it.
    With --root or --store, procedures that the program does not have itself come from the store while it runs.
    Prints the program's hash, its stack outputs (top first), its cycles, the time they took and the cycle rate.
    """
    from miden.cli.files import PACKAGE_MAGIC, load_inputs, load_program, read_bytes
    from miden.errors import ExecutionError
    from miden.vm.backends import get_backend
    from miden.vm.inputs import AdviceInputs, StackInputs
    from miden.vm.options import DEFAULT_LIMITS, Limits
    from miden.vm.processor import Processor

    if (file is None) == (root is None):
        raise MisuseError("give either FILE or --root")
    limits = Limits(max_cycles=DEFAULT_LIMITS.max_cycles if max_cycles is None else max_cycles, deadline=deadline)
    machine = get_backend(backend)
    given = _load(libraries, console)
    core_library = _load_core(core, console)
    store = None
    key = None
    if root is not None:
        from miden.store.keys import as_key

        key = as_key(root)
    if key is not None or place is not None or config is not None:
        from miden.cli.store.places import find_store

        store = find_store(place, config)
    running = None
    if key is not None and store is not None:
        program = store.get_program(key)
    else:
        assert file is not None
        reference = None
        if file != "-" and not os.path.lexists(file):
            from miden.cli.running import Running, package_reference

            reference = package_reference(file)
        if reference is not None:
            running = Running(console, places, core_library, lazy=lazy)
            program = running.program_of(reference)
            file = "-"
        else:
            data = read_bytes(file)
            program = load_program(file, console, data=data, core=core_library)
            if store is None and data.startswith(PACKAGE_MAGIC):
                from miden.cli.running import Running

                running = Running(console, places, core_library, lazy=lazy)
                running.prepare(data, given)
        store = store if running is None else running.store or store
    found = load_inputs(file or "-", inputs)
    stack_inputs = parse_stack(stack) if stack is not None else found.stack if found else StackInputs()
    advice = found.advice if found else AdviceInputs()
    host = None
    if given or store is not None or console.json or core_library is not None:
        from miden.vm.host import Host

        output_to = sys.stderr if console.json else sys.stdout
        host = Host(given, store=store, prefetch=prefetch, output=output_to, core=core_library or True)
    counts = None
    started = time.perf_counter_ns()
    processor = Processor(program, stack_inputs, advice, host, machine, limits, debug)
    try:
        if profile:
            from miden.cli.profiling import Profile

            counts = Profile()
            counts.run(processor)
        else:
            processor.run()
    except ExecutionError as error:
        if running is not None:
            running.explain(error)
        raise
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
    if running is not None and running.installed:
        facts["installed"] = [f"{name}@{version}" for name, version in running.installed]
    if store is not None:
        facts["store"] = {name: counters._asdict() for name, counters in store.counters.providers.items()}
        store.close()
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


def _load(libraries: tuple[str, ...], console: Console) -> list[Library | Program | MastForest]:
    if not libraries:
        return []
    from miden.cli.artifacts import load_any

    return [load_any(path, console).artifact for path in libraries]


def _load_core(path: str | None, console: Console) -> Library | None:
    if path is None:
        return None
    from miden.cli.artifacts import load_core

    return load_core(path, console)


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
            raise MisuseError(f"expected integers separated by commas, found {part[:40]!r}", option="--stack") from None
    return StackInputs.from_top(values)


def _duration(nanoseconds: int) -> str:
    for unit, size in (("s", 10**9), ("ms", 10**6)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds / 1e3:.3g} µs"
