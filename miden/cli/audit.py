"""`miden audit`: what is known to be wrong with the packages in use."""

from __future__ import annotations

from miden.cli.parameters import FilePath, flag, option
from miden.cli.places import PACKAGE_OPTIONS, Places, with_places
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.cli.console import Console
    from miden.registry.sources import Sources
    from miden.registry.trust.audit import Finding


@verb(
    "audit",
    flag("--installed", help="Look at what is installed, even in a project."),
    option("--advisories", name="file", type=FilePath(allow_dash=True), metavar="FILE", help="A list to use as well."),
    *PACKAGE_OPTIONS,
)
@with_places
def command(console: Console, installed: bool, file: str | None, places: Places) -> int:
    """Hold the versions that a project has locked, or those that are installed, against the advisories of the registries.

    Says as well which of them were yanked. Exits with 5 if an advisory is about one of them.
    """
    from miden.errors import EXIT_INTEGRITY, EXIT_OK
    from miden.registry.trust.audit import audit, read_advisories, registry_advisories

    sources = places.sources()
    try:
        used = _used(places, sources, installed=installed)
        advisories = {item.id: item for bound in sources.bound for item in registry_advisories(bound.registry)}
    finally:
        sources.close()
    if file is not None:
        from miden.cli.files import read_bytes

        advisories |= {item.id: item for item in read_advisories(read_bytes(file))}
    findings = audit(used, list(advisories.values()))
    serious = [finding for finding in findings if finding.advisory is not None]
    if console.json:
        rows = [_facts(finding) for finding in findings]
        console.document({"packages": len(used), "advisories": len(advisories), "findings": rows})
    else:
        for finding in findings:
            _show(console, finding)
        good = console.style("nothing is known against them", "good") if not findings else f"{len(findings)} findings"
        console.print(f"{len(used)} packages, {len(advisories)} advisories: {good}")
    return EXIT_INTEGRITY if serious else EXIT_OK


def _used(places: Places, sources: Sources, *, installed: bool) -> list[tuple[str, str, str | None]]:
    """Return name, version and why it was yanked of every package in use."""
    from miden.package.project import find_project
    from miden.registry.lockfile import Lock

    folder = None if installed else find_project(".")
    lock = None if folder is None else Lock.read(folder)
    if lock is not None:
        ids = [item.id for item in lock.packages]
    else:
        from miden.registry.installed import read_home

        ids = list(read_home(places.home).packages)
    yanked = {entry.id: entry.yanked for name in dict.fromkeys(name for name, _ in ids) for entry in sources.versions(name)}
    return [(name, version, yanked.get((name, version))) for name, version in ids]


def _facts(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.name,
        "version": finding.version,
        "advisory": None if finding.advisory is None else finding.advisory.to_json(),
        "yanked": finding.yanked,
    }


def _show(console: Console, finding: Finding) -> None:
    what = f"{finding.name} {finding.version}"
    if finding.advisory is None:
        console.print(f"{what}: yanked: {finding.yanked}")
        return
    item = finding.advisory
    console.print(f"{console.style(what, 'bad')}: {item.severity}: {item.summary} [{item.id}]{f' {item.url}' if item.url else ''}")
