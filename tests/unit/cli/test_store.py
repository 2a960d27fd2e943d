"""`miden store` and `miden run --root`, with the story of a library that is only in the store."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import miden
from tests.support.programs import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.unit.cli.conftest import Outcome

    Cli = Callable[..., Outcome]
    Masm = Callable[..., Path]

PROGRAM = "begin push.3 add swap drop end"


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDEN_STORE", str(tmp_path / "store"))
    config = tmp_path / "user.toml"
    config.touch()
    monkeypatch.setenv("MIDEN_CONFIG", str(config))


def put(cli: Cli, path: Path, *options: str) -> list[str]:
    outcome = cli("store", "put", path, "--json", *options)
    assert outcome.code == 0, outcome.err
    return [root for entry in outcome.json["put"] for root in entry["roots"]]


# -- the story


USED = (3, 7, 8, 19, 23, 42, 49)
"""Procedures, of fifty, that the program calls: some by name, some by a root that it computes with."""


def library_of_fifty() -> miden.Library:
    procedures = "\n".join(f"pub proc p{number}\n    push.{number + 2} mul push.{number} add\nend" for number in range(50))
    return miden.Assembler().assemble_library({"lib::fifty": procedures})


def caller(library: miden.Library, kind: str) -> miden.Program:
    def dynamic(number: int, instruction: str) -> str:
        root = library.exports[f"::lib::fifty::p{number}"]
        assert root is not None
        return f"push.{'.'.join(map(str, root))} mem_storew_be.40 dropw push.40 {instruction}"

    calls = [f"exec.fifty::p{number}" for number in USED[:3]]
    calls += [dynamic(number, "dynexec") for number in USED[3:5]]
    calls += [dynamic(number, "dyncall") for number in USED[5:]]
    assembler = miden.Assembler()
    assembler.link_library(library, kind=kind)
    return assembler.assemble_program("use lib::fifty\nbegin\n" + "\n".join(calls) + "\nend")


def run_in_new_process(*arguments: str) -> Any:
    result = subprocess.run([sys.executable, "-m", "miden", *arguments], capture_output=True, text=True, check=False, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize(("policy", "objects"), [("procedures", 1 + len(USED)), ("whole", 2)])
def test_a_program_runs_by_its_root_and_reads_exactly_what_it_needs(cli: Cli, tmp_path: Path, policy: str, objects: int) -> None:
    library = library_of_fifty()
    linked = miden.execute(caller(library, "dynamic"), stack=[5], host=miden.Host([library]))
    assert list(miden.execute(caller(library, "static"), stack=[5], host=miden.Host([library])).stack) == list(linked.stack)
    paths = {"lib.masl": library.to_bytes(), "main.masb": caller(library, "dynamic").to_bytes()}
    for name, data in paths.items():
        (tmp_path / name).write_bytes(data)
    assert cli("store", "init", "--policy", policy).code == 0
    assert len(put(cli, tmp_path / "lib.masl")) == 50
    [root] = put(cli, tmp_path / "main.masb")
    for name in paths:
        (tmp_path / name).unlink()
    facts = run_in_new_process("run", "--root", root, "--stack", "5", "--json")
    assert facts["hash"] == root
    assert facts["stack"] == list(linked.stack)[:16]
    assert facts["cycles"] == linked.cycles
    [counters] = facts["store"].values()
    assert counters["found"] == objects
    assert counters["asked"] == objects
    assert counters["trusted"] == objects
    assert counters["refused"] == 0


def test_a_file_runs_with_a_store_behind_it(cli: Cli, tmp_path: Path) -> None:
    library = library_of_fifty()
    (tmp_path / "lib.masl").write_bytes(library.to_bytes())
    (tmp_path / "main.masb").write_bytes(caller(library, "dynamic").to_bytes())
    put(cli, tmp_path / "lib.masl")
    outcome = cli("run", tmp_path / "main.masb", "--store", tmp_path / "store", "--prefetch", "--stack", "5", "--json")
    assert outcome.json["stack"][0] == miden.execute(caller(library, "static"), stack=[5], host=miden.Host([library])).stack[0]
    missing = cli("run", tmp_path / "main.masb", "--store", f"sqlite:{tmp_path}/empty.sqlite")
    assert missing.code == 1
    assert "ObjectNotFound" in missing.err
    assert "sqlite:" in missing.err


def test_what_to_run_is_said_once(cli: Cli, masm: Masm) -> None:
    assert cli("run").code == 2
    outcome = cli("run", masm(PROGRAM), "--root", "0x" + "00" * 32)
    assert outcome.code == 2
    assert "either FILE or --root" in outcome.err


def test_a_root_that_is_nowhere_exits_with_4(cli: Cli) -> None:
    cli("store", "init")
    outcome = cli("run", "--root", "0x" + "00" * 32, "--json")
    assert outcome.code == 4
    assert outcome.json["error"]["kind"] == "ObjectNotFound"
    assert len(outcome.json["error"]["asked"]) == 1


# -- the verbs


def test_put_prints_roots_and_says_what_was_added(cli: Cli, masm: Masm) -> None:
    path = masm(PROGRAM)
    outcome = cli("store", "put", path)
    root = miden.assemble(PROGRAM).hash.to_hex()
    assert outcome.out == f"{root}  {path}\n"
    assert "added 1 object" in outcome.err
    assert "added 0 objects, 0 bytes" in cli("store", "put", path).err
    assert cli("store", "ls").out == f"{root}\n"


def test_ls_and_stat_tell_what_is_there(cli: Cli, masm: Masm) -> None:
    [root] = put(cli, masm(PROGRAM), "--owner", "a test")
    [row] = cli("store", "ls", "--long", "--json").json["roots"]
    assert row == {"root": root, "kind": "program", "bytes": row["bytes"], "roots": 1, "links": 0, "pins": ["a test"]}
    assert "a test" in cli("store", "ls", "-l").out
    facts = cli("store", "stat", "--json").json
    assert (facts["policy"], facts["pins"]) == ("whole", 1)
    assert [stat["objects"] for stat in facts["providers"].values()] == [1]
    assert "objects" in cli("store", "stat").out
    one = cli("store", "stat", root, "--json").json
    assert (one["kind"], one["roots"], one["nodes"], one["pinned_by"]) == ("program", [root], 1, ["a test"])
    assert one["roots_commitment"].startswith("0x")
    assert root in cli("store", "stat", root).out


def test_get_writes_a_program_that_runs(cli: Cli, masm: Masm, tmp_path: Path) -> None:
    [root] = put(cli, masm(PROGRAM))
    out = tmp_path / "out.masb"
    assert cli("store", "get", root, "-o", out).code == 0
    assert cli("run", out, "--stack", "4", "--json").json["stack"][0] == 7
    assert cli("store", "get", root, "-o", out).code == 3
    assert cli("store", "get", root, "-o", out, "--force", "--object", "--json").json["bytes"] == out.stat().st_size
    assert out.read_bytes().startswith(b"\x89MIOBJ\r\n")


def test_cat_prints_the_nodes(cli: Cli, masm: Masm) -> None:
    [root] = put(cli, masm(PROGRAM))
    assert "push(3) add swap drop" in cli("store", "cat", root).out
    assert [node["kind"] for node in cli("store", "cat", root, "--json").json["nodes"]] == ["block"]


def test_pins_keep_what_gc_would_delete(cli: Cli, masm: Masm) -> None:
    [root] = put(cli, masm(PROGRAM))
    [other] = put(cli, masm("begin push.9 drop end", name="other.masm"), "--no-pin")
    assert cli("store", "pin", "--json").json == {"pins": {"manual": [root]}}
    assert cli("store", "gc", "--json").json["removed"] == 0
    dry = cli("store", "gc", "--grace", "0", "--dry-run", "--json").json
    assert (dry["removed"], dry["removed_roots"]) == (1, [other])
    assert "deleted 1 object" in cli("store", "gc", "--grace", "0s").out
    assert cli("store", "ls").out == f"{root}\n"
    refused = cli("store", "rm", root)
    assert refused.code == 3
    assert "Pinned" in refused.err
    assert cli("store", "unpin", root).code == 0
    assert cli("store", "unpin", root, "--json").code == 4
    assert cli("store", "pin", root, "--owner", "x").code == 0
    assert root in cli("store", "pin").out
    assert cli("store", "rm", root, "--force", "--json").json == {"removed": [root], "absent": []}
    assert cli("store", "rm", root).code == 4
    assert cli("store", "pin", root).code == 4


@pytest.mark.parametrize("grace", ["", "-1", "1w", "soon"])
def test_a_grace_period_is_a_time(cli: Cli, grace: str) -> None:
    cli("store", "init")
    assert cli("store", "gc", "--grace", grace).code == 2


def test_fsck_finds_damage_and_exits_with_5(cli: Cli, masm: Masm, tmp_path: Path) -> None:
    [root] = put(cli, masm(PROGRAM))
    assert cli("store", "fsck", "--json").json["clean"]
    assert "clean" in cli("store", "fsck").out
    [path] = [path for path in (tmp_path / "store" / "objects").rglob("*") if path.is_file()]
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    found = cli("store", "fsck")
    assert found.code == 5
    assert root in found.out
    assert cli("run", "--root", root).code == 5
    bundle = cli("store", "fsck", "--repair", "--json")
    assert bundle.code == 5  # nobody has another copy
    assert put(cli, masm(PROGRAM)) == [root]
    assert cli("run", "--root", root).code == 0
    assert cli("store", "fsck").code == 0


def test_fsck_mends_from_another_store(cli: Cli, masm: Masm, tmp_path: Path) -> None:
    [root] = put(cli, masm(PROGRAM))
    put(cli, masm(PROGRAM), "--store", f"sqlite:{tmp_path}/copy.sqlite")
    config = tmp_path / "user.toml"
    config.write_text(f'[[store.remotes]]\nkind = "sqlite"\nlocation = "{tmp_path}/copy.sqlite"\n', encoding="utf-8")
    [path] = [path for path in (tmp_path / "store" / "objects").rglob("*") if path.is_file()]
    path.chmod(0o644)
    path.write_bytes(b"x" * path.stat().st_size)
    outcome = cli("store", "fsck", "--repair")
    assert outcome.code == 0, outcome.out
    assert "mended" in outcome.out
    assert cli("run", "--root", root, "--stack", "1", "--json").json["stack"][0] == 4


def test_repack_keeps_everything(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "lib.masl").write_bytes(library_of_fifty().to_bytes())
    assert cli("store", "init", "--policy", "procedures").code == 0
    roots = put(cli, tmp_path / "lib.masl")
    facts = cli("store", "repack", "--full", "--json").json
    assert facts["objects"] == 50
    assert facts["after"] < facts["before"]
    assert cli("store", "ls").out.split() == sorted(roots)
    assert "packed" in cli("store", "repack", "--full").out
    assert cli("store", "fsck").code == 0


def test_a_closure_travels_as_one_file(cli: Cli, tmp_path: Path) -> None:
    library = library_of_fifty()
    (tmp_path / "lib.masl").write_bytes(library.to_bytes())
    (tmp_path / "main.masb").write_bytes(caller(library, "dynamic").to_bytes())
    cli("store", "init", "--policy", "procedures")
    put(cli, tmp_path / "lib.masl")
    [root] = put(cli, tmp_path / "main.masb")
    bundle = tmp_path / "main.mibdl"
    facts = cli("store", "export", root, "-o", bundle, "--json").json
    assert facts["objects"] == 4  # the program and the three procedures that it links to: dynamic ones are linked by nothing
    assert cli("store", "export", root, "-o", bundle).code == 3
    assert "4 objects" in cli("store", "export", root, "-o", bundle, "--force").err
    everything = cli("store", "export", "--all", "-o", tmp_path / "all.mibdl", "--json").json
    assert everything["objects"] == 51
    assert cli("store", "export", "-o", tmp_path / "none.mibdl").code == 3
    there = tmp_path / "there"
    outcome = cli("store", "import", tmp_path / "all.mibdl", "--store", there)
    assert (outcome.code, len(outcome.out.split())) == (0, 51)
    assert cli("store", "import", tmp_path / "all.mibdl", "--store", there, "--json").json["missing"] == []
    ran = cli("run", "--root", root, "--store", there, "--stack", "5", "--json")
    assert ran.json["stack"][0] == miden.execute(caller(library, "dynamic"), stack=[5], host=miden.Host([library])).stack[0]
    cli("store", "rm", *put(cli, tmp_path / "lib.masl")[:50], "--force")
    assert cli("store", "export", root, "-o", tmp_path / "part.mibdl").code == 4
    assert not (tmp_path / "part.mibdl").exists()
    part = cli("store", "export", root, "-o", tmp_path / "part.mibdl", "--partial")
    assert (part.code, part.err.count("is missing")) == (0, 3)
    assert list(tmp_path.glob(".miden-*")) == []


def test_init_again_keeps_what_is_there_and_changes_settings(cli: Cli, masm: Masm) -> None:
    assert "store" in cli("store", "init", "--quota", "1MiB").out
    [root] = put(cli, masm(PROGRAM))
    assert cli("store", "init", "--cache", "1MiB", "--cache-policy", "lru", "--json").json["cache"] == "1MiB"
    assert cli("store", "ls").out == f"{root}\n"
    assert cli("store", "init", "--quota", "lots").code == 3
    assert cli("store", "init", "sqlite:x", "--quota", "1").code == 3


def test_a_store_that_is_not_there_is_said_to_be_missing(cli: Cli, tmp_path: Path) -> None:
    for verb in (("ls",), ("gc",), ("fsck",), ("stat",), ("get", "0x" + "00" * 32)):
        outcome = cli("store", *verb)
        assert outcome.code == 4, verb
    assert not (tmp_path / "store").exists()
    outcome = cli("store", "ls", "--config", tmp_path / "absent.toml")
    assert outcome.code == 4


@pytest.fixture
def server(cli: Cli, masm: Masm, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Run `miden store serve` in its own process; yield its URL, and the root it has."""
    [root] = put(cli, masm(PROGRAM))
    command = [sys.executable, "-m", "miden", "store", "serve", "--bind", "127.0.0.1:0", "--store", str(tmp_path / "store")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), root
        process.terminate()


