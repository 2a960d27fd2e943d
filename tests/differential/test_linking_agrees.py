"""Random programs on random libraries and kernels are, byte for byte, what the reference makes of them.

Needs the reference harness (`../shared/reference`, built) named by MIDEN_REFERENCE; developers run it, CI does not.
MIDEN_SEED and MIDEN_EXAMPLES choose the cases.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

import miden

REFERENCE = os.environ.get("MIDEN_REFERENCE", "")
CASES = int(os.environ.get("MIDEN_EXAMPLES", "200"))

pytestmark = pytest.mark.skipif(not REFERENCE, reason="MIDEN_REFERENCE does not name the reference harness")

_PLAIN = """
add sub mul neg pow2 not eq eqw lt gte dropw padw dup.3 dup.8 swap.12 movup.10 movdn.9 dupw.1 cswap cdrop hash hmerge hperm
u32split u32and u32wrapping_add sdepth clk caller mem_load mem_store.5 mem_storew_le.8 adv_push.3 push.1 push.0 push.7 push.8.9.10
push.[1,0,3,4] add.0 add.1 add.2 add.7 mul.0 mul.1 sub.0 u32wrapping_add.0 u32div.1 u32shl.0 u32shl.3 u32or.0 u32and.0 u32lt.9
lt.3 eq.0 eq.1 exp.3 nop assert assert.err="boom" u32assert2.err="other" assert_eqw ext2mul emit emit.event("x")
adv.push_mapval adv.insert_hperm mtree_get u32popcnt push.3 push.4 push.5
"""
PLAIN = _PLAIN.split()
DECORATORS = ("debug.stack", "debug.stack.4", "debug.mem.3", "debug.local", "debug.adv_stack", "trace.1", "trace.2", "breakpoint")
CONSTANTS = {
    "int": ("5*2", ("push.{}", "add.{}", "mul.{}", "eq.{}", "u32wrapping_add.{}", "u32lt.{}", "mem_load.{}")),
    "zero": ("0", ("push.{}", "add.{}", "sub.{}", "u32shl.{}", "u32or.{}")),
    "word": ("[1,2,3,4]", ("push.{}", "push.{}[1]", "push.{}[1..3]")),
    "event": ('event("e")', ("emit.{}", "push.{}")),
    "text": ('"message"', ("assert.err={}", "mtree_verify.err={}")),
}


class Case:
    """One request to the harness: a kernel or none, up to two libraries, a program."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.decorators = self.rng.random() < 0.5
        self.request: dict[str, Any] = {"op": "program", "bytes": True, "libraries": []}
        syscalls: list[str] = []
        if self.rng.random() < 0.3:
            self.request["kernel"], names = self.module("$kernel", [])
            syscalls = [f"syscall.{name}" for name in names]
        known: list[str] = []
        for number in range(self.rng.randint(0, 2)):
            modules: dict[str, str] = {}
            inside = list(known)
            for path in self.rng.sample(("a", "a::b", "z"), self.rng.randint(1, 3)):
                modules[f"l{number}::{path}"], names = self.module(f"l{number}::{path}", inside)
                exported = [f"l{number}::{path}::{name}" for name in names]
                inside += exported
                known += exported
            self.request["libraries"].append({"modules": modules, "link": self.rng.choice(("static", "dynamic"))})
        self.request["source"], _ = self.module("$exec", known, syscalls)

    def module(self, path: str, known: list[str], extra: list[str] | None = None) -> tuple[str, list[str]]:
        """Return the source of a module and the names of its public procedures; the first one is public."""
        rng = self.rng
        program = path == "$exec"
        calls = list(extra or ())
        lines: list[str] = []
        for number, target in enumerate(rng.sample(known, min(len(known), rng.randint(0, 4)))):
            owner, _, name = target.rpartition("::")
            verb = rng.choice(("exec", "exec", "call", "procref"))
            spelling = rng.choice(("absolute", "full", "module", "item"))
            if spelling == "module":
                lines.append(f"use {owner}->al{number}")
                calls.append(f"{verb}.al{number}::{name}")
            elif spelling == "item":
                lines.append(f"use {target}->pr{number}")
                calls.append(f"{verb}.pr{number}")
            else:
                calls.append(f"{verb}.{'::' if spelling == 'absolute' else ''}{target}")
        if path != "$kernel" and rng.random() < 0.2:
            calls += ["dynexec", "dyncall"]
        immediates: list[str] = []
        for number, kind in enumerate(rng.sample(sorted(CONSTANTS), rng.randint(0, 3))):
            value, uses = CONSTANTS[kind]
            lines.append(f"const C{number} = {value}")
            immediates += [use.format(f"C{number}") for use in uses]
        public: list[str] = []
        for number, name in enumerate(rng.sample(("f", "g", "aa", "zz", "q"), rng.randint(1, 4))):
            size = rng.choice((0, 0, 1, 4, 8))
            body = self.body([*calls, *immediates], size, 2, 6)
            is_public = not program and (number == 0 or rng.random() < 0.7)
            lines.append(f"{f'@locals({size}) ' if size else ''}{'pub ' if is_public else ''}proc {name} {body} end")
            public += [name] if is_public else []
            calls += [f"exec.{name}", f"call.{name}", f"procref.{name}"]
        if program:
            lines.append(f"begin {self.body([*calls, *immediates], 0, 2, 8)} end")
        return "\n".join(lines) + "\n", public

    def body(self, special: list[str], size: int, depth: int, length: int) -> str:
        """Return instructions and nested blocks."""
        rng = self.rng
        parts: list[str] = []
        for _ in range(rng.randint(1, length)):
            draw = rng.random()
            if draw < 0.1 and self.decorators:
                parts.append(rng.choice(DECORATORS))
            elif draw < 0.35 and special:
                parts.append(rng.choice(special))
            elif draw < 0.4 and size:
                parts.append(rng.choice((f"loc_load.{rng.randrange(size)}", f"loc_store.{rng.randrange(size)}", "locaddr.0")))
            elif draw < 0.55 and depth:
                inner = [self.body(special, size, depth - 1, max(1, length - 2)) for _ in range(2)]
                shapes = ("if.true {} else {} end", "if.false {} end", "if.true else {} end", "while.true {} end", "repeat.3 {} end")
                parts.append(rng.choice(shapes).format(*inner))
            else:
                parts.append(rng.choice(PLAIN))
        return " ".join(parts)


