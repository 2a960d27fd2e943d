"""Build a project: its library and programs, after the projects and files they depend on.

What is built is decided by content: the key of a target is made of its sources, its options and the keys of its
dependencies, so that an unchanged target is a lookup in the cache and nothing is decoded.
"""

from __future__ import annotations

from pathlib import Path

from miden.errors import LinkError, ProjectError
from miden.package.cache import bytes_key, content_key
from miden.package.compiling import Inputs, compile_target
from miden.package.files import write_changed
from miden.package.needs import active_needs, project_needs
from miden.package.project import FILE_NAME, Project
from miden.package.sources import check_root, read_module, read_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from typing import Any

    from miden.mast.library import Library
    from miden.package.cache import BuildCache
    from miden.package.package import Package
    from miden.package.project import Profile, ProjectDependency, Target

TARGET_FOLDER = "target"


class Unit:
    """Something to link against: `key` stands for its content, `package` is loaded when it is needed."""

    __slots__ = ("_package", "_trusted", "data", "key", "name")

    def __init__(self, name: str, key: str, data: bytes, package: Package | None = None, *, trusted: bool) -> None:
        self.name = name
        self.key = key
        self.data = data
        self._trusted = trusted
        self._package = package

    @property
    def package(self) -> Package:
        """The package; a library file becomes one without a version."""
        if self._package is None:
            self._package = _load(self.name, self.data, trusted=self._trusted)
        return self._package


class Built:
    """A target that was built.

    Attributes
    ----------
    target
        What was asked for.
    data
        Bytes of the package.
    facts
        ``kind``, ``digest``, ``nodes``, ``exports`` and ``warnings`` of it.
    cached
        Whether it came out of the cache.
    paths
        Files it was written to; empty for what only others needed.
    """

    __slots__ = ("cached", "data", "facts", "key", "paths", "target")

    def __init__(self, target: Target, key: str, data: bytes, facts: dict[str, Any], *, cached: bool) -> None:
        self.target = target
        self.key = key
        self.data = data
        self.facts = facts
        self.cached = cached
        self.paths: list[Path] = []

    @property
    def package(self) -> Package:
        """The package."""
        from miden.package.package import Package

        return Package.from_trusted_bytes(self.data)

    def __repr__(self) -> str:
        return f"<Built {self.target.name} {self.facts['digest']}{' from the cache' if self.cached else ''}>"


def build_project(
    folder: str | os.PathLike[str],
    *,
    profile: str = "dev",
    cache: BuildCache | None = None,
    target_dir: str | os.PathLike[str] | None = None,
    warnings_as_errors: bool = False,
    packages: Mapping[str, bytes] | None = None,
    features: Iterable[str] = ("default",),
    core: Library | None = None,
) -> list[Built]:
    """Build all targets of the project in a directory and write them to its folder ``target``.

    Parameters
    ----------
    folder
        Directory with a ``miden-project.toml``.
    profile
        Name of a profile; artifacts of others than ``dev`` get a folder of that name below ``target``.
    cache
        Where unchanged targets are looked up, and new ones kept; None builds everything.
    target_dir
        Folder to write to in place of ``target``; it is made if need be.
    warnings_as_errors
        Refuse sources with warnings.
    packages
        Name -> bytes of the packages for dependencies without a path, verified by who gives them.
    features
        Features that are on; what is optional is linked if one of them asks for it.
    core
        Library to link in place of the core library.

    Returns
    -------
    list
        What was built, the library first: ``.masp`` files, and for libraries ``.masl`` files too.

    Raises
    ------
    ProjectError
        For the project file and what it asks for: `UnknownProfile`, `DependencyCycle`, `NoLibrary`, ...
    AssemblyError
        For sources that do not assemble.
    OSError
        For what cannot be read or written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> project = '[package]\\nname = "demo"\\nversion = "1.0.0"\\n\\n[lib]\\npath = "demo.masm"'
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "miden-project.toml").write_text(project)
    ...     _ = Path(folder, "demo.masm").write_text("pub proc double dup.0 add end")
    ...     [built] = build_project(folder)
    >>> built.package
    <Package demo 1.0.0 library, 1 exports>
    """
    project = Project.read(folder)
    if profile not in project.profiles:
        project.file.fail(f"there is no profile {profile!r}", "profile", kind="UnknownProfile")
    builder = Builder(profile, cache, warnings_as_errors=warnings_as_errors, packages=packages, features=features, core=core)
    built = builder.build(project)
    out = (project.folder / TARGET_FOLDER if target_dir is None else Path(target_dir)) / ("" if profile == "dev" else profile)
    for item in built:
        _write(out, item)
    return built


def _write(folder: Path, built: Built) -> None:
    path = folder / f"{built.target.file_stem}.masp"
    write_changed(path, built.data)
    built.paths = [path]
    if built.target.kind != "executable":
        start, end = built.facts["artifact"]
        write_changed(path.with_suffix(".masl"), built.data[start:end])
        built.paths.append(path.with_suffix(".masl"))


class Builder:
    """Builds projects, each once."""

    __slots__ = ("_cache", "_core", "_features", "_libraries", "_packages", "_profile", "_projects", "_root", "_warnings_as_errors")

    def __init__(
        self,
        profile: str,
        cache: BuildCache | None,
        *,
        warnings_as_errors: bool = False,
        packages: Mapping[str, bytes] | None = None,
        features: Iterable[str] = ("default",),
        core: Library | None = None,
    ) -> None:
        self._core = core
        self._packages = packages or {}
        self._features = tuple(features)
        self._profile = profile
        self._cache = cache
        self._warnings_as_errors = warnings_as_errors
        self._projects: dict[Path, Project] = {}
        self._libraries: dict[Path, Built] = {}

    def build(self, root: Project) -> list[Built]:
        """Build what a project depends on, then its targets."""
        for project in self._in_order(root):
            if project is not root and project.lib is not None:
                self._libraries[project.folder] = self._target(project, project.lib)
        return [self._target(root, target) for target in root.targets]

    def _in_order(self, root: Project) -> list[Project]:
        """Return a project and those it depends on, dependencies first."""
        self._projects[root.folder] = root
        self._root = root.folder
        order: list[Project] = []
        done: set[Path] = set()
        stack = [root]
        while stack:
            project = stack[-1]
            missing = [item for item in project.dependencies.values() if self._is_project(item) and item.path not in done]
            if not missing:
                if stack.pop().folder not in done:
                    done.add(project.folder)
                    order.append(project)
                continue
            needed = self._load(project, missing[0])
            if needed in stack:
                names = " -> ".join(item.name for item in [*stack[stack.index(needed) :], needed])
                project.file.fail(f"projects depend on each other: {names}", f"dependencies.{missing[0].name}", kind="DependencyCycle")
            stack.append(needed)
        return order

    @staticmethod
    def _is_project(dependency: ProjectDependency) -> bool:
        return dependency.path is not None and dependency.path.is_dir()

    def _load(self, project: Project, dependency: ProjectDependency) -> Project:
        """Return the project that a dependency names, checked against what is asked of it."""
        path = dependency.path
        where = f"dependencies.{dependency.name}"
        if path is None or not (path / FILE_NAME).is_file():
            project.file.fail(f"there is no {FILE_NAME} in {path}", where, kind="DependencyNotFound")
        found = self._projects.get(path)
        if found is None:
            found = self._projects[path] = Project.read(path)
        if found.name != dependency.name:
            project.file.fail(f"the project in {path} is called {found.name}, not {dependency.name}", where, kind="DependencyMismatch")
        if found.lib is None:
            project.file.fail(f"project {found.name} has no library to link against", where, kind="NoLibrary")
        if dependency.requirement is not None:
            if dependency.requirement.digest is not None:
                project.file.fail(
                    "a project has no digest before it is built", where, kind="DependencyMismatch", hint="name the .masp file"
                )
            if not dependency.requirement.accepts(found.version):
                message = f"{found.name} is {found.version}, asked for is {dependency.requirement.text}"
                project.file.fail(message, where, kind="DependencyMismatch")
        return found

    # one target

    def _target(self, project: Project, target: Target) -> Built:
        try:
            return self._lookup(self._inputs(project, target))
        except LinkError as error:
            if error.diagnostics:
                raise
            raise ProjectError(f"{target.name}: {error.message}", path=project.file.path, kind=error.kind, hint=error.hint) from error

    def _lookup(self, inputs: Inputs) -> Built:
        """Find a target in the cache, or compile it."""
        key = inputs.key(self._warnings_as_errors, self._core)
        entry = None if self._cache is None else self._cache.get(key)
        if entry is not None:
            return Built(inputs.target, key, entry.data, entry.facts, cached=True)
        data, facts = compile_target(inputs, warnings_as_errors=self._warnings_as_errors, core=self._core)
        if self._cache is not None:
            self._cache.put(key, data, facts)
        return Built(inputs.target, key, data, facts, cached=False)

    def _inputs(self, project: Project, target: Target) -> Inputs:
        profile = self._profile_of(project)
        field = "lib.path" if target is project.lib else f"bin.{project.bins.index(target)}.path"
        check_root(project, target, field)
        active = self._active(project)
        units = [(self._unit(project, item), item.linkage) for item in project.dependencies.values() if item.name in active]
        programs = [item.root for item in project.bins]
        inputs = Inputs(project, target, profile, units)
        trim = profile.trim_paths
        lib = project.lib
        if target.kind != "executable":
            inputs.modules = read_tree(
                project, target, target.namespace, trim=trim, without=[root for root in programs if root != target.root]
            )
            return inputs
        inputs.program = read_module(project, target.root, "", trim=trim)
        if lib is None:
            inputs.modules = read_tree(project, target, project.path_name, trim=trim, without=programs)
        elif lib.kind == "kernel":
            own = self._libraries.get(project.folder) or self._target(project, lib)
            self._libraries[project.folder] = own
            inputs.units.append((Unit(project.name, own.key, own.data, trusted=True), "dynamic"))
        else:
            check_root(project, lib, "lib.path")
            inputs.modules = read_tree(project, lib, lib.namespace, trim=trim, without=programs)
        return inputs

    def _profile_of(self, project: Project) -> Profile:
        return project.profiles.get(self._profile) or project.profiles["dev"]

    def _unit(self, project: Project, dependency: ProjectDependency) -> Unit:
        where = f"dependencies.{dependency.name}"
        path = dependency.path
        if path is None:
            data = self._packages.get(dependency.name)
            if data is None:
                message = f"package {dependency.name} has no path, and no registry gave it"
                project.file.fail(message, where, kind="DependencyNotFound", hint="give it a path, or name a registry")
            return self._checked(project, dependency, Unit(dependency.name, _file_key(data), data, trusted=True), "the package")
        if path.is_dir():
            built = self._libraries[path]
            return Unit(dependency.name, built.key, built.data, trusted=True)
        if not path.is_file():
            project.file.fail(f"there is nothing at {path}", where, kind="DependencyNotFound")
        data = path.read_bytes()
        return self._checked(project, dependency, Unit(dependency.name, _file_key(data), data, trusted=False), path.name)

    def _checked(self, project: Project, dependency: ProjectDependency, unit: Unit, what: str) -> Unit:
        """Return a unit if it is what was asked for."""
        if dependency.requirement is not None:
            version = _version(unit.data)
            digest = None if dependency.requirement.digest is None else unit.package.digest
            if not dependency.requirement.accepts(version, digest):
                message = f"{what} is {version or 'without a version'}, asked for is {dependency.requirement.text}"
                project.file.fail(message, f"dependencies.{dependency.name}", kind="DependencyMismatch")
        return unit

    def _active(self, project: Project) -> set[str]:
        """Return the names of the dependencies that are linked: those that are optional only for a feature that is on."""
        optional = {item.name for item in project.dependencies.values() if item.optional}
        if not optional:
            return set(project.dependencies)
        features = self._features if project.folder == self._root else ("default",)
        asked = set(active_needs(project_needs(project), features))
        return {name for name in project.dependencies if name not in optional or name in asked}


def _file_key(data: bytes) -> str:
    return content_key("file", bytes_key(data))


def _version(data: bytes) -> str | None:
    """Return the version of a file, if it is a package that has one."""
    from miden.package.masp import MAGIC, read_header
    from miden.serde.reader import Reader

    return read_header(Reader(data)).version if data.startswith(MAGIC) else None


def _load(name: str, data: bytes, *, trusted: bool) -> Package:
    """Return a package, or a library as one, from the bytes of a file."""
    from miden.package.artifacts import load_artifact
    from miden.package.package import Package

    loaded = load_artifact(data, trusted=trusted)
    if isinstance(loaded.content, Package):
        return loaded.content
    library = loaded.library
    if library is None:
        raise LinkError(f"dependency {name} is a {loaded.kind}, nothing to link against", kind="NoLibrary")
    return Package(name, library)
