"""Names across modules, calls, kernels and libraries. (assembly.md section 7.)"""

from __future__ import annotations

import pytest

import miden
from miden.assembly.linker.callgraph import add_edge, compile_order, find_cycle
from miden.assembly.linker.paths import canonical_module_path, components, is_name, split_first
from miden.errors import AssemblyError, LinkError
from miden.isa import NodeKind
from miden.mast.exports import ProcedureExport


def library(**options: object) -> miden.Assembler:
    return miden.Assembler(compat="0.20.6", **options)  # type: ignore[arg-type]


def assemble(modules: dict[str, str]) -> miden.Library:
    return library().assemble_library(modules)


def same(modules: dict[str, str], one: str, other: str) -> bool:
    """Whether two exports have one digest."""
    exports = assemble(modules).exports
    assert exports[one] is not None
    return exports[one] == exports[other]


def problem(modules: dict[str, str]) -> tuple[str, str]:
    """Return kind and the text pointed at."""
    with pytest.raises(AssemblyError) as caught:
        assemble(modules)
    diagnostic = caught.value.diagnostics[0]
    place = "" if diagnostic.source is None else diagnostic.source.text[diagnostic.start : diagnostic.end]
    return caught.value.kind, place


# --- paths ----------------------------------------------------------------------------------------------------


def test_components_keep_quotes_and_what_is_in_them() -> None:
    assert components('::a::"b::c"::d') == ["a", '"b::c"', "d"]


def test_the_first_component_of_an_absolute_path_is_behind_the_root() -> None:
    assert split_first("::a::b") == ("a", "b")


def test_a_quoted_component_is_a_single_name() -> None:
    assert is_name('"a::b"')
    assert not is_name("::a")


@pytest.mark.parametrize("path", ["", "::", "a::", "a b", "a#b", "::a::::b", "x" * 256, 'a"b', "a\\b"])
def test_what_is_no_module_path_is_refused(path: str) -> None:
    assert canonical_module_path(path) is None
    with pytest.raises(LinkError) as caught:
        library().assemble_library({path: "pub proc f nop end"})
    assert caught.value.kind == "InvalidModulePath"


# --- name resolution ------------------------------------------------------------------------------------------

F = "pub proc f push.7 end"

SPELLINGS = [
    "use n::a pub proc g exec.a::f end",
    "use n::a->b pub proc g exec.b::f end",
    "use ::n::a->b pub proc g exec.b::f end",
    "use n::a::f pub proc g exec.f end",
    "use n::a::f->h pub proc g exec.h end",
    "pub proc g exec.n::a::f end",
    "pub proc g exec.::n::a::f end",
    "use n::a->z use z::f pub proc g exec.f end",
    "use z::f use n::a->z pub proc g exec.f end",
    "pub proc g exec.f end use n::a::f",
    "use m::g->h pub proc k exec.h end use n::a pub proc g exec.a::f end",
]


@pytest.mark.parametrize("source", SPELLINGS)
@pytest.mark.parametrize("first", [True, False])
def test_a_procedure_is_found_under_every_spelling(source: str, first: bool) -> None:
    modules = {"n::a": F, "m": source} if first else {"m": source, "n::a": F}
    assert same(modules, "::n::a::f", "::m::g")


def test_an_import_may_hide_the_root_of_its_own_target() -> None:
    assert same({"lib::lib": F, "m": "use lib::lib pub proc g exec.lib::f end"}, "::lib::lib::f", "::m::g")


def test_the_longest_module_path_wins() -> None:
    modules = {"n": "pub proc f push.8 end", "n::a": F, "m": "pub proc g exec.n::a::f end"}
    assert same(modules, "::n::a::f", "::m::g")


def test_private_items_of_source_modules_can_be_reached() -> None:
    assert "::m::g" in assemble({"n": "proc f push.7 end", "m": "pub proc g exec.n::f end"}).exports


