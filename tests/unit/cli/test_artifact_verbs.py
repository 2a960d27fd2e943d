"""The verbs that look into artifacts: inspect, disasm, diff, verify, size, strip, doc, graph."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import miden
from miden.package.container import Container
from miden.package.package import Dependency, Package, Section

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Outcome

    Cli = Callable[..., Outcome]

MODULES = {
    "demo::math": "@inline\npub proc double(a: felt) -> felt dup.0 add end\npub const FOUR = 4\npub proc far exec.0x" + "11" * 32 + " end",
    "demo::more": 'use demo::math\npub proc quad exec.math::double if.true nop else push.0 assert.err="no" end exec.math::double end',
}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Return one file of every kind, by kind."""
    library = miden.Assembler().assemble_library(MODULES)
    package = Package(
        "demo", library, version="1.0.0", dependencies=[Dependency("base", miden.Word((1, 2, 3, 4)))], sections=[Section("a", b"1")]
    )
    program = miden.assemble("begin push.1 if.true push.2 else push.3 end drop end")
    kernel = miden.Assembler().assemble_kernel("pub proc k caller end")
    contents = {
        "masm": b"begin push.1 drop end",
        "program": program.to_bytes(),
        "forest": library.forest.to_bytes(),
        "library": library.to_bytes(),
        "kernel": kernel.to_bytes(),
        "package": package.to_bytes(),
        "container": Container.wrap(package, custom=[("note", b"hi")]).to_bytes(),
        "compact": Container.wrap(program, compact=True).to_bytes(),
    }
    paths = {}
    for kind, data in contents.items():
        paths[kind] = tmp_path / kind
        paths[kind].write_bytes(data)
    return paths


KINDS = ("masm", "program", "forest", "library", "kernel", "package", "container", "compact")
VERBS = ("inspect", "disasm", "size", "graph")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_verb_takes_every_kind_of_file(cli: Cli, files: dict[str, Path], verb: str, kind: str) -> None:
    outcome = cli(verb, files[kind])
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out
    json.loads(cli(verb, files[kind], "--json").out)


@pytest.mark.parametrize("verb", [*VERBS, "verify"])
def test_damage_is_refused_with_the_code_of_integrity(cli: Cli, files: dict[str, Path], verb: str) -> None:
    data = bytearray(files["library"].read_bytes())
    data[data.index(b"\x30\x5a") + 5] ^= 1  # inside of the digest of a block
    files["library"].write_bytes(data)
    outcome = cli(verb, files["library"], "--json")
    assert outcome.code == 5
    assert outcome.json["error"]["kind"] == "DigestMismatch"


@pytest.mark.parametrize("verb", ["verify", "strip"])
def test_source_is_not_verified_nor_stripped(cli: Cli, files: dict[str, Path], verb: str, tmp_path: Path) -> None:
    assert cli(verb, files["masm"], *(["-o", tmp_path / "x"] if verb == "strip" else [])).code == 3


def test_inspect_shows_exports_dependencies_and_sections(cli: Cli, files: dict[str, Path]) -> None:
    text = cli("inspect", files["container"]).out
    for part in (
        "demo 1.0.0, library",
        "container of a package",
        "::demo::math",
        "double",
        "@inline",
        "constant 4",
        "base",
        "note",
        "0x" + "11" * 32,
    ):
        assert part in text
    facts = cli("inspect", files["package"], "--json", "--commitments").json
    assert facts["package"]["dependencies"][0]["name"] == "base"
    assert sum(facts["sections"].values()) == facts["bytes"]
    assert facts["forest"]["external"] == ["0x" + "11" * 32]
    assert set(facts["commitments"]) == {"roots", "content"}


def test_disasm_of_a_procedure_has_its_nodes_alone(cli: Cli, files: dict[str, Path]) -> None:
    nodes = cli("disasm", files["library"], "double", "--json").json["nodes"]
    assert [node["operations"] for node in nodes] == [["dup0", "add"]]
    assert cli("disasm", files["library"], "none").code == 4


def test_disasm_writes_masm_with_the_same_root(cli: Cli, files: dict[str, Path]) -> None:
    found = cli("disasm", files["program"], "--masm", "--json").json
    assert found["verified"]
    assert miden.assemble(found["masm"]).hash == miden.Program.from_bytes(files["program"].read_bytes()).hash
    assert cli("disasm", files["library"], "quad", "--masm").out.startswith("# ::demo::more::quad 0x")


def test_disasm_says_when_masm_cannot_say_it(cli: Cli, tmp_path: Path) -> None:
    builder = miden.ForestBuilder()
    builder.add_root(builder.add_join(builder.add_block(bytes([34])), builder.add_block(bytes([35]))))
    path = tmp_path / "forest"
    path.write_bytes(builder.build().to_bytes())
    outcome = cli("disasm", path, "--masm")
    assert outcome.code == 1
    assert "not the same root" in outcome.err


def test_diff_tells_equal_from_different(cli: Cli, files: dict[str, Path]) -> None:
    same = cli("diff", files["library"], files["library"])
    assert (same.code, same.out) == (0, "no difference\n")
    other = cli("diff", files["library"], files["package"])
    assert other.code == 1
    assert cli("diff", files["library"], files["package"], "--code").code == 0
    facts = cli("diff", files["program"], files["masm"], "--json").json
    assert not facts["same_code"]


