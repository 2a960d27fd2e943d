"""Imports only point down the floors of docs/architecture.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "miden"

FLOORS = {
    "_core": 0,
    **dict.fromkeys(("_version", "errors", "field", "isa", "numbered", "status", "rpo", "hashing"), 1),
    **dict.fromkeys(("assembly", "mast", "serde", "vm", "pure"), 2),
    **dict.fromkeys(("package", "store", "ipld", "corelib", "optimize"), 3),
    **dict.fromkeys(("registry", "actors"), 4),
    **dict.fromkeys(("cli", "explorer", "lsp", "testing", "notebook", "cluster", "__main__"), 5),
}
MAY_IMPORT_CORE = {"_core", "assembly", "hashing", "ipld", "mast", "serde", "vm"}
MAY_READ_ENVIRONMENT = {"cli"}
PURE_MAY_IMPORT = {"pure", "errors", "field", "isa", "numbered", "status", "rpo"}

UPWARD = {
    ("miden.assembly.assembler", "corelib"): "the shortest way to a program links the core library, loaded when the program names it",
    ("miden.vm.host", "corelib"): "a host serves the core library unless told otherwise, loaded when a program first calls it",
    ("miden.errors", "assembly"): "an error that carries a diagnostic renders itself; the renderer is loaded when it is printed",
}
"""Imports that point up, each with its reason; all of them inside functions."""


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(name: str) -> str:
    """Return the part of the package a module belongs to; the package itself for `miden`."""
    return name.split(".")[1] if "." in name else "miden"


def is_type_checking(node: ast.If) -> bool:
    return any(isinstance(part, (ast.Name, ast.Attribute)) and "TYPE_CHECKING" in ast.unparse(part) for part in ast.walk(node.test))


def imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """Yield (imported module of ours, line, whether it is inside a function); what only type checkers see is left out."""
    pending: list[tuple[ast.AST, bool]] = [(ast.parse(path.read_text(encoding="utf-8")), False)]
    while pending:
        node, inside = pending.pop()
        if isinstance(node, ast.If) and is_type_checking(node):
            pending += [(child, inside) for child in node.orelse]
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno, inside) for alias in node.names if alias.name.split(".")[0] == "miden")
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "miden":
            yield from ((f"miden.{alias.name}" if node.module == "miden" else node.module, node.lineno, inside) for alias in node.names)
        inside = inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        pending += [(child, inside) for child in ast.iter_child_nodes(node)]


def test_every_module_has_a_floor() -> None:
    assert {part_of(module_name(path)) for path in modules()} - {"miden"} <= set(FLOORS)


def test_imports_point_down() -> None:
    wrong = []
    for path in modules():
        name = module_name(path)
        if name == "miden":
            continue
        for target, line, inside in imports(path):
            part = part_of(target)
            if part == "miden":
                wrong += [f"{name}:{line} imports the whole package"] if FLOORS[part_of(name)] < 5 else []
            elif FLOORS.get(part, 0) > FLOORS[part_of(name)] and not (inside and (name, part) in UPWARD):
                wrong.append(f"{name}:{line} imports {target}")
    assert wrong == []


def test_every_exception_to_the_floors_is_used() -> None:
    used = {(module_name(path), part_of(target)) for path in modules() for target, _, _ in imports(path)}
    assert set(UPWARD) <= used


def test_only_some_parts_import_the_core() -> None:
    users = {part_of(module_name(path)) for path in modules() for target, _, _ in imports(path) if part_of(target) == "_core"}
    assert users <= MAY_IMPORT_CORE


def test_the_pure_machine_computes_nothing_with_the_core() -> None:
    used = {part_of(target) for path in (PACKAGE / "pure").rglob("*.py") for target, _, _ in imports(path)}
    assert used <= PURE_MAY_IMPORT


def test_the_core_imports_nothing_of_the_package_but_itself() -> None:
    pattern = re.compile(r"^\s*(?:c?import|from)\s+(miden[\w.]*)", re.MULTILINE)
    sources = [path for suffix in ("*.pyx", "*.pxd", "*.py") for path in (PACKAGE / "_core").rglob(suffix)]
    found = {name for path in sources for name in pattern.findall(path.read_text(encoding="utf-8"))}
    assert {name for name in found if not name.startswith("miden._core")} == set()


def test_only_the_command_line_reads_the_environment() -> None:
    readers = set()
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb") and ast.unparse(node.value) == "os":
                readers.add(part_of(module_name(path)))
    assert readers <= MAY_READ_ENVIRONMENT