def test_another_machine_runs_what_a_server_has(cli: Cli, server: tuple[str, str], tmp_path: Path) -> None:
    url, root = server
    assert httpx.get(f"{url}/healthz", trust_env=False).json() == {"status": "ok"}
    config = tmp_path / "other.toml"
    config.write_text(f'[store]\npath = "{tmp_path}/other"\n[[store.remotes]]\nkind = "http"\nlocation = "{url}"\n', encoding="utf-8")
    cli("store", "init", tmp_path / "other")
    arguments = ("run", "--root", root, "--config", config, "--store", tmp_path / "other", "--stack", "4", "--json")
    first = cli(*arguments).json
    assert first["stack"][0] == 7
    assert first["store"][url]["verified"] == 1
    assert first["store"][str(tmp_path / "other")]["written_back"] == 1
    second = cli(*arguments).json
    assert second["store"][url]["asked"] == 0
    assert cli("store", "stat", root, "--store", url, "--json").json["root"] == root


def test_serve_says_what_is_wrong_with_an_address(cli: Cli) -> None:
    cli("store", "init")
    for address in ("here", "127.0.0.1:http", "127.0.0.1:99999"):
        assert cli("store", "serve", "--bind", address).code == 2
    outcome = cli("store", "serve", "--bind", "192.0.2.1:1")
    assert outcome.code == 7
    assert "CannotListen" in outcome.err


def test_a_store_is_a_store_wherever_it_is(cli: Cli, masm: Masm, tmp_path: Path) -> None:
    for place in (f"sqlite:{tmp_path}/a.sqlite", f"lmdb:{tmp_path}/b", f"file://{tmp_path}/c"):
        [root] = put(cli, masm(PROGRAM), "--store", place)
        assert cli("store", "ls", "--store", place).out == f"{root}\n"
        assert cli("run", "--root", root, "--store", place, "--stack", "4", "--json").json["stack"][0] == 7
        assert cli("store", "fsck", "--store", place).code == 0
        for verb in (("gc",), ("pin", root), ("unpin", root)):
            outcome = cli("store", *verb, "--store", place)
            assert (outcome.code, "NoPins" in outcome.err) == (3, True)
