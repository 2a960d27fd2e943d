"""`miden add`: a dependency into the project file, its version chosen and locked."""

from __future__ import annotations

from miden.cli.parameters import argument, flag, option
from miden.cli.places import PACKAGE_OPTIONS, Places, with_places
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "add",
    argument("packages", multiple=True, metavar="NAME[@VERSION]..."),
    flag("--static", help="Link a copy of it, so that it is not needed at run time."),
    option("--features", metavar="A,B,..", help="Features to ask of it."),
    flag("--no-default-features", help="Leave its feature default off."),
    flag("--optional", help="Only link it if a feature of the project asks for it."),
    flag("--dry-run", help="Say what would be done, and do nothing."),
    *PACKAGE_OPTIONS,
)
@with_places
def command(
    console: Console,
    packages: tuple[str, ...],
    static: bool,
    features: str | None,
    no_default_features: bool,
    optional: bool,
    dry_run: bool,
    places: Places,
) -> int:
    """Add packages to the project around this folder, choose versions, and bring them here.

    Without a version the highest one there is is asked for, as ^VERSION. The project file keeps its comments. Nothing is
    changed if no versions fit together.
    """
    from miden.cli.registries import change_facts, project_folder, show_change, warn_of_similar
    from miden.package.files import write_whole
    from miden.package.project import FILE_NAME, Project
    from miden.package.requirements import Requirement
    from miden.registry.lockfile import Lock
    from miden.registry.names import PackageReference
    from miden.registry.planning import plan
    from miden.registry.projects import add_dependency, collect_needs, install_project

    folder = project_folder()
    path = folder / FILE_NAME
    content = old = path.read_text(encoding="utf-8")
    known = list(Project.read(folder).dependencies)
    lock = Lock.read(folder)
    asked = [feature.strip() for feature in (features or "").split(",") if feature.strip()]
    with places.installer(console, folder) as installer:
        added = {}
        for text in packages:
            reference = PackageReference(text)
            entry = installer.choose(reference)
            requirement = f"^{entry.version.partition('+')[0]}" if reference.requirement == "*" else reference.requirement
            Requirement(requirement)
            added[entry.name] = requirement
            content = add_dependency(
                content,
                entry.name,
                requirement,
                **{
                    "linkage": "static" if static else "",
                    "features": asked,
                    "optional": optional or None,
                    "default-features": False if no_default_features else None,
                },
            )
        warn_of_similar(console, installer, list(added), [*known, *(lock or Lock()).versions()])
        project = Project(content.encode(), folder, str(path))
        made = plan(
            collect_needs(folder, project=project), installer.sources, locked=None if lock is None else lock.versions(), root=project.name
        )
        change = None
        if not dry_run:
            change = install_project(folder, made, installer)
            if content != old:
                write_whole(path, content.encode())
            made.write(folder)
    versions = {name: made.versions().get(name) for name in added}
    if console.json:
        facts = {"project": str(folder), "added": [{"name": n, "requirement": r, "version": versions[n]} for n, r in added.items()]}
        console.document({**facts, "installed": None if change is None else change_facts(change), "dry_run": dry_run})
        return 0
    for name, requirement in added.items():
        console.print(f"{console.style(name, 'value')} {requirement}, now {versions[name] or 'optional'}")
    if change is not None:
        show_change(console, change)
    return 0