def assemble(request: dict[str, Any]) -> tuple[miden.Program, list[miden.Library]]:
    kernel = miden.Assembler().assemble_kernel(request["kernel"]) if "kernel" in request else None
    assembler = miden.Assembler(kernel=kernel, compat="0.20.6")
    libraries: list[miden.Library] = []
    for spec in request["libraries"]:
        builder = miden.Assembler(compat="0.20.6")
        for earlier in libraries:
            builder.link_library(earlier)
        libraries.append(builder.assemble_library(dict(sorted(spec["modules"].items()))))
        assembler.link_library(libraries[-1], kind=spec["link"])
    return assembler.assemble_program(request["source"]), libraries


@pytest.fixture(scope="module")
def reference() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([REFERENCE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.terminate()


def ask(process: subprocess.Popen[str], request: dict[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    return answer


def test_random_libraries_and_programs_are_what_the_reference_makes_of_them(reference: subprocess.Popen[str]) -> None:
    start = int(os.environ.get("MIDEN_SEED", "0"))
    agreed = 0
    for seed in range(start, start + CASES):
        request = Case(seed).request
        expect = ask(reference, request)
        if "error" in expect:
            with pytest.raises(miden.AssemblyError):
                assemble(request)
            continue
        program, libraries = assemble(request)
        assert [library.to_bytes().hex() for library in libraries] == [facts["bytes"] for facts in expect["libraries"]], seed
        assert program.to_bytes().hex() == expect["bytes"], seed
        agreed += 1
    assert agreed > CASES // 2