def test_re_exports_are_followed_to_the_end() -> None:
    modules = {"a": F, "b": "pub use a::f->g", "c": "pub use b::g->h", "d": "use c::h pub proc k exec.h end"}
    assert same(modules, "::a::f", "::d::k")
    assert same(modules, "::a::f", "::c::h")


def test_names_with_odd_characters_need_quotes() -> None:
    assert same({"n": 'pub proc "a-b" push.7 end', "m": 'pub proc g exec.n::"a-b" end'}, '::n::"a-b"', "::m::g")


WRONG = [
    ("UndefinedSymbol", {"m": "pub proc g exec.n::f end"}, "n::f"),
    ("UndefinedSymbol", {"n": F, "m": "pub proc g exec.n::none end"}, "n::none"),
    ("UndefinedSymbol", {"m": "use n::f pub proc g nop end"}, "n::f"),
    ("UndefinedSymbol", {"n::sub::deep": F, "m": "use n::sub pub proc g nop end"}, "n::sub"),
    ("InvalidSubPath", {"m": "proc x nop end pub proc g exec.x::y end"}, "x::y"),
    ("InvalidInvokeTarget", {"n::a": F, "m": "use n::a pub proc g exec.a end"}, "a"),
    ("InvalidInvokeTarget", {"m": "proc b nop end pub proc g exec.b end", "m::b": F}, "b"),
    ("InvalidInvokeTarget", {"m": "type Ab = felt pub proc g exec.Ab end"}, "Ab"),
    ("DuplicateModule", {"m": F, "::m": F}, ""),
    ("CircularImport", {"m": "use b::x->a use a::y->b pub proc f exec.a end"}, "b::x"),
    ("CircularImport", {"m": "pub use n::f->g", "n": "pub use m::g->f"}, "n::f"),
    ("UnresolvedAlias", {"lib::n": F, "m": "pub use lib::n->k"}, "k"),
    ("UnresolvedAlias", {"m": f"pub use 0x{'01' + '00' * 31}->k"}, "k"),
    ("SelfRecursive", {"m": "pub proc f exec.m::f end"}, "f"),
    ("Cycle", {"m": "pub proc a exec.b end proc b call.a end"}, "a"),
    ("Cycle", {"m": "use n::b pub proc a exec.b end", "n": "pub proc b procref.::m::a end"}, "a"),
    ("InvalidConstantRef", {"n": F, "m": 'use n::f->"A" pub proc g push.A end'}, "A"),
    ("InvalidTypeRef", {"n": F, "m": "use n::f pub type Ab = f"}, "f"),
    ("TypeCycle", {"m": "pub type Ab = Bc pub type Bc = struct { x: Ab }"}, "Ab"),
    ("ImmediateOverflow", {"n": "pub const A = 300", "m": "use n::A pub proc g u32shl.A end"}, "A"),
    ("InvalidConstant", {"n": "pub const A = 300", "m": "use n::A pub proc g assert.err=A end"}, "A"),
    ("NoExport", {"m": "proc f nop end"}, ""),
    ("AdviceMapKeyAlreadyPresent", {"m": f"{F} adv_map A(0x{'00' * 32}) = [1]", "n": f"{F} adv_map A(0x{'00' * 32}) = [2]"}, ""),
]


@pytest.mark.parametrize(("kind", "modules", "place"), WRONG)
def test_what_does_not_link(kind: str, modules: dict[str, str], place: str) -> None:
    assert problem(modules) == (kind, place)


def test_the_path_of_a_module_that_is_nearly_right_is_suggested() -> None:
    with pytest.raises(LinkError) as caught:
        assemble({"tools::math": F, "m": "pub proc g exec.tools::maths::f end"})
    assert "did you mean `::tools::math" in (caught.value.hint or "")


def test_a_cycle_names_and_shows_every_procedure() -> None:
    with pytest.raises(LinkError) as caught:
        assemble({"m": "pub proc a exec.b end proc b exec.c end proc c exec.a end"})
    assert caught.value.message.endswith("involving these procedures: ::m::a, ::m::b, ::m::c")
    assert len(caught.value.diagnostics[0].related) == 2


