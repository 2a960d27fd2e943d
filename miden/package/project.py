"""``miden-project.toml``: what a project is called, what it builds, what it needs.

The names of the file and of its fields are those of the reference's later releases: ``[package]``, ``[lib]``,
``[[bin]]``, ``[dependencies]``, ``[profile.NAME]``; ``[lints]`` and ``metadata`` are read over. What belongs to
workspaces and to registries is refused with the reason.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from miden.errors import InputError
from miden.package.requirements import Requirement, check_version
from miden.package.toml_file import TomlFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable
    from typing import Any

FILE_NAME = "miden-project.toml"
DEFAULT_ROOT = "mod.masm"
LIB_KINDS = {
    "library": "library",
    "lib": "library",
    "kernel": "kernel",
    "account-component": "account-component",
    "note": "note-script",
    "tx-script": "transaction-script",
}
"""``lib.kind`` -> kind of the package, kernels aside."""

LINKAGES = {"dynamic": "dynamic", "default": "dynamic", "static": "static"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", re.ASCII)
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.ASCII | re.IGNORECASE)


class Target:
    """Something to build: the library of a project or one of its programs.

    Attributes
    ----------
    kind
        "library", "kernel", "account-component", "note-script", "transaction-script" or "executable".
    name
        Name of the package that is built.
    namespace
        Path in front of the modules of a library; the empty string for a program.
    root
        File of the root module, absolute.
    file_stem
        Name of the artifact, without extension.
    """

    __slots__ = ("file_stem", "kind", "name", "namespace", "root")

    def __init__(self, kind: str, name: str, namespace: str, root: Path, file_stem: str) -> None:
        self.kind = kind
        self.name = name
        self.namespace = namespace
        self.root = root
        self.file_stem = file_stem

    def __repr__(self) -> str:
        return f"<Target {self.kind} {self.name}>"


class ProjectDependency:
    """One entry of ``[dependencies]``: `path` is absolute, or None for a package that a registry has.

    `optional`, `features` and `default_features` are as of a `miden.package.needs.Need`.
    """

    __slots__ = ("default_features", "features", "linkage", "name", "optional", "path", "requirement")

    def __init__(
        self,
        name: str,
        path: Path | None,
        requirement: Requirement | None,
        linkage: str,
        *,
        optional: bool = False,
        features: Iterable[str] = (),
        default_features: bool = True,
    ) -> None:
        self.name = name
        self.path = path
        self.requirement = requirement
        self.linkage = linkage
        self.optional = optional
        self.features = tuple(features)
        self.default_features = default_features

    def __repr__(self) -> str:
        return f"<ProjectDependency {self.name} {self.linkage}>"


class Profile:
    """Options of a build: whether debug information is kept, and whether its file names are relative."""

    __slots__ = ("debug", "name", "trim_paths")

    def __init__(self, name: str, debug: bool, trim_paths: bool) -> None:
        self.name = name
        self.debug = debug
        self.trim_paths = trim_paths

    def __repr__(self) -> str:
        return f"Profile({self.name!r}, debug={self.debug}, trim_paths={self.trim_paths})"


class Project:
    """A project file that was read and checked.

    Attributes
    ----------
    folder
        Directory of the file, absolute.
    name, version, description
        Of ``[package]``.
    lib
        The library target, or None.
    bins
        The program targets.
    dependencies
        Name -> `ProjectDependency`, in the order of the file.
    features
        Name of a feature -> what it asks for, see `miden.package.needs.Needs`.
    profiles
        Name -> `Profile`; ``dev`` and ``release`` are always there.
    file
        The `TomlFile`, for errors about fields.
    """

    __slots__ = ("bins", "dependencies", "description", "features", "file", "folder", "lib", "name", "profiles", "version")

    def __init__(self, content: bytes, folder: str | os.PathLike[str], path: str | None = None) -> None:
        self.folder = Path(folder).resolve()
        self.file = file = TomlFile(content, str(Path(folder) / FILE_NAME) if path is None else path)
        data = file.data
        if "workspace" in data:
            file.fail("workspaces are not supported", "workspace", kind="UnsupportedProject", hint="build each of its members by itself")
        _only(file, data, "", ("package", "lib", "bin", "dependencies", "features", "profile", "lints"))
        package = _table(file, data, "package")
        _only(file, package, "package", ("name", "version", "description", "metadata"))
        self.name = _name(file, package, "package.name", valid_package_name)
        self.version = _version(file, package)
        self.description = _text(file, package, "description", "package.description")
        self.dependencies = {name: self._dependency(name, value) for name, value in _table(file, data, "dependencies", {}).items()}
        self.features = _features(file, _table(file, data, "features", {}))
        self.profiles = _profiles(file, _table(file, data, "profile", {}))
        bins = data.get("bin", [])
        if not isinstance(bins, list) or not all(isinstance(item, dict) for item in bins):
            file.fail("programs are listed as [[bin]]", "bin")
        self.lib = self._lib(_table(file, data, "lib")) if "lib" in data or not bins else None
        self.bins = tuple(self._bin(item, index, len(bins)) for index, item in enumerate(bins))
        names = [target.name for target in self.bins]
        for index, name in enumerate(names):
            if name in names[:index]:
                file.fail(f"two programs are called {name}", f"bin.{index}.name", kind="DuplicateTarget")

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> Project:
        """Read the project file of a directory.

        Raises `ProjectError` for what is wrong with it; `OSError` if it cannot be read.
        """
        path = Path(folder) / FILE_NAME
        with path.open("rb") as file:
            from miden.package.toml_file import MAX_BYTES

            return cls(file.read(MAX_BYTES + 1), folder, str(path))

    @property
    def targets(self) -> tuple[Target, ...]:
        """All targets, the library first."""
        return (*(() if self.lib is None else (self.lib,)), *self.bins)

    @property
    def base_name(self) -> str:
        """The name of the package without its namespace."""
        return self.name.rpartition("/")[2]

    @property
    def path_name(self) -> str:
        """That name as the first component of a path."""
        return self.base_name if self.base_name.isidentifier() else f'"{self.base_name}"'

    # parts

    def _lib(self, table: dict[str, Any]) -> Target:
        _only(self.file, table, "lib", ("kind", "namespace", "path"))
        kind = _text(self.file, table, "kind", "lib.kind") or "library"
        if kind not in LIB_KINDS:
            self.file.fail(f"a library is of kind {', '.join(LIB_KINDS)}; found {kind!r}", "lib.kind", kind="InvalidKind")
        namespace = _text(self.file, table, "namespace", "lib.namespace")
        if namespace is None:
            namespace = self.path_name
        kind = LIB_KINDS[kind]
        if kind == "kernel":
            namespace = "$kernel"
        elif namespace.startswith("$"):
            self.file.fail(f"the namespace {namespace!r} is reserved", "lib.namespace", kind="InvalidNamespace")
        root = self._inside(_text(self.file, table, "path", "lib.path") or DEFAULT_ROOT, "lib.path")
        return Target(kind, self.name, namespace, root, self.base_name)

    def _bin(self, table: dict[str, Any], index: int, count: int) -> Target:
        where = f"bin.{index}"
        _only(self.file, table, where, ("name", "path"))
        if "path" not in table:
            self.file.fail("a program needs a path", where, kind="MissingField")
        if "name" not in table and count > 1:
            self.file.fail("several programs each need a name", where, kind="MissingField")
        name = _name(self.file, table, f"{where}.name", valid_name) if "name" in table else self.base_name
        root = self._inside(_text(self.file, table, "path", f"{where}.path") or "", f"{where}.path")
        alone = count == 1 and self.lib is None
        stem = self.base_name if alone else f"{self.base_name}-{name}"
        return Target("executable", self.name if alone else f"{self.name}:{name}", "", root, stem)

    def _inside(self, text: str, field: str) -> Path:
        """Return the file of a target, which must be inside of the project."""
        path = PurePosixPath(text)
        if not text or path.is_absolute() or ".." in path.parts or any(bad in text for bad in ("\\", "\0", ":")):
            self.file.fail(
                f"{text!r} is not a path inside of the project", field, kind="InvalidPath", hint="write it with / and without .."
            )
        found = self.folder / path
        if not found.resolve().is_relative_to(self.folder):
            self.file.fail(f"{text!r} leads out of the project", field, kind="InvalidPath")
        return found

    def _dependency(self, name: str, value: object) -> ProjectDependency:
        where = f"dependencies.{name}"
        if not valid_package_name(name):
            self.file.fail(f"{name[:80]!r} cannot be the name of a package", where, kind="InvalidName")
        if isinstance(value, str):
            value = {"version": value}
        if not isinstance(value, dict):
            self.file.fail("a dependency is a version or a table", where)
        if value.get("workspace"):
            self.file.fail("workspaces are not supported", where, kind="UnsupportedProject", hint="give the dependency a path")
        if "git" in value:
            self.file.fail("dependencies from git are not supported", where, kind="UnsupportedProject", hint="clone it and give the path")
        _only(
            self.file, value, where, ("version", "digest", "path", "linkage", "optional", "features", "default-features", "workspace")
        )
        linkage = _text(self.file, value, "linkage", f"{where}.linkage") or "dynamic"
        if linkage not in LINKAGES:
            self.file.fail(f"a dependency is linked static or dynamic, found {linkage!r}", f"{where}.linkage", kind="InvalidLinkage")
        version = _text(self.file, value, "version", f"{where}.version") or _text(self.file, value, "digest", f"{where}.digest")
        requirement = None
        if version is not None:
            try:
                requirement = Requirement(version)
            except InputError as error:
                self.file.fail(error.message, where, kind=error.kind, hint=error.hint)
        path = _text(self.file, value, "path", f"{where}.path")
        if path is not None and (not path or PurePosixPath(path).is_absolute() or any(bad in path for bad in ("\\", "\0", ":"))):
            self.file.fail(f"{path!r} is not a relative path", f"{where}.path", kind="InvalidPath", hint="write it with /")
        if path is None and requirement is None:
            self.file.fail("a dependency needs a path or a version", where, kind="MissingField")
        found = None if path is None else (self.folder / path).resolve()
        if value.get("optional") and requirement is None:
            self.file.fail("an optional dependency needs a version", where, kind="MissingField")
        features = value.get("features", [])
        if not isinstance(features, list) or not all(isinstance(item, str) for item in features):
            self.file.fail(f"{where}.features must be a list of names", f"{where}.features", kind="InvalidField")
        return ProjectDependency(
            name,
            found,
            requirement,
            LINKAGES[linkage],
            optional=_flag(self.file, value, ("optional",), where, default=False),
            features=features,
            default_features=_flag(self.file, value, ("default-features",), where, default=True),
        )


# reading values


def _only(file: TomlFile, table: dict[str, Any], where: str, known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            from difflib import get_close_matches

            near = get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            field = f"{where}.{key}" if where else key
            file.fail(
                f"there is no field {key[:80]!r} in {f'[{where}]' if where else 'a project file'}", field, kind="UnknownField", hint=hint
            )


def _table(file: TomlFile, data: dict[str, Any], key: str, default: dict[str, Any] | None = None) -> dict[str, Any]:
    value = data.get(key, {} if key == "lib" else default)
    if value is None:
        file.fail(f"a project needs a table [{key}]", kind="MissingField")
    if not isinstance(value, dict):
        file.fail(f"{key} must be a table", key, kind="InvalidField")
    return value


def _text(file: TomlFile, table: dict[str, Any], key: str, field: str) -> str | None:
    value = table.get(key)
    if value is not None and not isinstance(value, str):
        if isinstance(value, dict) and value.get("workspace"):
            file.fail("workspaces are not supported", field, kind="UnsupportedProject", hint="write the value itself")
        file.fail(f"{field} must be text", field, kind="InvalidField")
    return value


def _name(file: TomlFile, table: dict[str, Any], field: str, valid: Callable[[str], bool]) -> str:
    name = _text(file, table, "name", field)
    if name is None:
        file.fail(f"{field} is missing", field.rpartition(".")[0], kind="MissingField")
    if not valid(name):
        file.fail(f"{name[:80]!r} cannot be a name: a letter or _, then letters, digits, - and _, at most 64", field, kind="InvalidName")
    return name


def valid_name(name: str) -> bool:
    """Tell whether a package or program may have this name, which is also the name of a file."""
    return bool(_NAME.fullmatch(name)) and not _DEVICES.fullmatch(name)


def valid_package_name(name: str) -> bool:
    """Tell whether a package may be called so: a name, or a namespace, a slash and a name."""
    return name.count("/") <= 1 and all(valid_name(part) for part in name.split("/"))


def _version(file: TomlFile, package: dict[str, Any]) -> str:
    version = _text(file, package, "version", "package.version")
    if version is None:
        file.fail("package.version is missing", "package", kind="MissingField", hint='write version = "0.1.0"')
    try:
        return check_version(version)
    except InputError as error:
        file.fail(error.message, "package.version", kind=error.kind)


def _features(file: TomlFile, table: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    for name, asked in table.items():
        if not isinstance(asked, list) or not all(isinstance(item, str) for item in asked):
            file.fail(f"feature {name[:40]} must be a list, such as [\"dep:math\"]", f"features.{name}", kind="InvalidField")
    return {name: tuple(asked) for name, asked in table.items()}


def _profiles(file: TomlFile, tables: dict[str, Any]) -> dict[str, Profile]:
    profiles = {"dev": Profile("dev", debug=True, trim_paths=False), "release": Profile("release", debug=False, trim_paths=True)}
    for name, table in tables.items():
        where = f"profile.{name}"
        if not valid_name(name):
            file.fail(f"{name[:80]!r} cannot be the name of a profile", where, kind="InvalidName")
        if not isinstance(table, dict):
            file.fail(f"{where} must be a table", where, kind="InvalidField")
        parent = _text(file, table, "inherits", f"{where}.inherits") or (name if name in profiles else "dev")
        if parent not in profiles:
            file.fail(f"there is no profile {parent[:80]!r} above this one", f"{where}.inherits", kind="UnknownProfile")
        base = profiles[parent]
        profiles[name] = Profile(
            name,
            _flag(file, table, ("debug",), where, default=base.debug),
            _flag(file, table, ("trim-paths", "trim_paths"), where, default=base.trim_paths),
        )
    return profiles


def _flag(file: TomlFile, table: dict[str, Any], keys: tuple[str, ...], where: str, *, default: bool) -> bool:
    for key in keys:
        value = table.get(key, default)
        if not isinstance(value, bool):
            file.fail(f"{key} must be true or false", f"{where}.{key}", kind="InvalidField")
        default = value
    return default


def find_project(start: str | os.PathLike[str]) -> Path | None:
    """Return the nearest directory with a project file, from `start` upwards, or None."""
    here = Path(start).resolve()
    return next((folder for folder in (here, *here.parents) if (folder / FILE_NAME).is_file()), None)
