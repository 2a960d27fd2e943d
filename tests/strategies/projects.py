"""Random project trees: a kernel with support modules, libraries on libraries, shared sources, programs.

`write_project(rng, folder)` writes the files and returns the steps that build them, in the form of the ``plan`` request
of the reference harness; `build_steps` builds the same steps with our assembler. Modules have documentation, constants,
types, imports in every spelling, aliases, re-exports, signatures, locals, attributes, and bodies of every instruction.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import miden
from tests.strategies.masm import Generator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SHARES = {"shared": 10, "kernel": 10, "base": 30, "middle": 25, "top": 20, "programs": 5}
"""How many modules in a hundred go where."""

WORDS = "account asset auth bits block cell digest fee hash index key leaf list map math memo node note path proof queue root set slot sum table vault".split()  # noqa: SIM905, E501 -- a list of words reads best as one

LITERALS = ("2*3+4", "[1,2,3,4]", 'event("a::b")', '"a message"', "(7-3)//2")
"""Values of constants."""


class Step(NamedTuple):
    """An artifact that was built, and how long that took."""

    name: str
    make: str
    artifact: miden.Program | miden.Library
    seconds: float


class Exported(NamedTuple):
    """What a module shows to others.

    Constants and types that refer to other names are left out: the reference looks these up in the module that imports
    them (docs/compatibility.md).
    """

    path: str
    procedures: list[str]
    constants: list[str]
    types: list[str]


class Writer:
    """Writes one project below `folder`."""

    def __init__(self, rng: random.Random, folder: Path, modules: int, procedures: int) -> None:
        self.rng = rng
        self.folder = folder
        self.modules = modules
        self.per_module = max(1, procedures // modules)
        self.written = {"modules": 0, "procedures": 0, "lines": 0}

    def count(self, part: str) -> int:
        return max(1, self.modules * SHARES[part] // 100)

    # --- one module

    def module(self, path: str, known: Sequence[Exported], *, syscalls: Sequence[str] = (), reexports: bool = True) -> tuple[str, Exported]:
        """Return a module's text and what it exports."""
        rng = self.rng
        own = Exported(path, [], [], [])
        head, calls, constants, types = self.imports(own, known, reexports=reexports)
        calls += [f"syscall.{name}" for name in syscalls]
        for number in range(rng.randint(0, 4)):
            name = f"C{number}"
            value = rng.choice((*LITERALS, str(rng.randrange(2**32)), *constants[:1]))
            public = rng.random() < 0.5
            head.append(f"{'pub ' if public else ''}const {name} = {value}")
            if value[0] not in '["':
                constants.append(name)
                own.constants.extend([name] if public and value not in constants else [])
        for number in range(rng.randint(0, 2)):
            name = f"Kind{number}"
            value = rng.choice(("felt", "u32", "[u8; 4]", "struct { a: felt, b: u32 }", "ptr<felt>", *types[:1]))
            head.append(f"#! A type.\npub type {name} = {value}")
            own.types.extend([name] if value not in types else [])
            types.append(name)
        parts = ["#! What this module is for.\n#! It has two lines.\n", "\n".join(head)]
        for number in range(rng.randint(self.per_module // 2 + 1, self.per_module + self.per_module // 2)):
            parts.append(self.procedure(f"p{number}", own, calls, constants, types, public=number == 0 or rng.random() < 0.7))
        text = "\n\n".join(parts) + "\n"
        return text, own

    def imports(self, own: Exported, known: Sequence[Exported], *, reexports: bool) -> tuple[list[str], list[str], list[str], list[str]]:
        """Return import lines, and calls, constants and types that they make possible."""
        rng = self.rng
        lines: list[str] = []
        calls: list[str] = []
        constants: list[str] = []
        types: list[str] = []
        for number, other in enumerate(rng.sample(known, min(len(known), rng.randint(0, 6)))):
            if not other.procedures:
                continue
            verb = rng.choice(("exec", "exec", "exec", "call", "procref"))
            name = rng.choice(other.procedures)
            spelling = rng.randrange(5)
            if spelling == 0:
                lines.append(f"use {other.path}->m{number}")
                calls.append(f"{verb}.m{number}::{name}")
            elif spelling == 1:
                lines.append(f"use {other.path}::{name}->f{number}")
                calls.append(f"{verb}.f{number}")
            elif spelling == 2:
                calls.append(f"{verb}.::{other.path}::{name}")
            elif spelling == 3 and reexports:
                lines.append(f"#! Shown again.\npub use {other.path}::{name}->r{number}")
                own.procedures.append(f"r{number}")
                calls.append(f"{verb}.r{number}")
            else:
                calls.append(f"{verb}.{other.path}::{name}")
            if other.constants and rng.random() < 0.3:
                lines.append(f'use {other.path}::{rng.choice(other.constants)}->"K{number}"')
                constants.append(f"K{number}")
            if other.types and rng.random() < 0.3:
                lines.append(f"use {other.path}::{rng.choice(other.types)}->used{number}")
                types.append(f"used{number}")
        return lines, calls, constants, types

    def procedure(
        self, name: str, own: Exported, calls: list[str], constants: Sequence[str], types: Sequence[str], *, public: bool
    ) -> str:
        rng = self.rng
        size = rng.choice((0, 0, 0, 1, 4, 8))
        body = self.body(calls, constants, size, rng.randint(2, 14))
        attributes = [f"@locals({size})"] if size else []
        if rng.random() < 0.1:
            attributes.append(rng.choice(("@inline", "@note(kind = 3)", '@callconv("C")')))
        kind = rng.choice(types) if types else "felt"
        signature = rng.choice(("", "", f"(a: {kind}, b: felt) -> felt", "(a: word)", "() -> (felt, u32)"))
        docs = f"#! Does what {name} does.\n#!\n#! Inputs:  [a, b]\n#! Outputs: [c]\n" if rng.random() < 0.7 else ""
        lines = "".join(f"{attribute}\n" for attribute in attributes)
        self.written["procedures"] += 1
        calls.append(f"exec.{name}")
        if public:
            own.procedures.append(name)
        return f"{docs}{lines}{'pub ' if public else ''}proc {name}{signature}\n{body}\nend"

    def body(self, calls: Sequence[str], constants: Sequence[str], size: int, length: int) -> str:
        """Return lines of code: drawn bodies, with calls and named constants between them."""
        rng = self.rng
        generator = Generator(rng)
        lines: list[str] = []
        for _ in range(length):
            draw = rng.random()
            if draw < 0.3 and calls:
                call = rng.choice(calls)
                lines.append(call if not call.startswith("procref") else f"{call} dropw")
            elif draw < 0.4 and constants:
                lines.append(rng.choice(("push.{}", "add.{} drop", "eq.{}")).format(rng.choice(constants)))
            elif draw < 0.45:
                lines.append(rng.choice(('emit.event("x::y")', 'assert.err="it failed"', "u32assert2", "nop", "adv.push_mapval")))
            elif draw < 0.5:
                lines.append("# a comment\n    push.1 if.true\n        push.2\n    else\n        push.3\n    end")
            else:
                lines.extend(generator.body(rng.randint(1, 3), 1, size).lines)
        return "\n".join(f"    {line}" for line in lines)

    # --- many modules

    def paths(self, count: int) -> Iterator[tuple[Path, str]]:
        """Yield files and module paths of a directory tree, in no special order."""
        rng = self.rng
        names: dict[str, None] = {}
        while len(names) < count:
            parts = [rng.choice(WORDS) for _ in range(rng.choice((1, 1, 2, 2, 3)))]
            names.setdefault("/".join([*parts[:-1], parts[-1] + str(len(names))]))
        for name in names:
            as_directory = rng.random() < 0.1
            yield Path(name, "mod.masm") if as_directory else Path(name + ".masm"), name.replace("/", "::")

    def tree(self, folder: str, namespace: str, count: int, known: Sequence[Exported], **options: Any) -> list[Exported]:
        """Write `count` modules; each may use `known` and those before it. Return what they export."""
        inside: list[Exported] = []
        for file, path in self.paths(count):
            text, exported = self.module(f"{namespace}::{path}", [*known, *inside], **options)
            self.write(self.folder / folder / file, text)
            inside.append(exported)
        return inside

    def write(self, file: Path, text: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        self.written["modules"] += 1
        self.written["lines"] += text.count("\n")

    def project(self) -> list[dict[str, Any]]:
        """Write everything and return the steps."""
        rng, folder = self.rng, self.folder
        shared = self.tree("shared", "project::shared", self.count("shared"), [])
        support = self.tree("kernel/lib", "$kernel", self.count("kernel"), shared)
        text, api = self.module("$kernel", [*shared, *support], reexports=False)
        self.write(folder / "kernel" / "api.masm", text)
        source = [[str(folder / "shared"), "project::shared"]]
        steps: list[dict[str, Any]] = [
            {
                "make": "kernel",
                "name": "kernel",
                "path": str(folder / "kernel" / "api.masm"),
                "lib": str(folder / "kernel" / "lib"),
                "link_source": source,
            }
        ]
        base = self.tree("base", "base", self.count("base"), [])
        steps.append({"make": "library", "name": "base", "path": str(folder / "base"), "namespace": "base"})
        middle = self.tree("middle", "project::middle", self.count("middle"), base)
        link = {"path": str(folder / "middle"), "namespace": "project::middle", "dynamic": ["base"]}
        steps.append({"make": "library", "name": "middle", **link})
        top = self.tree("top", "top", self.count("top"), [*base, *middle, *shared], syscalls=api.procedures)
        link = {"path": str(folder / "top"), "namespace": "top", "dynamic": ["base"], "static": ["middle"]}
        steps.append({"make": "library", "name": "top", "kernel": "kernel", "link_source": source, **link})
        for number in range(self.count("programs")):
            kinds = {name: rng.choice(("dynamic", "static")) for name in ("base", "middle", "top")}
            text, own = self.module("$exec", [*base, *middle, *top, *shared], syscalls=api.procedures, reexports=False)
            calls = [f"exec.{name}" for name in own.procedures]
            text = text.replace("pub proc", "proc") + f"\nbegin\n{self.body(calls, [], 0, 8)}\nend\n"
            file = folder / f"program{number}.masm"
            self.write(file, text)
            link = {kind: [name for name, chosen in kinds.items() if chosen == kind] for kind in ("dynamic", "static")}
            program = {"make": "program", "name": f"program{number}", "path": str(file)}
            steps.append({**program, "kernel": "kernel", "link_source": source, **link})
        return steps


def write_project(
    rng: random.Random, folder: Path, modules: int = 200, procedures: int = 2000
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Write a project and return the steps that build it, and counts of what was written."""
    writer = Writer(rng, folder, modules, procedures)
    steps = writer.project()
    return steps, writer.written


def build_steps(steps: Sequence[Mapping[str, Any]], libraries: Mapping[str, miden.Library] | None = None) -> list[Step]:
    """Build the steps of a plan with our assembler, as the reference would (compat "0.20.6"), and time each.

    `libraries` are there before the first step, such as ``core``.
    """
    known = dict(libraries or {})
    kernels: dict[str, miden.KernelLibrary] = {}
    built: list[Step] = []
    for step in steps:
        began = time.perf_counter()
        assembler = miden.Assembler(kernel=kernels.get(step.get("kernel", "")), compat="0.20.6")
        for kind in ("dynamic", "static"):
            for name in step.get(kind, ()):
                assembler.link_library(known[name], kind=kind)
        for folder, namespace in step.get("link_source", ()):
            assembler.link_source(miden.read_modules(folder, namespace))
        artifact: miden.Program | miden.Library
        path = Path(step["path"])
        if step["make"] == "kernel":
            artifact = kernels[step["name"]] = assembler.assemble_kernel(path, miden.read_modules(step["lib"], "$kernel"))
        elif step["make"] == "program":
            artifact = assembler.assemble_program(path)
        else:
            modules = miden.read_modules(path, step["namespace"]) if path.is_dir() else {step["namespace"]: path}
            artifact = known[step["name"]] = assembler.assemble_library(modules)
        built.append(Step(step["name"], step["make"], artifact, time.perf_counter() - began))
    return built