# --- the call graph -------------------------------------------------------------------------------------------


def graph(text: str) -> dict[tuple[int, int], dict[tuple[int, int], None]]:
    edges: dict[tuple[int, int], dict[tuple[int, int], None]] = {}
    for pair in text.split():
        add_edge(edges, (0, ord(pair[0])), (0, ord(pair[1])))
    return edges


def letters(gids: list[tuple[int, int]]) -> str:
    return "".join(chr(index) for _, index in gids)


def test_callees_are_compiled_first_and_in_reverse_of_the_order_they_are_met() -> None:
    edges = graph("xm xz xa")
    assert letters(compile_order(edges, (0, ord("x")), set().__contains__)) == "azmx"


def test_what_is_compiled_is_left_out() -> None:
    edges = graph("xm mz xa")
    assert letters(compile_order(edges, (0, ord("x")), {(0, ord("m")), (0, ord("z"))}.__contains__)) == "ax"


def test_a_cycle_is_found_with_what_it_leads_to() -> None:
    assert letters(find_cycle(graph("ab bc ca cd xy"))) == "abcd"
    assert find_cycle(graph("ab ac bd cd")) == []


def test_the_order_of_calls_decides_node_ids() -> None:
    program = library().assemble_program("proc z push.2 end proc a push.3 end proc m push.4 end begin exec.z call.a exec.m end")
    assert [program.forest.block_operations(node)[0][1] for node in (0, 1, 2)] == [3, 2, 4]


# --- calls by digest ------------------------------------------------------------------------------------------


def digest_of(source: str) -> str:
    digest = assemble({"x": f"pub proc f {source} end"}).exports["::x::f"]
    assert digest is not None
    return digest.to_hex()


def test_a_digest_of_a_procedure_that_is_compiled_already_is_inlined() -> None:
    root = digest_of("push.7 add")
    program = library().assemble_program(f"proc aa push.1 exec.{root} push.2 end proc zz push.7 add end begin exec.aa exec.zz end")
    assert NodeKind.EXTERNAL not in [program.forest.kind(node) for node in range(len(program.forest))]


def test_an_unknown_digest_is_an_external_node() -> None:
    forest = library().assemble_program(f"begin exec.{digest_of('push.7')} end").forest
    assert [forest.kind(node).name for node in range(3)] == ["EXTERNAL", "BLOCK", "JOIN"]


def test_unknown_digests_can_be_forbidden() -> None:
    with pytest.raises(LinkError) as caught:
        library(phantom_calls=False).assemble_program(f"begin call.{digest_of('push.7')} end")
    assert caught.value.kind == "PhantomCall"


def test_the_digest_of_a_linked_procedure_is_no_phantom() -> None:
    assembler = library(phantom_calls=False)
    assembler.link_library(assemble({"n": F}))
    assert len(assembler.assemble_program(f"begin call.{digest_of('push.7')} end").forest) == 4


# --- constants and types across modules -----------------------------------------------------------------------


def test_a_constant_is_evaluated_in_the_module_that_defines_it() -> None:
    modules = {"a": "const B = 2 pub const A = B + 1", "m": "use a::A const B = 9 pub proc f push.A end", "n": "pub proc f push.3 end"}
    assert same(modules, "::m::f", "::n::f")


def test_constants_of_assembled_libraries_keep_their_kind() -> None:
    source = 'pub const N = 5 pub const W = [1,2,3,4] pub const H = word("h") pub const E = event("e") pub const S = "s"'
    assembler = library()
    assembler.link_library(assemble({"c": source}))
    uses = "use c::N use c::W use c::H use c::E use c::S begin push.N add.N push.W[1..3] push.H emit.E assert.err=S end"
    literal = 'begin push.5 add.5 push.2 push.3 push.H emit.event("e") assert.err="s" end const H = word("h")'
    assert assembler.assemble_program(uses).hash == library().assemble_program(literal).hash


def test_types_and_signatures_are_resolved_across_modules() -> None:
    modules = {"t": "pub type Pair = struct { x: felt, y: u32 }", "m": "use t::Pair pub proc f(p: ptr<Pair>) -> [felt; 2] nop end"}
    exported = assemble(modules).items["::m::f"]
    assert isinstance(exported, ProcedureExport)
    assert repr(exported.signature) == "fn(ptr<struct { felt, u32 }, addrspace(byte)>) -> (array[felt; 2])"


def test_types_that_double_are_limited() -> None:
    lines = [f"pub type T{i}x = struct {{ a: T{i - 1}x, b: T{i - 1}x }}" for i in range(1, 60)]
    assert problem({"m": "pub type T0x = felt " + " ".join(lines)})[0] == "TypeTooLarge"


def test_attributes_are_exported() -> None:
    exported = assemble({"m": '@a @b(x, 5, "s") @c(k = 1) pub proc f nop end'}).items["::m::f"]
    assert isinstance(exported, ProcedureExport)
    assert [(attribute.name, [value.value for _, value in attribute.items]) for attribute in exported.attributes] == [
        ("a", []),
        ("b", ["x", 5, "s"]),
        ("c", [1]),
    ]


# --- libraries ------------------------------------------------------------------------------------------------


def linked(kind: str, source: str, modules: dict[str, str], **options: object) -> miden.Program:
    assembler = miden.Assembler(**options)  # type: ignore[arg-type]
    if kind == "source":
        assembler.link_source(modules)
    else:
        assembler.link_library(miden.Assembler().assemble_library(modules), kind=kind)
    return assembler.assemble_program(source)


def test_dynamic_libraries_become_external_nodes() -> None:
    assert linked("dynamic", "begin exec.n::f end", {"n": F}).forest.summary()["external"] == 1


def test_static_libraries_are_copied() -> None:
    assert linked("static", "begin exec.n::f end", {"n": F}).forest.summary() == {"block": 1}


def test_the_padding_of_a_static_library_becomes_operations() -> None:
    roots = {kind: linked(kind, "begin exec.n::f clk end", {"n": F}).hash for kind in ("static", "source")}
    assert roots["static"] != roots["source"]


def test_static_wins_over_dynamic() -> None:
    built = assemble({"n": F})
    assembler = miden.Assembler()
    for kind in ("dynamic", "static", "dynamic"):
        assembler.link_library(built, kind=kind)
    assert assembler.assemble_program("begin exec.n::f end").forest.summary() == {"block": 1}


def test_a_library_that_is_ignored_for_its_digest_is_warned_about() -> None:
    assembler = miden.Assembler()
    for name in ("n", "o"):
        assembler.link_library(assemble({name: F}))
    assembler.assemble_program("begin exec.n::f end")
    assert [warning.kind for warning in assembler.warnings] == ["LibraryIgnored"]
    with pytest.raises(LinkError):
        assembler.assemble_program("begin exec.o::f end")


DYNCALL = {"n": "pub proc d push.1 dyncall end"}


def test_a_static_dyncall_keeps_its_meaning_and_is_warned_about() -> None:
    assembler = miden.Assembler()
    assembler.link_library(miden.Assembler().assemble_library(DYNCALL), kind="static")
    program = assembler.assemble_program("begin exec.n::d end")
    assert program.forest.summary()["dyncall"] == 1
    assert [warning.kind for warning in assembler.warnings] == ["StaticDyncall"]


def test_a_static_dyncall_is_external_where_the_reference_is_followed() -> None:
    program = linked("static", "begin exec.n::d end", DYNCALL, compat="0.20.6")
    assert program.forest.summary() == {"join": 1, "block": 1, "external": 1}
    assert program.hash == linked("static", "begin exec.n::d end", DYNCALL).hash


def test_source_modules_that_are_not_called_add_nothing() -> None:
    assert len(linked("source", "begin nop end", {"n": F}).forest) == 1


def test_advice_maps_come_from_static_libraries_and_the_program_only() -> None:
    data = {"n": f"{F} adv_map A = [1]"}
    source = "adv_map B = [2] begin exec.n::f end"
    assert {kind: len(linked(kind, source, data).forest.advice_map) for kind in ("static", "dynamic", "source")} == {
        "static": 2,
        "dynamic": 1,
        "source": 1,
    }


def test_libraries_that_disagree_about_an_advice_map_do_not_link() -> None:
    key = f"0x{'00' * 32}"
    assembler = miden.Assembler()
    for name, value in (("n", 1), ("o", 2)):
        built = assemble({name: f"pub proc f push.{value} end adv_map A({key}) = [{value}]"})
        assembler.link_library(built, kind="static")
    with pytest.raises(LinkError) as caught:
        assembler.assemble_program("begin exec.n::f end")
    assert caught.value.kind == "AdviceMapKeyCollisionOnMerge"


def test_two_procedures_of_one_root_must_agree_about_locals() -> None:
    # an alias without locals may share the root of its callee, two procedures with different locals may not
    assert list(assemble({"n": "@locals(4) proc f loc_load.0 end pub proc g exec.f end"}).exports) == ["::n::g"]
    with pytest.raises(AssemblyError) as caught:
        assemble({"n": "@locals(3) pub proc f locaddr.0 end @locals(4) pub proc g locaddr.0 end"})
    assert caught.value.kind == "ConflictingDefinitions"
    assert [note.label for note in caught.value.diagnostics[0].related] == ["this one has 3 locals"]


# --- kernels --------------------------------------------------------------------------------------------------


def kernel_assembler(source: str = "pub proc k push.7 drop end", **options: object) -> miden.Assembler:
    return miden.Assembler(kernel=miden.Assembler().assemble_kernel(source), **options)  # type: ignore[arg-type]


def test_a_syscall_reaches_a_kernel_procedure() -> None:
    program = kernel_assembler().assemble_program("begin syscall.k end")
    assert program.forest.summary()["syscall"] == 1
    assert len(program.kernel) == 1


@pytest.mark.parametrize(
    ("source", "kind"), [("begin syscall.none end", "UndefinedSymbol"), ("begin exec.$kernel::none end", "UndefinedSymbol")]
)
def test_a_kernel_has_no_other_procedures(source: str, kind: str) -> None:
    with pytest.raises(LinkError) as caught:
        kernel_assembler().assemble_program(source)
    assert caught.value.kind == kind


def test_without_a_kernel_no_named_syscall_resolves() -> None:
    with pytest.raises(LinkError) as caught:
        miden.assemble("begin syscall.k end")
    assert caught.value.kind == "UndefinedSymbol"


def test_a_syscall_by_digest_must_be_of_the_kernel_if_it_is_known() -> None:
    assembler = kernel_assembler()
    assembler.link_library(assemble({"n": F}))
    with pytest.raises(LinkError) as caught:
        assembler.assemble_program(f"begin syscall.{digest_of('push.7')} end")
    assert caught.value.kind == "InvalidSysCallTarget"


def test_support_modules_are_compiled_into_a_kernel() -> None:
    modules = {"$kernel::lib": "pub proc h push.9 drop end"}
    kernel = miden.Assembler().assemble_kernel("use $kernel::lib pub proc k exec.lib::h end", modules)
    assert list(kernel.exports) == ["::$kernel::k"]


def test_two_kernel_procedures_of_one_digest_are_refused() -> None:
    with pytest.raises(LinkError) as caught:
        miden.Assembler().assemble_kernel("pub proc a nop end pub proc b nop end")
    assert caught.value.kind == "DuplicatedProcedures"


def test_a_kernel_of_256_procedures_is_refused() -> None:
    source = " ".join(f"pub proc k{i} push.{i + 2} drop end" for i in range(256))
    with pytest.raises(LinkError) as caught:
        miden.Assembler().assemble_kernel(source)
    assert caught.value.kind == "TooManyProcedures"
