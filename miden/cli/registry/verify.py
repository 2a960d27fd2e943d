"""`miden registry verify`: check a registry as a whole."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "verify",
    argument("folder", FilePath()),
)
def command(console: Console, folder: str) -> int:
    """Check the registry in FOLDER as clients would: every digest of every package, what the index says, signatures, the log.

    It goes on after a problem, lists all of them, and exits with 5 if there were any.
    """
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from miden.cli.progress import progress
    from miden.errors import EXIT_INTEGRITY
    from miden.registry.server.verifying import verify_catalog, verify_registry

    with progress(console, "verify") as show:
        if (Path(folder) / "registry.db").exists():
            from miden.registry.server.catalog import Catalog

            catalog = Catalog(folder)
            try:
                with TemporaryDirectory() as state:
                    names, versions, problems = verify_catalog(catalog, Path(state), show)
            finally:
                catalog.close()
        else:
            from miden.registry.backends import open_registry

            registry = open_registry(folder)
            names, versions, problems = verify_registry(registry, show)
            registry.close()
    if console.json:
        console.document({"packages": names, "versions": versions, "problems": [problem._asdict() for problem in problems]})
    else:
        for problem in problems:
            console.print(f"{console.style(problem.where, 'bad')}: {problem.message} [{problem.kind}]")
        good = console.style("nothing is wrong", "good") if not problems else f"{len(problems)} problems"
        console.print(f"{names} packages, {versions} versions: {good}")
    return EXIT_INTEGRITY if problems else 0
