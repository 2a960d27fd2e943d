"""The core library is at hand without being asked for, costs nothing until it is named, and another can take its place."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import miden
from miden.corelib import core_bytes, core_forest, core_library, link_core
from tests.support.reference import PATH, SKIP_REASON, Reference

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DIVISION = "use miden::core::math::u64 begin exec.u64::div exec.::miden::core::sys::truncate_stack end"
STACK = [0, 7, 0, 100]


@pytest.fixture
def other() -> miden.Library:
    """A library with the path of a procedure of the core library that leaves 99."""
    return miden.Assembler().assemble_library({"miden::core::math::u64": "pub proc div push.99 swap drop end"})


def test_a_program_that_names_it_is_linked_and_runs(backend: str) -> None:
    program = miden.assemble(DIVISION)
    assert program.forest.summary()["external"] == 2
    assert miden.execute(program, stack=STACK, backend=backend).stack[:2] == [0, 14]


def test_every_spelling_of_a_path_finds_it() -> None:
    hashes = {
        miden.assemble(source).hash
        for source in (
            "begin exec.::miden::core::math::u64::eqz end",
            "begin exec.miden::core::math::u64::eqz end",
            "use miden::core::math::u64 begin exec.u64::eqz end",
            "use ::miden::core::math::u64 begin exec.u64::eqz end",
            "use miden::core::math::u64->numbers begin exec.numbers::eqz end",
            "use miden::core::math::u64::eqz begin exec.eqz end",
        )
    }
    assert len(hashes) == 1


def test_a_name_that_it_has_not_is_an_error_with_a_place() -> None:
    with pytest.raises(miden.LinkError, match="undefined symbol") as caught:
        miden.assemble("begin exec.::miden::core::math::u64::nothing end")
    assert caught.value.diagnostics[0].source is not None


def test_it_can_be_left_out() -> None:
    with pytest.raises(miden.LinkError, match="undefined symbol"):
        miden.assemble(DIVISION, core=False)
    with pytest.raises(miden.LinkError, match="undefined symbol"):
        miden.Assembler().assemble_program(DIVISION)
    with pytest.raises(miden.ExecutionError, match="no MAST forest contains"):
        miden.execute(miden.assemble(DIVISION), stack=STACK, host=miden.Host(core=False))


def test_a_host_of_ones_own_serves_it_too() -> None:
    host = miden.Host(handlers={"app::answer": lambda _: [miden.ExtendStack([42])]})
    source = 'use miden::core::math::u64 begin exec.u64::mod emit.event("app::answer") adv_push.1 movup.15 drop end'
    assert miden.execute(miden.assemble(source), stack=STACK, host=host).stack[:3] == [42, 0, 2]


def test_a_handler_of_ones_own_comes_first() -> None:
    def refuse(state: object) -> None:
        raise ValueError("not today")

    host = miden.Host(handlers={"miden::core::math::u64::u64_div": refuse})
    with pytest.raises(miden.ExecutionError, match="not today"):
        miden.execute(miden.assemble(DIVISION), stack=STACK, host=host)


def test_the_name_of_its_event_is_in_an_error() -> None:
    with pytest.raises(miden.ExecutionError, match=r"miden::core::math::u64::u64_div.*division by zero"):
        miden.execute(miden.assemble(DIVISION), stack=[0, 0, 0, 1])


def test_another_library_takes_its_place(other: miden.Library) -> None:
    program = miden.assemble("begin exec.::miden::core::math::u64::div end", core=other)
    assert miden.execute(program, stack=STACK, host=miden.Host(core=other)).stack[0] == 99


def test_modules_that_were_linked_otherwise_come_first(other: miden.Library) -> None:
    assembler = miden.Assembler()
    link_core(assembler)
    assembler.link_library(other, kind="static")
    program = assembler.assemble_program("begin exec.::miden::core::math::u64::div exec.::miden::core::sys::truncate_stack end")
    assert miden.execute(program, stack=STACK).stack[0] == 99


def test_phantom_calls_of_its_procedures_are_none() -> None:
    digest = core_library().exports["::miden::core::math::u64::eqz"]
    assert digest is not None
    source = f"begin exec.{digest.to_hex()} end"
    assert miden.assemble(source, phantom_calls=False).forest.summary()["external"] == 1
    with pytest.raises(miden.LinkError, match="no linked module"):
        miden.assemble(source, phantom_calls=False, core=False)


def test_a_program_that_does_not_name_it_loads_nothing_of_it() -> None:
    code = "import sys, miden; miden.execute(miden.assemble('begin push.1 drop end')); print([m for m in sys.modules if 'corelib.' in m])"
    code += "; import miden.corelib as c; assert c._forest is None"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_running_a_program_loads_its_code_only() -> None:
    program = miden.assemble("begin exec.::miden::core::math::u64::eqz end").to_bytes().hex()
    code = f"import miden; o = miden.execute(miden.Program.from_bytes(bytes.fromhex({program!r})), stack=[0, 0]); assert o.stack[0] == 1"
    code += "; import miden.corelib as c; assert c._forest is not None and c._library is None"
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)


def test_the_file_is_what_the_sources_say() -> None:
    from miden.corelib.build import assemble_core_library

    assert core_bytes() == assemble_core_library().to_bytes()
    assert miden.Library.from_bytes(core_bytes()) == core_library()
    assert core_library().forest is core_forest()


# --- the command line


def test_run_and_assemble_link_it(cli: Callable[..., Any], masm: Callable[..., Path]) -> None:
    path = masm(DIVISION)
    assert cli("run", path, "--stack", "0,7,0,100", "--json").json["stack"][:2] == [0, 14]
    assert cli("assemble", path).code == 0
    assert cli("run", path.with_suffix(".masb"), "--stack", "0,7,0,100", "--json").json["stack"][:2] == [0, 14]


def test_core_names_a_library_in_its_place(
    cli: Callable[..., Any], masm: Callable[..., Path], tmp_path: Path, other: miden.Library
) -> None:
    library = tmp_path / "other.masl"
    library.write_bytes(other.to_bytes())
    path = masm("begin exec.::miden::core::math::u64::div end")
    for verb in (("run", path, "--stack", "0,7,0,100"), ("hash", path), ("assemble", path)):
        answers = [cli(*verb, *more, "--json").json for more in ((), ("--core", library))]
        assert answers[0]["hash"] != answers[1]["hash"]
    assert cli("run", path, "--core", library, "--json").json["stack"][0] == 99
    assert cli("run", path, "--core", path).code == 3
    assert cli("run", path, "--core", tmp_path / "none").code != 0


def test_bundle_and_build_link_it(cli: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    folder.mkdir()
    (folder / "a.masm").write_text("use miden::core::math::u64\npub proc half push.2 push.0 exec.u64::div end\n", encoding="utf-8")
    output = tmp_path / "lib.masl"
    assert cli("bundle", folder, "-o", output, "--namespace", "lib").code == 0
    program = tmp_path / "p.masm"
    program.write_text("begin exec.::miden::core::math::u64::eqz end", encoding="utf-8")
    assert miden.Library.from_bytes(output.read_bytes()).forest.summary()["external"] == 1
    assert cli("new", tmp_path / "project").code == 0
    main = next((tmp_path / "project").rglob("*.masm"))
    main.write_text(main.read_text(encoding="utf-8").replace("\nend", "\n    exec.::miden::core::math::u64::eqz\nend", 1), encoding="utf-8")
    assert cli("build", tmp_path / "project").code == 0


# --- the reference's own file


@pytest.mark.oracle
@pytest.mark.skipif(not PATH, reason=SKIP_REASON)
def test_the_references_file_gives_the_references_programs(cli: Callable[..., Any], masm: Callable[..., Path], tmp_path: Path) -> None:
    from tests.differential.test_core_library import draw

    with Reference() as reference:
        data = bytes.fromhex(reference.ask("corelib", bytes=True)["bytes"])
        file = tmp_path / "reference.masl"
        file.write_bytes(data)
        for seed in range(12):
            source, stack = draw(random.Random(f"linking {seed}"))
            path = masm(source, name=f"p{seed}.masm")
            listed = ",".join(map(str, stack))
            expect = reference.ask("program", source=source, corelib="dynamic", run={"stack": stack[::-1]})
            theirs = cli("run", path, "--core", file, "--stack", listed, "--json")
            ours = cli("run", path, "--stack", listed, "--json")
            if "stack" not in expect:
                assert theirs.code == ours.code == 1
                continue
            assert (theirs.json["hash"], theirs.json["stack"]) == ("0x" + expect["hash"], expect["stack"])
            assert theirs.json["cycles"] == expect["cycles"]
            assert ours.json["stack"] == expect["stack"]
            assert ours.json["cycles"] <= expect["cycles"]


def test_doc_knows_its_modules(cli: Callable[..., Any]) -> None:
    [module] = cli("doc", "miden::core::math::u64", "--json").json["modules"]
    assert module["path"] == "miden::core::math::u64"
    assert any(item["name"] == "divmod" and "Cycles:" in item["docs"] for item in module["items"])
    assert len(cli("doc", "miden::core", "--json").json["modules"]) > 5
    assert cli("doc", "miden::core::nothing").code == 4


def test_doc_knows_the_library_of_actors(cli: Callable[..., Any]) -> None:
    [module] = cli("doc", "miden::actor::cbor", "--json").json["modules"]
    assert module["path"] == "miden::actor::cbor"
    assert any(item["name"] == "read_uint" for item in module["items"])
    assert len(cli("doc", "miden::actor", "--json").json["modules"]) == 8
    assert cli("doc", "miden::actor::nothing").code == 4
