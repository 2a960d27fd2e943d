"""`miden doc`: the documentation of a library."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, flag, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console
    from miden.package.docs import DocModule


@verb(
    "doc",
    argument("path", FilePath(), default="."),
    option("-o", "--output", type=FilePath(allow_dash=True), metavar="OUT", help="File to write; standard output by default."),
    flag("--html", help="Write a page of HTML; so does an OUT that ends in .html."),
    option("--title", metavar="TEXT", help="Title of the page."),
    flag("--force", help="Replace OUT if it is there."),
)
def command(console: Console, path: str, output: str | None, html: bool, title: str | None, force: bool) -> int:
    """Write the documentation of PATH: a project, a folder of modules, a module, or a library or package.

    PATH may be the path of a module of the core library, such as miden::core::math::u64, or miden::core for all of it; the same goes
    for miden::actor, the library of actors.
    The documentation comes from the doc comments (#!) of public items. A package that miden build made carries them; a library file has
    names and signatures only. By default PATH is the project here; the page is Markdown.
    """
    from miden.cli.artifacts import write_new
    from miden.package.docs import html_page, markdown

    name, modules = _collect(path)
    title = title or name
    if console.json:
        console.document({"title": title, "modules": [module.to_dict() for module in modules]})
        return 0
    page = html_page if html or (output or "").endswith((".html", ".htm")) else markdown
    text = page(title, modules)
    if output in (None, "-"):
        console.print(text.rstrip("\n"))
        return 0
    write_new(str(output), text.encode(), force=force)
    items = sum(len(module.items) for module in modules)
    console.print(f"wrote {output}: {items:,} items of {len(modules):,} modules")
    return 0


SHIPPED = {
    "miden::core": ("miden.corelib.build", "core_modules"),
    "miden::actor": ("miden.actors.runtimes.masm.build", "actor_modules"),
}
"""Namespace of a library that comes with the package -> module and function that give its sources."""


def _shipped(path: str) -> str | None:
    """Return the namespace of the library that comes with the package and has a path, or None."""
    return next((namespace for namespace in SHIPPED if f"{path}::".startswith(f"{namespace}::")), None)


def _shipped_docs(path: str, namespace: str) -> list[DocModule]:
    """Return the modules of a library that comes with the package at or below a path."""
    from importlib import import_module

    from miden.errors import NotFoundError
    from miden.package.docs import source_docs

    module, function = SHIPPED[namespace]
    modules = getattr(import_module(module), function)()
    texts = {name: source for name, source in modules.items() if f"{name.removeprefix('::')}::".startswith(f"{path}::")}
    if not texts:
        raise NotFoundError(f"there is no module {path}", kind="ModuleNotFound", hint=f"miden doc {namespace} lists those there are")
    return source_docs(texts)


def _collect(path: str) -> tuple[str, list[DocModule]]:
    """Return a title and the modules of a project, a folder, a source file or an artifact."""
    from pathlib import Path

    from miden.assembly.source import SourceFile
    from miden.cli.artifacts import is_source, load_bytes
    from miden.cli.files import read_bytes
    from miden.errors import NotFoundError
    from miden.package.docs import artifact_docs, source_docs
    from miden.package.package import Package
    from miden.package.project import FILE_NAME, Project, find_project
    from miden.package.sources import check_root, read_tree

    name = path.removeprefix("::")
    namespace = _shipped(name)
    if namespace is not None:
        return name, _shipped_docs(name, namespace)
    where = Path(path)
    if where.is_dir():
        folder = where if (where / FILE_NAME).is_file() else find_project(where) if path == "." else None
        if folder is None:
            from miden.assembly.modules import read_modules

            name = where.resolve().name
            modules = read_modules(where, name)
            if not modules:
                raise NotFoundError(f"there is no {FILE_NAME} and no module in {path}", kind="ProjectNotFound")
            return name, source_docs(modules)
        project = Project.read(folder)
        title = f"{project.name} {project.version}"
        if project.lib is None:
            return title, source_docs({target.name: SourceFile.from_path(target.root) for target in project.bins})
        check_root(project, project.lib, "lib.path")
        texts = read_tree(project, project.lib, project.lib.namespace, trim=True, without=[target.root for target in project.bins])
        return title, source_docs({module.path: module.source() for module in texts})
    data = read_bytes(path)
    if is_source(path, data):
        return where.stem, source_docs({where.stem: SourceFile.from_bytes(data, path)})
    loaded = load_bytes(path, data)
    if isinstance(loaded.content, Package):
        return f"{loaded.content.name} {loaded.content.version_text or ''}".strip(), artifact_docs(loaded)
    return where.stem, artifact_docs(loaded)