def test_diff_lists_exports(cli: Cli, files: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "new"
    path.write_bytes(miden.Assembler().assemble_library({"demo::math": "pub proc double add end\npub proc extra mul end"}).to_bytes())
    text = cli("diff", files["library"], path).out
    for part in ("- ::demo::more::quad", "~ ::demo::math::double", "+ ::demo::math::extra", "a major step"):
        assert part in text


def test_verify_says_what_it_could_not_check(cli: Cli, files: dict[str, Path]) -> None:
    facts = cli("verify", files["library"], "--json").json
    assert facts["verified"]
    assert facts["external"] == ["0x" + "11" * 32]
    assert "not checked" in cli("verify", files["library"]).out


def test_verify_compares_pins(cli: Cli, files: dict[str, Path]) -> None:
    facts = cli("verify", files["package"], "--json").json
    assert cli("verify", files["package"], "--root", facts["root"], "--content", facts["content_commitment"]).code == 0
    for option in ("--root", "--content"):
        assert cli("verify", files["package"], option, "0x" + "01" * 32).code == 5
    assert cli("verify", files["package"], "--root", "0x12").code == 3


def test_size_lists_procedures_and_parts(cli: Cli, files: dict[str, Path]) -> None:
    facts = cli("size", files["library"], "--json").json
    assert sum(facts["sections"].values()) == facts["bytes"]
    assert {item["name"] for item in facts["procedures"]} == {"::demo::math::double", "::demo::math::far", "::demo::more::quad"}
    for order in ("own", "total", "name"):
        assert "procedure" in cli("size", files["library"], "--sort", order, "-n", "1").out


def test_strip_removes_debug_information_and_keeps_the_root(cli: Cli, files: dict[str, Path], tmp_path: Path) -> None:
    for kind in KINDS[1:]:
        before = cli("inspect", files[kind], "--json").json
        out = tmp_path / f"{kind}-stripped"
        assert cli("strip", files[kind], "-o", out).code == 0
        after = cli("inspect", out, "--json").json
        assert (after["root"], after["kind"]) == (before["root"], before["kind"])
        assert after["forest"]["decorators"] == after["forest"]["error_messages"] == 0
        assert after.get("container", {}).get("custom_sections") == before.get("container", {}).get("custom_sections")
        assert after.get("container", {}).get("compact") == before.get("container", {}).get("compact")


def test_strip_does_not_replace_by_accident(cli: Cli, files: dict[str, Path]) -> None:
    assert cli("strip", files["library"]).code == 2
    assert cli("strip", files["library"], "-o", files["package"]).code == 3
    before = files["library"].stat().st_size
    assert cli("strip", files["library"], "--in-place").code == 0
    assert files["library"].stat().st_size < before


def test_doc_writes_markdown_or_html(cli: Cli, files: dict[str, Path], tmp_path: Path) -> None:
    assert "### `double`" in cli("doc", files["package"]).out
    assert cli("doc", files["package"], "-o", tmp_path / "x.html").code == 0
    assert (tmp_path / "x.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert cli("doc", files["package"], "-o", tmp_path / "x.html").code == 3
    assert cli("doc", files["package"], "-o", tmp_path / "x.html", "--force").code == 0
    assert cli("doc", files["library"], "--json").json["modules"][0]["path"] == "demo::math"


def test_doc_reads_folders_and_single_modules(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    folder.mkdir()
    (folder / "a.masm").write_text("#! A module.\n\n#! Does.\npub proc f nop end", encoding="utf-8")
    for path in (folder, folder / "a.masm"):
        text = cli("doc", path, "--title", "Mine").out
        assert text.startswith("# Mine")
        assert "A module." in text
        assert "Does." in text
    (tmp_path / "empty").mkdir()
    assert cli("doc", tmp_path / "empty").code == 4


def test_graph_writes_dot_or_svg(cli: Cli, files: dict[str, Path], tmp_path: Path) -> None:
    assert cli("graph", files["library"], "quad").out.startswith("digraph mast {")
    assert cli("graph", files["library"], "--svg").out.startswith("<svg ")
    assert cli("graph", files["library"], "-o", tmp_path / "x.svg").code == 0
    assert (tmp_path / "x.svg").read_text(encoding="utf-8").startswith("<svg ")


def test_run_takes_executable_packages_and_refuses_libraries(cli: Cli, files: dict[str, Path]) -> None:
    assert cli("run", files["compact"]).code == 0
    outcome = cli("run", files["package"])
    assert outcome.code == 3
    assert "holds no program" in outcome.err


def test_run_takes_the_libraries_that_a_program_needs(cli: Cli, tmp_path: Path) -> None:
    cli("new", "--kernel", tmp_path / "system")
    cli("new", tmp_path / "app")
    with (tmp_path / "app/miden-project.toml").open("a", encoding="utf-8") as file:
        file.write('[dependencies]\nsystem = { path = "../system" }\n')
    (tmp_path / "app/src/main.masm").write_text("begin syscall.whoami dropw end", encoding="utf-8")
    assert cli("build", tmp_path / "app").code == 0
    app = tmp_path / "app/target/app.masp"
    cli("build", tmp_path / "system")
    assert cli("run", app).code != 0
    for file in ("system.masp", "system.masl"):
        assert cli("run", app, "--library", tmp_path / "system/target" / file).code == 0
