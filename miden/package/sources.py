"""Find the modules of a target: every ``*.masm`` file in the directory of its root module."""

from __future__ import annotations

import os
from pathlib import Path

from miden.errors import LinkError, ProjectError
from miden.package.project import FILE_NAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from miden.assembly.source import SourceFile
    from miden.package.project import Project, Target

ROOT = "::"
SUFFIX = ".masm"
DIRECTORY_MODULE = "mod"


class ModuleText:
    """A module as it was read: its path, the bytes of its file, and the name that debug information shows."""

    __slots__ = ("data", "label", "path")

    def __init__(self, path: str, data: bytes, label: str) -> None:
        self.path = path
        self.data = data
        self.label = label

    def source(self) -> SourceFile:
        """Return it as the assembler takes it; `ParseError` if it is not UTF-8."""
        from miden.assembly.source import SourceFile

        return SourceFile.from_bytes(self.data, self.label)


def read_module(project: Project, file: Path, path: str, *, trim: bool) -> ModuleText:
    """Read one file; `trim` makes its name relative to the project."""
    _check_inside(project, file)
    label = file.relative_to(project.folder).as_posix() if trim else str(file)
    return ModuleText(path, file.read_bytes(), label)


def read_tree(project: Project, target: Target, namespace: str, *, trim: bool, without: Iterable[Path] = ()) -> list[ModuleText]:
    """Read the modules in the directory of a target's root, itself as the module `namespace`; `without` leaves files out.

    ``a/b.masm`` is ``namespace::a::b`` and ``a/mod.masm`` is ``namespace::a``. Hidden directories and those with a
    project file of their own are not entered. The order is that of the paths.

    Raises `LinkError` for names that cannot be paths and for two files that are one module.
    """
    top = target.root.parent
    left_out = {Path(file) for file in without}
    found: dict[str, Path] = {}
    for file in _files(top):
        if file in left_out:
            continue
        parts = [] if file == target.root else list(file.relative_to(top).with_suffix("").parts)
        if parts and parts[-1] == DIRECTORY_MODULE:
            parts.pop()
        path = _module_path(namespace, parts)
        if path is None:
            raise LinkError(f"the name of {file} cannot be part of a module path", kind="InvalidModulePath")
        if path in found:
            raise LinkError(f"two files are the module `{path}`: {found[path]} and {file}", kind="DuplicateModule")
        found[path] = file
    return [read_module(project, found[path], path, trim=trim) for path in sorted(found)]


def check_root(project: Project, target: Target, field: str) -> None:
    """Raise `ProjectError` of kind ``FileNotFound`` unless the root module of a target is a file."""
    if not target.root.is_file():
        shown = target.root.relative_to(project.folder).as_posix()
        project.file.fail(f"there is no file {shown}", field, kind="FileNotFound", hint=f"write the root module of {target.name} there")


def _module_path(namespace: str, parts: list[str]) -> str | None:
    """Return the path of a module in canonical form, or None; plain names, nearly all, need no parser to be loaded."""
    names = [*namespace.removeprefix(ROOT).split(ROOT), *parts]
    if all(name.isascii() and name.isidentifier() for name in names):
        return ROOT + ROOT.join(names)
    from miden.assembly.linker.paths import canonical_module_path

    return canonical_module_path(ROOT.join([namespace, *(f'"{part}"' for part in parts)]))


def _files(top: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(top, onerror=_fail):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and not os.path.isfile(os.path.join(folder, name, FILE_NAME))  # noqa: PTH113, PTH118
        )
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(SUFFIX))


def _check_inside(project: Project, file: Path) -> None:
    """Refuse a link that leads out of the project."""
    if file.is_symlink() and not file.resolve().is_relative_to(project.folder):
        raise ProjectError(f"{file} is a link that leads out of the project", path=project.file.path, kind="InvalidPath")


def _fail(error: OSError) -> None:
    raise error
