"""Start-up stays light: what a small program needs, and nothing else, is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from miden.cli.app import VERBS

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "add.masm"

HEAVY = ("numpy", "rich", "asyncio", "importlib.metadata", "dataclasses", "json", "pytest", "hypothesis")
"""Neither `import miden` nor `miden run` may import these."""

HEAVIER = (*HEAVY, "click", "inspect", "typing", "pathlib", "re", "miden.assembly", "miden.pure", "blake3")
"""`import miden` alone may not import these either."""


def modules_after(code: str) -> set[str]:
    """Return what is imported after `code` beyond what a bare interpreter imports."""
    script = f"import sys\nbare = set(sys.modules)\n{code}\nprint('\\n'.join(sorted(set(sys.modules) - bare)), file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(result.stderr.split())


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert modules_after("import miden") & set(HEAVIER) == set()


def test_running_a_program_imports_nothing_heavy(tmp_path: Path) -> None:
    program = tmp_path / "add.masm"  # without the example's inputs, which are JSON
    program.write_bytes(EXAMPLE.read_bytes())
    loaded = modules_after(f"from miden.cli import main\nassert main(['run', {str(program)!r}, '--stack', '3,5']) == 0")
    assert "miden.vm.processor" in loaded
    assert loaded & set(HEAVY) == set()


def test_help_imports_no_verb_and_no_machine() -> None:
    loaded = modules_after("from miden.cli import main\nmain(['--help'])")
    assert loaded & {f"miden.cli.{verb}" for verb in VERBS} == set()
    assert not any(name.startswith(("miden.vm", "miden.assembly", "miden._core")) for name in loaded)


@pytest.mark.parametrize("argument", ["nodes", "operations"])
def test_numpy_is_imported_when_someone_asks_for_an_array(argument: str) -> None:
    code = f"import miden\nprogram = miden.assemble('begin add end')\nassert 'numpy' not in sys.modules\nprogram.forest.{argument}"
    assert "numpy" in modules_after(code)
