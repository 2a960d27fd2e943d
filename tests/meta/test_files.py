"""Rules that every source file keeps."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "miden"
MAX_LINES = 500
SOURCES = ("*.py", "*.pyx", "*.pxd", "*.pyi", "*.h")

# Written in pieces, so that this file does not contain what it forbids.
FOLDERS = ("/" + name + "/" for name in ("work", "farm", "root", "home"))
HOSTS = ("crates" + r"\.io", "pypi" + r"\.org", "registry" + r"\.npmjs")
FORBIDDEN = re.compile("|".join((*FOLDERS, *HOSTS)))
UNFINISHED = re.compile("|".join(("NotImplemented" + "Error", "TO" + "DO", "FIX" + "ME", "XX" + "X")))


def sources() -> list[Path]:
    return sorted(path for pattern in SOURCES for path in PACKAGE.rglob(pattern))


def project_files() -> list[Path]:
    """Return the files under version control; where there is none, such as in an unpacked sdist, everything that counts."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    folders = ("miden", "tests", "docs", "examples", "tools", "benchmarks")
    return [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]


def python_trees() -> list[tuple[Path, ast.Module]]:
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in sorted(PACKAGE.rglob("*.py"))]


def generated(path: Path) -> bool:
    return "GENERATED from" in path.read_text(encoding="utf-8")[:300]


def test_files_are_short() -> None:
    counts = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sources() if not generated(path)}
    assert {path.relative_to(ROOT).as_posix(): count for path, count in counts.items() if count > MAX_LINES} == {}


def test_only_the_command_line_prints() -> None:
    printing = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in python_trees()
        if PACKAGE / "cli" not in path.parents
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == []


def test_no_handler_swallows_everything() -> None:
    bare = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in python_trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]
    assert bare == []


def test_nothing_in_the_package_is_marked_unfinished() -> None:
    marked = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert marked == []


def test_no_file_names_a_machine_or_a_registry() -> None:
    found = []
    for path in project_files():
        if path.suffix in (".gz", ".lock") or not path.is_file():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if FORBIDDEN.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}")
    assert found == []


def test_every_module_says_what_it_is_for() -> None:
    assert [str(path.relative_to(ROOT)) for path, tree in python_trees() if not ast.get_docstring(tree)] == []


def test_annotations_are_never_evaluated_at_import() -> None:
    """A module with annotations starts with the future import: `TYPE_CHECKING` names would fail without it."""
    missing = []
    for path, tree in python_trees():
        annotated = any(isinstance(node, (ast.FunctionDef, ast.AnnAssign)) for node in ast.walk(tree))
        future = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
        if annotated and not future:
            missing.append(str(path.relative_to(ROOT)))
    assert missing == []


def test_the_package_is_marked_as_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()


@pytest.mark.parametrize("extension", sorted(path.name for path in (PACKAGE / "_core").glob("*.pyx")))
def test_every_extension_module_has_a_stub(extension: str) -> None:
    assert (PACKAGE / "_core" / extension).with_suffix(".pyi").is_file()


def test_every_folder_of_the_package_has_an_init() -> None:
    folders = {path.parent for path in PACKAGE.rglob("*.py")} | {path.parent for path in PACKAGE.rglob("*.pyx")}
    assert [str(folder.relative_to(ROOT)) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []
