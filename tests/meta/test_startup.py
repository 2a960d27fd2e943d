"""Start-up stays light: what a small program needs, and nothing else, is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "fibonacci.masm"

HEAVY = ("numpy", "rich", "asyncio", "importlib.metadata", "dataclasses", "json", "pytest", "hypothesis")
"""Neither `import miden` nor any start of the command line may import these."""

HEAVIER = (*HEAVY, "click", "inspect", "typing", "pathlib", "re", "enum", "miden.assembly", "miden.pure", "blake3")
"""`import miden` alone may not import these either."""

AVOIDED = (
    *(*HEAVY, "click", "inspect", "typing", "pathlib", "re", "enum", "signal", "collections", "functools", "array", "importlib"),
    *("itertools", "operator", "types"),
)
"""`miden run` does without: each of them takes longer than to assemble and run a small program, or imports one that does."""

BUDGETS = {"own": (72, 440_000), "core": (87, 520_000)}
"""What `miden run` of a small program may import of this package: modules, and bytes of source text in them.

Importing a module takes a tenth of a millisecond, and what is loaded and made then grows with the text. A program that calls
the core library has to read it.
"""

UNNEEDED = {
    "own": ("miden.mast.library", "miden.serde", "miden.vm.fetches", "miden.vm.interrupts", "miden.vm.host", "miden.vm.advice"),
    "core": ("miden.mast.decorators", "miden.mast.checks", "miden.serde.debug_info", "miden.serde.operations", "miden.vm.advice"),
}
"""Modules that the programs have nothing for."""


FIRST_PAGE = {"miden", "miden.cli", "miden.cli.app", "miden.cli.console", "miden.cli.overview", "miden.errors", "miden._version"}
"""Modules of this package that write the first page of help."""


def modules_after(code: str) -> set[str]:
    """Return what is imported after `code` beyond what a bare interpreter imports."""
    script = f"import sys\nbare = set(sys.modules)\n{code}\nprint('\\n'.join(sorted(set(sys.modules) - bare)), file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(result.stderr.split())


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert modules_after("import miden") & set(HEAVIER) == set()


@pytest.fixture(scope="module")
def loaded_by_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """What `miden run` imports for a program with inputs and an error message, and for one that calls the core library."""
    pytest.importorskip("miden._core.processor", reason="without the core tokens are found by `re`, and the machine is Python's")
    core = tmp_path_factory.mktemp("programs") / "core.masm"
    core.write_text("use miden::core::math::u64\nbegin push.1.2.3.4 exec.u64::wrapping_add drop drop end", encoding="utf-8")
    programs = {"own": EXAMPLE, "core": core}
    return {name: modules_after(f"from miden.cli import main\nassert main(['run', {str(path)!r}]) == 0") for name, path in programs.items()}


@pytest.mark.parametrize("program", BUDGETS)
def test_running_a_program_imports_nothing_heavy(loaded_by_runs: dict[str, set[str]], program: str) -> None:
    loaded = loaded_by_runs[program]
    assert "miden.vm.processor" in loaded
    assert ("miden.serde.library" in loaded) == (program == "core")
    assert loaded & {*AVOIDED, *UNNEEDED[program]} == set()


@pytest.mark.parametrize("program", BUDGETS)
def test_running_a_program_imports_little_of_this_package(loaded_by_runs: dict[str, set[str]], program: str) -> None:
    ours = sorted(name for name in loaded_by_runs[program] if name.partition(".")[0] == "miden")
    modules, text = BUDGETS[program]
    assert len(ours) <= modules, ours
    assert sum(source_bytes(name) for name in ours) <= text


def source_bytes(name: str) -> int:
    """Return the size of the source of a module of this package; 0 for one that is compiled."""
    path = ROOT.joinpath(*name.split("."))
    found = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return found.stat().st_size if found.is_file() else 0


@pytest.mark.parametrize("verb", ["hash", "explain", "size"])
def test_other_verbs_do_without_click_as_well(verb: str) -> None:
    argument = "E0116" if verb == "explain" else str(EXAMPLE)
    loaded = modules_after(f"from miden.cli import main\nassert main([{verb!r}, {argument!r}]) == 0")
    assert f"miden.cli.{verb}" in loaded
    assert loaded & {"click", "inspect", "typing"} == set()


@pytest.mark.parametrize("line", [["--help"], ["-h"], ["--version"]])
def test_the_first_page_of_help_imports_next_to_nothing(line: list[str]) -> None:
    loaded = modules_after(f"from miden.cli import main\nmain({line!r})")
    assert {name for name in loaded if name.partition(".")[0] == "miden"} <= FIRST_PAGE
    assert {name for name in loaded if "." not in name} <= {"miden", "__future__", "atexit"}


@pytest.mark.parametrize("argument", ["nodes", "operations"])
def test_numpy_is_imported_when_someone_asks_for_an_array(argument: str) -> None:
    code = f"import miden\nprogram = miden.assemble('begin add end')\nassert 'numpy' not in sys.modules\nprogram.forest.{argument}"
    assert "numpy" in modules_after(code)


# --- the end of a process ---------------------------------------------------------------------------------------


def started(setup: str, *arguments: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """Run the command line as the installed command does, after `setup`."""
    script = f"import sys\n{setup}\nfrom miden.cli import start\nsys.argv = ['miden', *{arguments!r}]\nsys.exit(start())"
    return subprocess.run([sys.executable, "-c", script], stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT)


def test_a_command_ends_with_its_output_and_exit_code() -> None:
    done = started("", "hash", str(EXAMPLE))
    assert (done.returncode, len(done.stdout.split()), done.stderr) == (0, 1, "")
    missing = started("", "hash", "nowhere.masm")
    assert (missing.returncode, missing.stdout) == (4, "")
    assert "nowhere.masm" in missing.stderr


def test_what_waits_for_the_end_of_the_process_is_told() -> None:
    done = started("import atexit\natexit.register(print, 'told')", "--version")
    assert done.returncode == 0
    assert done.stdout.splitlines()[1:] == ["told"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_output_that_cannot_be_written_is_no_success() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        assert started("", "hash", str(EXAMPLE), stdout=full.fileno()).returncode != 0
        assert started("", "--version", stdout=full.fileno()).returncode != 0
