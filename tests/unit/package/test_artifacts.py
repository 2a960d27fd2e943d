"""Telling files apart, naming procedures, and what artifacts are made of."""

from __future__ import annotations

import json

import pytest

import miden
from miden.errors import FormatError, InputError, NotFoundError
from miden.package.artifacts import KINDS, Loaded, load_artifact, sniff
from miden.package.container import Container
from miden.package.diffing import ArtifactDiff
from miden.package.docs import DocItem, DocModule, artifact_docs, decode_docs, encode_docs, html_page, markdown, source_docs
from miden.package.graph import dot, svg
from miden.package.naming import find_procedure, procedure_names
from miden.package.package import Package, Section
from miden.package.sizes import procedure_sizes, section_sizes
from tests.support.mast_vectors import FILES


@pytest.fixture
def contents(program: miden.Program, library: miden.Library, kernel: miden.KernelLibrary, package: Package) -> dict[str, bytes]:
    return {
        "masm": b"begin nop end",
        "forest": library.forest.to_bytes(),
        "program": program.to_bytes(),
        "library": library.to_bytes(),
        "kernel": kernel.to_bytes(),
        "package": package.to_bytes(),
        "container": Container.wrap(package).to_bytes(),
    }


def test_every_kind_of_file_is_known(contents: dict[str, bytes]) -> None:
    assert {name: sniff(data) for name, data in contents.items()} == {name: name for name in KINDS}


@pytest.mark.parametrize(("kind", "data"), [row[1:3] for row in FILES], ids=[row[0] for row in FILES])
def test_files_of_the_reference_are_told_apart(kind: str, data: bytes) -> None:
    assert sniff(data) == kind
    assert load_artifact(data).content.to_bytes() == data


def test_trusted_and_untrusted_loading_agree(contents: dict[str, bytes]) -> None:
    for name, data in contents.items():
        if name != "masm":
            assert load_artifact(data).content == load_artifact(data, trusted=True).content


def test_source_is_no_artifact() -> None:
    with pytest.raises(FormatError, match="neither a program"):
        load_artifact(b"begin nop end")


def loaded_library(library: miden.Library) -> Loaded:
    return load_artifact(library.to_bytes())


# names


def test_procedures_are_found_as_people_name_them(library: miden.Library) -> None:
    loaded = loaded_library(library)
    node = library.items["::demo::math::half"].node  # type: ignore[union-attr]
    digest = "0x" + library.forest.digest_bytes(node).hex()
    for name in (
        "::demo::math::half",
        "demo::math::half",
        "half",
        "math::half",
        digest,
        digest[:10],
        digest.upper().replace("X", "x"),
        f"#{node}",
    ):
        assert find_procedure(loaded, name) == node


@pytest.mark.parametrize("name", ["none", "0x000000", "#99", "#", "#-1", "#1.5", "# 1", "", "0x", "#9999999999999"])
def test_what_is_no_procedure_is_not_found(library: miden.Library, name: str) -> None:
    with pytest.raises(NotFoundError):
        find_procedure(loaded_library(library), name)


def test_a_name_that_could_be_several_is_refused() -> None:
    library = miden.Assembler().assemble_library({"a::b": "pub proc f push.1 end", "a::c": "pub proc f push.2 end"})
    with pytest.raises(InputError, match="could be 2 procedures"):
        find_procedure(loaded_library(library), "f")


def test_procedures_without_a_name_are_named_by_debug_information() -> None:
    program = miden.assemble("proc helper push.1 if.true push.2 else push.3 end drop end begin exec.helper call.helper end")
    names = procedure_names(Loaded("program", program, b""))
    assert names[program.entrypoint] == ["$main"]
    assert [name for listed in names.values() for name in listed if "helper" in name]


# sizes


def test_parts_add_up_to_the_file(contents: dict[str, bytes]) -> None:
    for name, data in contents.items():
        if name != "masm":
            loaded = load_artifact(data)
            parts = section_sizes(loaded)
            assert sum(parts.values()) == len(data), name
            assert min(parts.values()) >= 0


def test_own_bytes_add_up_and_totals_count_what_is_shared() -> None:
    library = miden.Assembler().assemble_library(
        {"a::b": "proc deep push.1 if.true push.2 else push.3 end end\npub proc f exec.deep nop end\npub proc g exec.deep add end"}
    )
    sizes = {size.name: size for size in procedure_sizes(loaded_library(library))}
    f, g = sizes["::a::b::f"], sizes["::a::b::g"]
    parts = section_sizes(loaded_library(library))
    assert sum(size.own_bytes for size in sizes.values()) == parts["nodes"] + parts["operations"]
    assert sum(size.own_nodes for size in sizes.values()) == len(library.forest)
    assert f.total_nodes is not None
    assert g.total_nodes is not None
    assert f.total_nodes + g.total_nodes > len(library.forest)


# differences


def test_equal_artifacts_have_no_difference(package: Package) -> None:
    loaded = load_artifact(package.to_bytes())
    difference = ArtifactDiff(loaded, loaded)
    assert not difference
    assert difference.bump == "none"


def test_differences_are_by_path_and_digest() -> None:
    old = miden.Assembler().assemble_library({"a::b": "pub proc f push.1 end\npub proc g push.2 end\npub proc h push.3 end"})
    new = miden.Assembler().assemble_library({"a::b": "pub proc f push.1 end\npub proc g push.9 end\npub proc i push.3 end"})
    difference = ArtifactDiff(loaded_library(old), loaded_library(new))
    assert difference.added == ["::a::b::i"]
    assert difference.removed == ["::a::b::h"]
    assert list(difference.changed) == ["::a::b::g"]
    assert difference.bump == "major"
    assert json.dumps(difference.to_dict())


@pytest.mark.parametrize(
    ("new", "bump"),
    [
        ("pub proc f push.1 end\npub proc g push.2 end", "minor"),
        ("pub proc f push.2 end", "major"),
        ("pub proc f(a: felt) push.1 end", "major"),
        ("#! Documented.\n\npub proc f push.1 end", "patch"),
    ],
)
def test_the_step_of_the_version_follows_the_difference(new: str, bump: str) -> None:
    old = miden.Assembler().assemble_library({"a::b": "pub proc f push.1 end"})
    other = miden.Assembler().assemble_library({"a::b": new})
    assert ArtifactDiff(loaded_library(old), loaded_library(other)).bump == bump


def test_fields_of_packages_are_compared(library: miden.Library) -> None:
    first = Package("demo", library, version="1.0.0", sections=[Section("a", b"1")])
    second = Package("demo", library, version="1.0.1", sections=[Section("a", b"2")])
    difference = ArtifactDiff(load_artifact(first.to_bytes()), load_artifact(second.to_bytes()))
    assert sorted(difference.fields) == ["sections", "version"]
    assert difference.bump == "patch"


# documentation


SOURCE = """#! About the module.

#! Adds.
#!
#! Inputs:  [a, b]
#! Outputs: [a + b]
pub proc plus(a: felt, b: felt) -> felt
    add
end
proc hidden nop end
#! Four.
pub const FOUR = 2 + 2
pub use lib::more::thing
"""


def docs_of(text: str) -> list[DocModule]:
    from miden.assembly.source import SourceFile

    return source_docs({"::demo": SourceFile(text)})


def test_public_items_are_documented_in_order() -> None:
    [module] = docs_of(SOURCE)
    assert (module.path, module.docs) == ("demo", "About the module.")
    assert [(item.kind, item.name) for item in module.items] == [("procedure", "plus"), ("constant", "FOUR"), ("procedure", "thing")]
    assert module.items[0].docs == "Adds.\n\nInputs:  [a, b]\nOutputs: [a + b]"


def test_markdown_keeps_labelled_lines_apart() -> None:
    text = markdown("demo", docs_of(SOURCE))
    assert text.startswith("# demo\n")
    assert "Inputs:  [a, b]  \nOutputs" in text
    assert "hidden" not in text


@pytest.mark.parametrize("payload", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&amp;<b>", "</title><svg onload=x>"])
def test_html_escapes_everything_from_outside(payload: str) -> None:
    module = DocModule(payload, payload, [DocItem("procedure", payload, payload, payload, payload)])
    text = html_page(payload, [module])
    for bad in ("<script", "<img", "<svg", "<b>"):
        assert bad not in text


def test_documentation_travels_with_a_package(library: miden.Library) -> None:
    modules = docs_of("#! Doubles the value.\n\npub proc double dup.0 add end")
    modules[0].path = "demo::math"
    package = Package("demo", library, sections=[Section("docs", encode_docs(modules))])
    [module] = artifact_docs(load_artifact(package.to_bytes()))
    assert module.items[0].digest == library.exports["::demo::math::double"].to_hex()  # type: ignore[union-attr]


def test_a_library_alone_has_names_and_signatures(library: miden.Library) -> None:
    modules = artifact_docs(loaded_library(library))
    assert [module.path for module in modules] == ["demo::math", "demo::more"]
    heads = [item.head for item in modules[0].items]
    assert "pub proc double(felt) -> (felt)" in heads
    assert "pub const FOUR = 4" in heads


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b'{"format":2,"modules":[]}',
        b'{"format":1,"modules":[{}]}',
        b"\xff",
        b"[" * 100000,
        b'{"format":1,"modules":3}',
        b'{"format":1,"modules":[{"path":"a","docs":"","items":[{"kind":"x","name":"a","head":"b"}]}]}',
    ],
)
def test_documentation_that_lies_is_a_format_error(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        decode_docs(data)
    assert caught.value.kind == "InvalidDocs"


# pictures


def test_dot_has_every_node_and_edge(program: miden.Program) -> None:
    text = dot(Loaded("program", program, b""))
    forest = program.forest
    assert text.count("[label=") == len(forest) + sum(len(forest.children(node)) for node in range(len(forest)))
    assert 'label="true"' in text
    assert text.startswith("digraph mast {")


def test_svg_is_well_formed_and_has_every_node(program: miden.Program) -> None:
    from xml.etree import ElementTree as ET

    root = ET.fromstring(svg(Loaded("program", program, b"")))  # noqa: S314  our own text
    assert len(root.findall(".//{*}title")) == len(program.forest)


def test_names_cannot_break_out_of_a_picture() -> None:
    library = miden.Assembler().assemble_library({'a::"<&x>"': "pub proc f push.1 end"})
    loaded = loaded_library(library)
    assert "<&x>" not in svg(loaded)
    assert '\\"<&x>\\"' in dot(loaded)


def test_a_picture_of_too_many_nodes_is_refused(monkeypatch: pytest.MonkeyPatch, program: miden.Program) -> None:
    monkeypatch.setattr("miden.package.graph.MAX_SVG_NODES", 2)
    with pytest.raises(InputError, match="at most 2 nodes"):
        svg(Loaded("program", program, b""))


def test_one_procedure_can_be_drawn(library: miden.Library) -> None:
    loaded = loaded_library(library)
    node = find_procedure(loaded, "half")
    assert dot(loaded, [node]).count("[label=") == 1
