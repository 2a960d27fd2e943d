"""Compare what we write and assemble with the reference, and print the counts.

usage: python tools/check_reference.py [--reference PATH] [--programs N] [--modules N] [--seed S]

Needs the reference harness (`../shared/reference`, built). Three parts:

1. Files: random programs, libraries, kernels and packages of ours, with and without debug information, are read by
   the reference with equal digests.
2. A generated project (a kernel with support modules, shared sources, libraries on libraries, static and dynamic,
   programs) is assembled by both: digests node for node, in order, and bytes; with the time of both.
3. The core library: the reference's file is read, verified and written again to equal bytes.

Exit code 1 if anything differs. The generators are those of the tests, in `tests/strategies`.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

import miden
from miden.package.package import PackageKind
from tests.strategies.masm import Generator
from tests.strategies.masm import program as draw_program
from tests.strategies.projects import build_steps, write_project
from tests.support.reference import PATH, Reference

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from tests.strategies.projects import Step


class Tally:
    """Counts of what was compared and what differed."""

    def __init__(self) -> None:
        self.counts: dict[str, list[int]] = {}

    def add(self, what: str, equal: bool, detail: str) -> None:
        """Count one comparison; say so if it failed."""
        count = self.counts.setdefault(what, [0, 0])
        count[0] += 1
        if not equal:
            count[1] += 1
            print(f"differs: {what}: {detail[:300]}")

    @property
    def failed(self) -> bool:
        """Whether anything differed, or nothing was compared."""
        return not self.counts or any(wrong for _, wrong in self.counts.values())


def hexes(forest: miden.MastForest) -> list[str]:
    """Return the digests of all nodes as the harness writes them."""
    return [digest.to_hex()[2:] for digest in forest.digests]


def draw_library(rng: random.Random, path: str, assembler: miden.Assembler, *, kernel: bool) -> miden.Library:
    """Draw a module of a few procedures and assemble it, as a kernel or as a library."""
    generator = Generator(rng)
    parts = ["#! A module.\n", f"pub const LIMIT = {rng.randrange(2**32)}", "#! A type.\npub type Amount = struct { low: u32, high: u32 }"]
    for number in range(rng.randint(1, 5)):
        size = rng.choice((0, 0, 4))
        text = generator.body(rng.randint(1, 12), 2, size).text()
        locals_ = f"@locals({size})\n" if size else ""
        parts.append(f"#! Does something.\n{locals_}pub proc p{number}(a: felt, b: u32) -> felt\n    {text}\nend")
    source = "\n\n".join(parts) + "\n"
    return assembler.assemble_kernel(source) if kernel else assembler.assemble_library({path: source})


def variants(artifact: miden.Program | miden.Library) -> Iterator[tuple[str, Any]]:
    """Yield an artifact with and without debug information."""
    yield "debug", artifact
    stripped = artifact.forest.strip_debug_info()
    if isinstance(artifact, miden.Program):
        yield "stripped", miden.Program(stripped, artifact.entrypoint, artifact.kernel)
    else:
        yield "stripped", type(artifact)(stripped, artifact.items)


def check_files(reference: Reference, tally: Tally, rng: random.Random, programs: int) -> None:
    """Let the reference read what we write."""
    for index in range(programs):
        kernel = draw_library(rng, "$kernel", miden.Assembler(), kernel=True) if index % 4 == 0 else None
        assembler = miden.Assembler(kernel=kernel if isinstance(kernel, miden.KernelLibrary) else None)
        program = assembler.assemble_program(draw_program(rng)["source"])
        library = draw_library(rng, f"lib{index}::a", miden.Assembler(), kernel=False)
        for form, made in variants(program):
            answer = reference.ask("load_program", hex=made.to_bytes().hex())
            equal = answer.get("hash") == made.hash.to_hex()[2:] and [node[1] for node in answer["nodes"]] == hexes(made.forest)
            tally.add(f"program, {form}", equal, str(answer))
        for what, source in (("library", library), ("kernel", kernel)):
            for form, made in variants(source) if source is not None else ():
                answer = reference.ask("load_library", hex=made.to_bytes().hex())
                equal = answer.get("digest") == made.digest.to_hex()[2:] and [node[1] for node in answer["nodes"]] == hexes(made.forest)
                exports = {path: digest and digest.to_hex()[2:] for path, digest in made.exports.items()}
                tally.add(f"{what}, {form}", equal and answer.get("exports") == exports, str(answer))
        for what, content in (("program", program), ("library", library)):
            for form, made in variants(content):
                package = miden.Package(f"package-{index}", made, version=f"1.{index}.0", description="drawn at random")
                answer = reference.ask("load_package", hex=package.to_bytes().hex())
                digest = made.hash if isinstance(made, miden.Program) else made.digest
                expected = {"name": package.name, "digest": digest.to_hex()[2:], "is_program": package.kind == PackageKind.EXECUTABLE}
                tally.add(f"package of a {what}, {form}", answer == expected, str(answer))


def check_project(reference: Reference, tally: Tally, rng: random.Random, modules: int) -> None:
    """Assemble one project on both sides."""
    with tempfile.TemporaryDirectory() as folder:
        steps, written = write_project(rng, Path(folder), modules, 10 * modules)
        print("project: " + ", ".join(f"{count:,} {what}" for what, count in written.items()))
        answer = reference.ask("plan", steps=steps, bytes=True)
        if "error" in answer:
            tally.add("steps of the project", equal=False, detail=answer["error"])
            return
        built = build_steps(steps)
    theirs = sum(step["ns"] for step in answer["steps"]) / 1e9
    for ours, expected in zip(built, answer["steps"], strict=True):
        check_step(tally, ours, expected)
    seconds = sum(step.seconds for step in built)
    print(f"  assembled in {seconds:.2f} s, the reference took {theirs:.2f} s: {seconds / theirs:.2f} of its time")


def check_step(tally: Tally, ours: Step, expected: dict[str, Any]) -> None:
    """Compare one artifact, and print a line about it."""
    forest = ours.artifact.forest
    same = [ours_digest == digest for ours_digest, digest in zip(hexes(forest), expected["digests"], strict=False)]
    equal = all(same) and len(forest) == len(expected["digests"])
    tally.add("artifacts, node for node", equal, f"{ours.name}: {sum(same)} of {len(expected['digests'])} nodes")
    tally.add("artifacts, bytes", ours.artifact.to_bytes().hex() == expected["bytes"], ours.name)
    print(f"  {ours.make:<8} {ours.name:<10} {len(forest):>6,} nodes  {ours.seconds:7.3f} s  reference {expected['ns'] / 1e9:7.3f} s")


def check_core_library(reference: Reference, tally: Tally) -> None:
    """Read, verify and write the reference's own library."""
    answer = reference.ask("corelib", bytes=True)
    data = bytes.fromhex(answer["bytes"])
    library = miden.Library.from_bytes(data)
    tally.add("core library, bytes", library.to_bytes() == data, f"{len(data)} bytes")
    tally.add("core library, node for node", hexes(library.forest) == [node[1] for node in answer["nodes"]], "")


def main() -> int:
    """Run all parts and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", default=PATH, metavar="PATH", help="the harness; MIDEN_REFERENCE by default")
    parser.add_argument("--programs", type=int, default=200, help="how many programs and libraries to draw")
    parser.add_argument("--modules", type=int, default=200, help="modules of the project, of ten procedures each; 0 for none")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if not arguments.reference or not Path(arguments.reference).is_file():
        parser.error("this needs the reference harness: --reference PATH or MIDEN_REFERENCE")
    tally = Tally()
    rng = random.Random(arguments.seed)
    with Reference(arguments.reference) as reference:
        check_core_library(reference, tally)
        check_files(reference, tally, rng, arguments.programs)
        if arguments.modules:
            check_project(reference, tally, rng, arguments.modules)
    print(f"{'compared':<34} {'cases':>7} {'differ':>7}")
    for what, (cases, wrong) in tally.counts.items():
        print(f"{what:<34} {cases:>7,} {wrong:>7,}")
    return int(tally.failed)


if __name__ == "__main__":
    raise SystemExit(main())
