"""`miden build`: a project into packages."""

from __future__ import annotations

import os

from miden.cli.parameters import FilePath, argument, flag, option
from miden.cli.places import PACKAGE_OPTIONS, Places, with_places
from miden.cli.verb import CORE_OPTION, MisuseError, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from miden.cli.console import Console
    from miden.package.build import Built

CACHE_VARIABLE = "MIDEN_BUILD_CACHE"


@verb(
    "build",
    argument("path", FilePath(), default="."),
    option("--profile", metavar="NAME", help="Profile of the project file; dev by default."),
    flag("--release", help="The same as --profile release: without debug information."),
    option("--target-dir", type=FilePath(), metavar="DIR", help="Folder to write to; target in the project by default."),
    option("--cache", type=FilePath(), metavar="DIR", help=f"Folder of the build cache; ${CACHE_VARIABLE} or target/cache by default."),
    flag("--no-cache", help="Build everything, keep nothing."),
    flag("--warnings-as-errors", help="Refuse sources with warnings."),
    option("--features", metavar="A,B,..", help="Features of the project that are on, beside default."),
    flag("--locked", help="Fail if the lock file does not meet the needs of the project."),
    flag("--frozen", help="The same as --locked and --offline."),
    CORE_OPTION,
    *PACKAGE_OPTIONS,
)
@with_places
def command(
    console: Console,
    path: str,
    profile: str | None,
    release: bool,
    target_dir: str | None,
    cache: str | None,
    no_cache: bool,
    warnings_as_errors: bool,
    features: str | None,
    locked: bool,
    frozen: bool,
    core: str | None,
    places: Places,
) -> int:
    """Build the project in the folder PATH, by default the one around this folder: its library and its programs.

    Writes a package (.masp) for each target to the folder target of the project, and for libraries a library (.masl) too.
    What has not changed comes out of the build cache, which is safe to delete. Dependencies on versions are chosen as
    miden.lock says, which is written if it is not there, and installed if need be.
    """
    import time
    from pathlib import Path

    from miden.cli.artifacts import load_core
    from miden.errors import NotFoundError
    from miden.package.build import TARGET_FOLDER, build_project
    from miden.package.cache import BuildCache
    from miden.package.project import FILE_NAME, find_project

    if release and profile not in (None, "release"):
        raise MisuseError("--release and --profile ask for different things")
    folder = find_project(path) if path == "." else Path(path) if (Path(path) / FILE_NAME).is_file() else None
    if folder is None:
        searched = f"{path} or above" if path == "." else path
        raise NotFoundError(f"there is no {FILE_NAME} in {searched}", kind="ProjectNotFound", hint="miden new makes a project")
    where = cache or os.environ.get(CACHE_VARIABLE) or str(folder / TARGET_FOLDER / "cache")
    started = time.perf_counter()
    places.offline |= frozen
    chosen = ["default", *(feature.strip() for feature in (features or "").split(",") if feature.strip())]
    packages = _packages(console, places, folder, chosen, locked=locked or frozen)
    built = build_project(
        folder,
        profile="release" if release else profile or "dev",
        cache=None if no_cache else BuildCache(where),
        target_dir=target_dir,
        warnings_as_errors=warnings_as_errors,
        packages=packages,
        features=chosen,
        core=load_core(core, console),
    )
    elapsed = time.perf_counter() - started
    if console.json:
        console.document({"project": str(folder), "targets": [_facts(item) for item in built], "seconds": round(elapsed, 6)})
        return 0
    for item in built:
        for warning in item.facts["warnings"]:
            console.note(warning["text"])
        state = "unchanged" if item.cached else "built"
        console.print(f"{state.ljust(9)}  {console.style(item.target.name, 'value')}  {console.style(item.facts['digest'], 'digest')}")
        for written in item.paths:
            console.print(f"           {_shown(written)} ({written.stat().st_size:,} bytes)")
    console.print(f"{'done'.ljust(9)}  in {elapsed * 1e3:.0f} ms")
    return 0


def _packages(console: Console, places: Places, folder: Path, features: Iterable[str], *, locked: bool) -> dict[str, bytes]:
    """Return the packages that a project is linked with, brought here if they are not."""
    from miden.registry.projects import collect_needs, current_lock, install_project, linked_packages

    if not collect_needs(folder, features):
        return {}
    with places.installer(console, folder) as installer:
        lock = current_lock(folder, lambda: installer.sources, locked=locked, features=features)
        install_project(folder, lock, installer)
        return linked_packages(lock, installer.home)


def _facts(built: Built) -> dict[str, object]:
    return {
        "name": built.target.name,
        "kind": built.target.kind,
        "digest": built.facts["digest"],
        "nodes": built.facts["nodes"],
        "exports": built.facts["exports"],
        "cached": built.cached,
        "files": [str(path) for path in built.paths],
        "warnings": [warning["facts"] for warning in built.facts["warnings"]],
    }


def _shown(path: Path) -> str:
    from pathlib import Path

    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
