"""The door: sources, reuse, options, limits and what errors carry. (assembly.md section 7.1.)"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

import miden
from miden.assembly.source import SourceFile
from miden.errors import AssemblyError, InputError, LinkError, LoweringError, ParseError, SemanticError
from miden.mast.decorators import AsmOp, DebugKind, DebugOp, TraceOp

SOURCE = "begin push.2 push.3 add end"
ROOT = miden.assemble(SOURCE).hash


def decorators(source: str) -> list[object]:
    return list(miden.assemble(source).forest.debug_info.decorators)


@pytest.mark.parametrize("source", [SOURCE, SOURCE.encode(), bytearray(SOURCE.encode()), SourceFile(SOURCE, "demo.masm")])
def test_a_source_may_be_text_bytes_or_a_source_file(source: str) -> None:
    assert miden.assemble(source).hash == ROOT


def test_a_source_may_be_the_path_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "demo.masm"
    path.write_text(SOURCE)
    program = miden.assemble(path)
    assert program.hash == ROOT
    assert list(program.sources) == [str(path)]


def test_anything_else_is_no_source() -> None:
    with pytest.raises(InputError):
        miden.assemble(5)  # type: ignore[arg-type]


def test_one_assembler_assembles_many_programs() -> None:
    assembler = miden.Assembler()
    assembler.link_library(miden.Assembler().assemble_library({"n": "pub proc f push.7 end"}), kind="static")
    programs = [assembler.assemble_program(f"begin exec.n::f push.{i} end") for i in (2, 3, 2)]
    assert programs[0].hash == programs[2].hash != programs[1].hash
    assert programs[0].to_bytes() == programs[2].to_bytes()


def test_a_failed_link_leaves_the_assembler_as_it_was() -> None:
    assembler = miden.Assembler()
    with pytest.raises(LinkError):
        assembler.link_source({"m": "pub proc f nop end", "::m": "pub proc f nop end"})
    assembler.link_source({"m": "pub proc f push.7 end"})
    assert len(assembler.assemble_program("begin exec.m::f end").forest) == 2


def test_procedures_of_one_program_are_unknown_to_the_next() -> None:
    assembler = miden.Assembler(phantom_calls=False)
    root = miden.Assembler().assemble_library({"n": "pub proc f push.7 end"}).exports["::n::f"]
    assert root is not None
    assembler.assemble_program("proc f push.7 end begin call.f end")
    with pytest.raises(LinkError):
        assembler.assemble_program(f"begin call.{root.to_hex()} end")


@pytest.mark.parametrize("options", [{"kernel": 5}, {"compat": "0.1"}])
def test_options_are_checked(options: dict[str, object]) -> None:
    with pytest.raises(InputError):
        miden.Assembler(**options)  # type: ignore[arg-type]


def test_an_empty_kernel_cannot_be_used() -> None:
    kernel = miden.Assembler().assemble_kernel("pub const A = 1")
    with pytest.raises(InputError):
        miden.Assembler(kernel=kernel)


def test_libraries_are_linked_static_or_dynamic() -> None:
    with pytest.raises(InputError):
        miden.Assembler().link_library(miden.Assembler().assemble_library({"n": "pub proc f nop end"}), kind="other")


def test_warnings_are_kept_and_not_fatal() -> None:
    assembler = miden.Assembler()
    assembler.assemble_program("begin nop end\n#! lost\n")
    assert [warning.kind for warning in assembler.warnings] == ["UnusedDocstring"]


def test_warnings_can_be_made_errors() -> None:
    with pytest.raises(SemanticError):
        miden.assemble("begin nop end\n#! lost\n", warnings_as_errors=True)


def test_a_program_keeps_its_sources_by_the_name_of_debug_information() -> None:
    program = miden.assemble(SOURCE)
    first = program.forest.debug_info.decorators[0]
    assert isinstance(first, AsmOp)
    assert first.location == ("::$exec", 6, 12)
    assert program.sources["::$exec"].text[6:12] == "push.2"  # type: ignore[attr-defined]


def test_an_error_of_lowering_has_a_place_and_shows_the_procedure() -> None:
    with pytest.raises(LoweringError) as caught:
        miden.assemble("proc f\n  loc_load.0\nend\nbegin exec.f end")
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.kind, diagnostic.location) == ("InvalidLocalReference", "::$exec:2:3")
    assert [note.label for note in diagnostic.related] == ["this procedure has no locals"]


def test_dead_procedures_are_not_lowered() -> None:
    assert miden.assemble("proc f loc_load.0 end begin push.2 push.3 add end").hash == ROOT


def test_the_prologue_of_a_program_is_enough_for_decorators() -> None:
    assert len(miden.assemble("begin debug.stack end").forest) == 1


@pytest.mark.parametrize("source", ["proc f trace.1 end begin exec.f end", "begin if.true debug.stack end end"])
def test_a_body_of_decorators_only_needs_an_instruction(source: str) -> None:
    with pytest.raises(LoweringError) as caught:
        miden.assemble(source)
    assert caught.value.kind == "InvalidProcedure"


# --- decorators -----------------------------------------------------------------------------------------------


def test_instructions_are_recorded_with_their_cycles() -> None:
    found = [(item.op, item.cycles) for item in decorators("begin dup.8 u32shl.3 hash end") if isinstance(item, AsmOp)]
    assert found == [("dup.8", 3), ("u32shl.3", 3), ("hash", 19)]


def test_constants_are_shown_by_their_values() -> None:
    source = 'const A = 5 const W = [1,2,3,4] const S = "no" begin push.A push.W push.W[1] assert.err=S end'
    assert [item.op for item in decorators(source) if isinstance(item, AsmOp)] == [
        "push.5",
        "push.[1,2,3,4]",
        "push.[1,2,3,4][1..2]",
        'assert.err="no"',
    ]


def test_an_exec_is_in_the_table_but_attached_to_nothing() -> None:
    info = miden.assemble("proc f nop end begin exec.f end").forest.debug_info
    texts = [item.op for item in info.decorators if isinstance(item, AsmOp)]
    used = {decorator for links in info.op_decorators.values() for _, decorator in links}
    assert texts.index("exec.::$exec::f") not in used


def test_a_call_is_recorded_on_its_node() -> None:
    forest = miden.assemble("proc f nop end begin call.f end").forest
    (call,) = forest.debug_info.before_enter
    assert forest.kind(call).name == "CALL"


def test_a_breakpoint_stops_a_debugger() -> None:
    (found,) = [item for item in decorators("begin breakpoint end") if isinstance(item, AsmOp)]
    assert (found.op, found.cycles, found.should_break) == ("breakpoint", 0, True)


def test_debug_and_trace_are_decorators_without_operations() -> None:
    source = "begin debug.stack debug.stack.4 debug.mem debug.mem.8 debug.mem.2.5 debug.local debug.adv_stack trace.9 clk end"
    found = [item for item in decorators(source) if not isinstance(item, AsmOp)]
    assert found == [
        DebugOp(DebugKind.STACK_ALL),
        DebugOp(DebugKind.STACK_TOP, 4),
        DebugOp(DebugKind.MEM_ALL),
        DebugOp(DebugKind.MEM_INTERVAL, 8, 8),
        DebugOp(DebugKind.MEM_INTERVAL, 2, 5),
        DebugOp(DebugKind.LOCAL_INTERVAL, 0, 0, 0),
        DebugOp(DebugKind.ADV_STACK_TOP, 0),
        TraceOp(9),
    ]
    assert miden.assemble(source).hash == miden.assemble("begin clk end").hash


@pytest.mark.parametrize("ends", ["A.5", "2.B", "A.B"])
def test_either_end_of_a_debug_range_may_be_a_constant(ends: str) -> None:
    found = decorators(f"const A = 2 const B = 5 begin debug.mem.{ends} clk end")
    assert DebugOp(DebugKind.MEM_INTERVAL, 2, 5) in found


def test_an_end_of_a_debug_range_may_be_a_constant_of_a_library() -> None:
    assembler = miden.Assembler()
    assembler.link_source({"a::b": "pub const TOP = 5 pub proc f nop end"})
    forest = assembler.assemble_program("use a::b::TOP begin debug.mem.2.TOP clk end").forest
    assert DebugOp(DebugKind.MEM_INTERVAL, 2, 5) in forest.debug_info.decorators


def test_equal_decorators_are_kept_once() -> None:
    assert decorators("begin trace.1 clk trace.1 clk end").count(TraceOp(1)) == 1


def test_positions_count_bytes_of_utf_8() -> None:
    (found,) = [item for item in decorators("# é\nbegin clk end") if isinstance(item, AsmOp)]
    assert found.location == ("::$exec", 11, 14)


def test_error_messages_are_in_the_table() -> None:
    assert list(miden.assemble('begin assert.err="boom" assert end').forest.debug_info.error_codes.items()) == [
        (742501116288453543, "boom")
    ]


# --- limits and hostile input ---------------------------------------------------------------------------------


def test_repeats_that_unroll_to_too_much_fail_at_once() -> None:
    started = time.perf_counter()
    for source in ("begin repeat.4294967295 add end end", "begin " + "repeat.1000000 " * 5 + "add " + "end " * 6):
        with pytest.raises(LoweringError) as caught:
            miden.assemble(source)
        assert caught.value.kind == "ProgramTooLarge"
    assert time.perf_counter() - started < 10


def test_the_repeat_that_is_too_large_is_shown() -> None:
    source = "begin repeat.2 add end repeat.4294967295 mul end end"
    with pytest.raises(LoweringError) as caught:
        miden.assemble(source)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.start == source.index("repeat.4")


def test_the_limit_on_operations_can_be_set() -> None:
    source = "begin repeat.100 clk end end"
    assert len(miden.assemble(source, max_operations=1000).forest) == 1
    with pytest.raises(LoweringError):
        miden.assemble(source, max_operations=100)


def test_billions_of_loops_are_a_handful_of_nodes() -> None:
    assert len(miden.assemble("begin repeat.4294967295 while.true add end end end").forest) < 100


def test_a_repeat_is_a_single_block() -> None:
    forest = miden.assemble("begin repeat.3000 clk end end").forest
    assert forest.summary() == {"block": 1}
    assert len(forest.block_operations(0)) == 3004


@pytest.mark.parametrize("opening", ["if.true", "while.true", "repeat.1"])
def test_nesting_is_limited_by_memory_only(opening: str) -> None:
    depth = 20 * sys.getrecursionlimit()
    program = miden.assemble(f"begin {f'{opening} ' * depth} add {'end ' * depth} end", max_depth=depth + 1)
    assert len(program.forest) == (1 if opening == "repeat.1" else program.entrypoint + 1)


def test_nesting_deeper_than_the_limit_is_a_typed_error() -> None:
    with pytest.raises(ParseError) as caught:
        miden.assemble("begin " + "if.true " * 200 + "add " + "end " * 201, max_depth=100)
    assert caught.value.kind == "NestingLimitExceeded"


def test_a_chain_of_procedures_is_compiled_without_recursion() -> None:
    count = 3 * sys.getrecursionlimit()
    chain = " ".join(f"proc p{i} if.true exec.p{i + 1} end end" for i in range(count))
    assert len(miden.assemble(f"{chain} proc p{count} nop end begin exec.p0 end").forest.roots) == count + 2


def test_procedures_that_double_share_their_nodes() -> None:
    chain = " ".join(f"proc p{i} exec.p{i + 1} exec.p{i + 1} end" for i in range(60))
    assert len(miden.assemble(f"{chain} proc p60 while.true nop end end begin exec.p0 end").forest) < 100


@pytest.mark.parametrize(
    "source", ["", "\0", "begin", b"begin \xff end", b"\xc3", "begin push.1\0 end", "begin add end proc", "#!", "@@@@"]
)
def test_garbage_is_a_typed_error(source: str | bytes) -> None:
    with pytest.raises(AssemblyError) as caught:
        miden.assemble(source)
    assert caught.value.kind
    assert str(caught.value)
    assert caught.value.to_dict()["diagnostics"]


# --- directories ----------------------------------------------------------------------------------------------


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_directory_is_a_tree_of_modules(tmp_path: Path) -> None:
    files = {"a.masm": "pub proc f push.7 end", "b/mod.masm": "pub proc g nop end", "b/c-d.masm": "pub proc h nop end", "b/notes.txt": "no"}
    modules = miden.read_modules(write(tmp_path, files), "ns::x")
    assert list(modules) == ["ns::x::a", "ns::x::b", 'ns::x::b::"c-d"']
    assert list(miden.Assembler().assemble_library(modules).exports) == ["::ns::x::a::f", '::ns::x::b::"c-d"::h', "::ns::x::b::g"]


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"mod.masm": ""}, "InvalidModulePath"),
        ({"a.masm": "", "a/b.masm": ""}, "DuplicateModule"),
        ({"a b.masm": ""}, "InvalidModulePath"),
    ],
)
def test_directories_that_are_no_tree_of_modules(tmp_path: Path, files: dict[str, str], kind: str) -> None:
    with pytest.raises(LinkError) as caught:
        miden.read_modules(write(tmp_path, files), "ns")
    assert caught.value.kind == kind


def test_what_is_no_directory_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="not a directory"):
        miden.read_modules(tmp_path / "none", "ns")
