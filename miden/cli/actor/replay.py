"""`miden actor replay`: message vectors of the Filecoin network against our machine."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, flag, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from miden.actors.vectors import Outcome
    from miden.cli.console import Console


@verb(
    "replay",
    argument("paths", FilePath(), multiple=True, metavar="VECTOR..."),
    option("--bundle", type=FilePath(), required=True, metavar="FILE", help="The code of the built-in actors, a CAR file."),
    option("--cache", type=FilePath(), metavar="DIRECTORY", help="Where compiled code is kept; by default with what may be deleted."),
    flag("--no-cache", help="Compile all code anew, and keep none of it."),
    flag("--reject-proofs", help="Let no storage proof hold; by default all do, as nothing here verifies them."),
)
def command(console: Console, paths: tuple[str, ...], bundle: str, cache: str | None, no_cache: bool, reject_proofs: bool) -> int:
    """Apply the messages of vectors to the state before, and compare exit codes, return values, gas and the state after.

    A vector is a JSON file; of a directory, all JSON files in it and below are taken. Exits with 1 if anything differs.
    """
    import time
    from pathlib import Path

    from miden.actors.runtimes.wasm.runtime import WasmRuntime
    from miden.actors.vectors import Vector, load_bundle, replay
    from miden.cli.progress import progress
    from miden.errors import EXIT_OK, EXIT_TRAP

    files = _files(paths)
    code = load_bundle(Path(bundle))
    runtime = WasmRuntime(None if no_cache else Path(cache) if cache else _cache())
    rows: list[dict[str, Any]] = []
    outcomes: list[Outcome] = []
    with progress(console, "replaying") as show:
        for done, file in enumerate(files):
            if show is not None:
                show(done, len(files))
            vector = Vector.load(file)
            begin = time.perf_counter()
            outcome = replay(vector, code, [runtime], proofs_hold=not reject_proofs)
            rows.append({**_facts(outcome), "seconds": round(time.perf_counter() - begin, 6)})
            outcomes.append(outcome)
    exact = sum(row["exact"] for row in rows)
    seconds = sum(row["seconds"] for row in rows)
    if console.json:
        console.document({"vectors": rows, "exact": exact, "total": len(rows), "seconds": round(seconds, 6)})
    else:
        for row, outcome in zip(rows, outcomes, strict=True):
            _show(console, row, outcome)
        console.print(f"{exact} of {len(rows)} exact, {seconds:.2f} s")
    return EXIT_OK if exact == len(rows) else EXIT_TRAP


def _files(paths: tuple[str, ...]) -> list[Path]:
    from pathlib import Path

    from miden.errors import NotFoundError

    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            found += sorted(path.rglob("*.json"))
        elif path.is_file():
            found.append(path)
        else:
            raise NotFoundError(f"there is no vector {path}", kind="FileNotFound")
    return found


def _cache() -> Path:
    from miden.cli.places import Places

    return Places().cache / "wasm"


def _facts(outcome: Outcome) -> dict[str, Any]:
    vector = outcome.vector
    messages = [
        {
            "expected": {"exit_code": wanted.exit_code, "return": wanted.return_data.hex(), "gas_used": wanted.gas_used},
            "found": {"exit_code": found.exit_code, "return": found.return_data.hex(), "gas_used": found.gas_used},
            "failure": found.failure,
        }
        for wanted, found in zip(vector.receipts, outcome.receipts, strict=True)
    ]
    root = {"expected": str(vector.root_after), "found": str(outcome.root)}
    return {"name": vector.name, "exact": outcome.exact, "messages": messages, "state_root": root}


def _show(console: Console, row: dict[str, Any], outcome: Outcome) -> None:
    verdict = console.style("exact", "good") if outcome.exact else console.style("differs", "bad")
    console.print(f"{verdict}  {row['name']}  {row['seconds']:.3f} s")
    for message in row["messages"]:
        found = message["found"]
        console.print(f"  exit code {found['exit_code']}, gas {found['gas_used']:,}, return {found['return'] or 'nothing'}")
    console.print(f"  state root {row['state_root']['found']}")
    for name, expected, found in outcome.differences():
        console.print(f"  {console.style(name, 'key')}: expected {expected}, found {found}")
