"""What a module may say: duplicates, constants, call targets, and what is warned about. (assembly.md section 2.)"""

from __future__ import annotations

import pytest

from miden.assembly.parser import parse_module
from miden.assembly.sema import AnalyzedModule, analyze
from miden.assembly.sema.items import ProcedureItem
from miden.assembly.source import SourceFile
from miden.errors import SemanticError
from miden.field import Word
from miden.hashing import event_id, hash_elements

KINDS = {"executable": "::$exec", "library": "::lib::m", "kernel": "::$kernel"}


def check(text: str, kind: str = "executable", *, strict: bool = False) -> AnalyzedModule:
    module = parse_module(SourceFile(text, "demo.masm"))
    return analyze(module, KINDS[kind], kind, warnings_as_errors=strict)


def problems(text: str, kind: str = "executable") -> list[tuple[str, str]]:
    """Return (kind, the text pointed at) of every problem."""
    with pytest.raises(SemanticError) as caught:
        check(text, kind)
    assert caught.value.kind == caught.value.diagnostics[0].kind
    return [(diagnostic.kind, text[diagnostic.start : diagnostic.end]) for diagnostic in caught.value.diagnostics]


def warnings(text: str, kind: str = "executable") -> list[str]:
    return [diagnostic.kind for diagnostic in check(text, kind).warnings]


# «» marks what the diagnostic points at
EXECUTABLE = [
    ("UnexpectedExport", "«pub proc f nop end» begin nop end"),
    ("UnexpectedExport", "«pub use a::b» begin nop end"),
    ("SymbolConflict", "proc f nop end «proc f add end» begin nop end"),
    ("SymbolConflict", "begin nop end «begin add end»"),
    ("SymbolConflict", "const A = 1 «const A = 2» begin nop end"),
    ("SymbolConflict", "type Ab = felt «type Ab = u8» begin nop end"),
    ("SymbolConflict", "use a::f «proc f nop end» begin exec.f end"),
    ("SymbolConflict", "proc f nop end «use a::f» begin exec.f end"),
    ("UndefinedSymbol", "begin push.«NONE» end"),
    ("UndefinedSymbol", "const A = «B» begin nop end"),
    ("UndefinedSymbol", "begin exec.«none» end"),
    ("UndefinedSymbol", "begin call.«none» end"),
    ("UndefinedSymbol", "begin procref.«none» end"),
    ("SelfRecursive", "proc f exec.«f» end begin nop end"),
    ("SelfRecursive", "proc f call.«::$exec::f» end begin nop end"),
    ("InvalidSyscallTarget", "begin syscall.«a::b» end"),
    ("InvalidInvokeTargetViaImport", f"use 0x{'01' + '00' * 31}->f begin exec.«f::g» end"),
    ("UndefinedSymbol", "begin debug.mem.1.«NONE» nop end"),
    ("UndefinedSymbol", "begin debug.local.1.«NONE» nop end"),
    ("ImmediateOverflow", "const A = 65536 begin debug.local.1.«A» nop end"),
    ("ConstEvalCycle", "const A = «A» begin nop end"),
    ("ImmediateOverflow", "const B = 0 const A = «B - 1» begin nop end"),
    ("ImmediateOverflow", "const B = 18446744069414584320 const A = «B + B» begin nop end"),
    ("DivisionByZero", "const B = 0 const A = «1 / B» begin nop end"),
    ("InvalidConstExprOperand", 'const S = "x" const A = «S» + 1 begin nop end'),
    ("InvalidConstExprOperand", "use m::C const A = «C * 2» + 1 begin nop end"),
    ("ImmediateOverflow", "const A = 256 begin u32shl.«A» end"),
    ("ImmediateOverflow", "const A = 65536 begin loc_load.«A» end"),
    ("ImmediateOverflow", "const A = 4294967296 begin mem_load.«A» end"),
    ("InvalidConstant", 'const S = "x" begin push.«S» end'),
    ("InvalidConstant", "const A = 5 begin assert.err=«A» end"),
    ("InvalidConstant", "const A = 5 begin push.«A»[0] end"),
    ("InvalidConstant", "const A = [1,2,3,4] begin add.«A» end"),
    ("InvalidConstant", "const A = 5 begin emit.«A» end"),
    ("InvalidConstant", 'const A = word("x") begin emit.«A» end'),
    ("AdvMapKeyAlreadyDefined", "adv_map A = [1] «adv_map B = [1]» begin nop end"),
    ("SymbolConflict", "enum Ab : u8 { «A» } begin nop end"),
    ("InvalidEnumRepr", "«enum Ab : u64 { A }» begin nop end"),
]


@pytest.mark.parametrize(("kind", "marked"), EXECUTABLE)
def test_the_rules_of_a_program(kind: str, marked: str) -> None:
    text = marked.replace("«", "").replace("»", "")
    place = marked[marked.index("«") + 1 : marked.index("»")]
    found = problems(text)
    assert (kind, place) in found


def test_a_program_needs_an_entry_point() -> None:
    assert problems("proc f nop end") == [("MissingEntrypoint", "")]


def test_a_library_has_no_entry_point() -> None:
    assert problems("begin nop end", "library") == [("UnexpectedEntrypoint", "begin nop end")]


def test_a_kernel_cannot_re_export() -> None:
    assert problems("pub use a::f", "kernel") == [("ReexportFromKernel", "pub use a::f")]


def test_a_procedure_named_main_in_quotes_is_the_entry_point() -> None:
    assert [item.name for item in check('proc "$main" nop end').items] == ["$main"]


def test_every_problem_of_a_step_is_reported() -> None:
    assert [kind for kind, _ in problems("const A = B const A = 1 begin nop end")] == ["SymbolConflict", "UndefinedSymbol"]


def test_a_constant_may_follow_a_procedure_of_its_name() -> None:
    assert [item.kind for item in check('proc "AB" nop end const AB = 1 begin nop end').items] == ["procedure", "constant", "procedure"]


def test_the_nearest_name_is_suggested() -> None:
    with pytest.raises(SemanticError) as caught:
        check("proc compute nop end begin exec.compte end")
    assert caught.value.diagnostics[0].hint == "did you mean `compute`?"


def test_a_conflict_shows_both_places() -> None:
    with pytest.raises(SemanticError) as caught:
        check("proc f nop end proc f add end begin nop end")
    assert [(note.start, note.label) for note in caught.value.diagnostics[0].related] == [(0, "first defined here")]


def value_of(source: str, instruction: str) -> object:
    main = check(f"{source} begin {instruction} end").items[-1]
    assert isinstance(main, ProcedureItem)
    (value,) = main.values.values()
    return value


@pytest.mark.parametrize(
    ("source", "instruction", "expected"),
    [
        ("const A = 5", "push.A", 5),
        ("const A = B const B = 7", "add.A", 7),
        ("const A = B * 2 + B / 2 const B = 7", "push.A", 17),
        ("const A = 5-6", "push.A", 4294967294),
        ("const A = 4294967296*4294967296", "push.A", 0),
        ("const B = 18446744069414584320 const A = B + 4294967295", "push.A", 4294967294),
        ("const A = [1,2,3,4]", "push.A", Word((1, 2, 3, 4))),
        ("const A = [1,2,3,4]", "push.A[1..3]", Word((1, 2, 3, 4))),
        ('const A = "text"', "assert.err=A", "text"),
        ('const A = event("x")', "emit.A", event_id("x")),
        ("adv_map A(0x" + "00" * 32 + ") = [1]", "push.A", Word()),
        ("const A = 255", "u32shl.A", 255),
        ("const A = 5", "debug.mem.A.9", 5),
        ("const A = 5", "debug.mem.1.A", 5),
        ("const A = 5", "debug.local.1.A", 5),
        ("const A = 5000000000", "u32lt.A", 5000000000),
    ],
)
def test_constants_stand_for_immediates(source: str, instruction: str, expected: object) -> None:
    assert value_of(source, instruction) == expected


def test_imported_constants_are_left_to_the_linker() -> None:
    main = check("use m::C const D = C * 2 begin push.C push.D end").items[-1]
    assert isinstance(main, ProcedureItem)
    assert main.values == {}
    assert [ref.path for ref, _ in main.unresolved] == ["C", "D"]


def test_a_chain_of_constants_is_evaluated_without_recursion() -> None:
    chain = " ".join(f"const A{i} = A{i + 1} + 1" for i in range(5000))
    assert value_of(f"{chain} const A5000 = 1", "push.A0") == 5001


def test_constants_that_double_are_evaluated_once_each() -> None:
    chain = " ".join(f"const A{i} = A{i + 1} + A{i + 1}" for i in range(60))
    assert value_of(f"{chain} const A60 = 1", "push.A0") == 2**60


def test_a_single_name_syscall_means_the_kernel() -> None:
    main = check("begin syscall.f end").items[-1]
    assert isinstance(main, ProcedureItem)
    assert list(main.targets.values()) == ["::$kernel::f"]


def test_the_key_of_an_advice_map_entry_is_the_hash_of_its_values() -> None:
    assert check("adv_map A = [1, 2] begin nop end").advice_map == {hash_elements([1, 2]): (1, 2)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("use a::b begin nop end", ["UnusedImport"]),
        ("use a::b begin exec.b::f end", []),
        ("use a::f begin exec.f end", ["UnusedImport"]),  # single-name calls do not count, as in the reference
        ("begin exec.b::f end use a::b", ["UnusedImport"]),  # nor does what stands in front of the import
        ("use a::C begin push.C end", []),
        ("use a::b const D = b::C begin push.D end", []),
        ("use a::b use b::c begin exec.c::f end", []),
        ("use a::b type Ab = b::Tt begin nop end", []),
        ("use a::b proc f(x: b::Tt) nop end begin exec.f end", ["UnusedImport"]),
        ("begin nop end\n#! left over\n", ["UnusedDocstring"]),
    ],
)
def test_imports_count_as_used_as_the_reference_counts(text: str, expected: list[str]) -> None:
    assert warnings(text) == expected


def test_a_re_export_counts_as_used() -> None:
    assert warnings("pub use a::b", "library") == []


def test_warnings_are_errors_on_request() -> None:
    with pytest.raises(SemanticError) as caught:
        check("use a::b begin nop end", strict=True)
    assert (caught.value.kind, caught.value.diagnostics[0].severity) == ("UnusedImport", "warning")


def test_an_enumeration_without_variants_is_a_type() -> None:
    assert [(item.kind, item.name) for item in check("pub enum Ab : u64 { }", "library").items] == [("type", "Ab")]
