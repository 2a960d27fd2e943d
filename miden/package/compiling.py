"""Compile one target of a project: from module texts and dependencies to the bytes of a package."""

from __future__ import annotations

from miden.errors import LinkError
from miden.package.cache import bytes_key, content_key
from miden.package.linked import core_dependencies
from miden.package.needs import SECTION as NEEDS_SECTION
from miden.package.needs import project_needs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.assembly.assembler import Assembler
    from miden.assembly.diagnostics import Diagnostic
    from miden.mast.library import Library
    from miden.mast.program import Program
    from miden.package.build import Unit
    from miden.package.package import Dependency, PackageKind, Section
    from miden.package.project import Profile, Project, Target
    from miden.package.sources import ModuleText

FORMAT = "target-3"
"""Part of every key: what is kept with an artifact, and how."""


class Inputs:
    """Everything that decides what a target becomes.

    `modules` are its own, or for a program those it is compiled with; `program` is the source of a program; `units` are
    pairs of a dependency and how it is linked.
    """

    __slots__ = ("modules", "profile", "program", "project", "target", "units")

    def __init__(self, project: Project, target: Target, profile: Profile, units: list[tuple[Unit, str]]) -> None:
        self.project = project
        self.target = target
        self.profile = profile
        self.units = units
        self.modules: list[ModuleText] = []
        self.program: ModuleText | None = None

    def key(self, warnings_as_errors: bool, core: Library | None = None) -> str:
        """Return the key that stands for all of it; `core` is linked in place of the core library."""
        from miden.corelib import core_bytes

        project, target, profile = self.project, self.target, self.profile
        parts: list[str | bytes | None] = [FORMAT, project.name, project.version, project.description]
        parts += [target.kind, target.name, target.namespace]
        parts += [str(profile.debug), str(profile.trim_paths), str(warnings_as_errors)]
        parts += ["needs", project_needs(project).to_bytes()]
        parts += ["core", bytes_key(core_bytes()) if core is None else core.digest.to_hex()]
        for unit, linkage in self.units:
            parts += ["unit", unit.name, unit.key, linkage]
        for module in (*self.modules, *(() if self.program is None else (self.program,))):
            parts += ["module", module.path, module.label, bytes_key(module.data)]
        return content_key(*parts)


def compile_target(inputs: Inputs, *, warnings_as_errors: bool, core: Library | None = None) -> tuple[bytes, dict[str, Any]]:
    """Assemble a target; return the bytes of its package and facts about it.

    The core library, or `core` in its place, is linked dynamically where a target names it, and is a dependency then: whoever
    runs the package has it, and can tell whether it is this one.
    Raises `AssemblyError` for sources that do not assemble, `LinkError` for dependencies that do not fit together.
    """
    from miden.assembly.assembler import Assembler
    from miden.corelib import link_core
    from miden.mast.library import KernelLibrary
    from miden.package.package import Package

    kernels = [unit for unit, _ in inputs.units if unit.package.is_kernel]
    if len(kernels) > 1:
        names = " and ".join(unit.name for unit in kernels)
        raise LinkError(f"there can be one kernel, {names} are several", kind="SeveralKernels")
    kernel = kernels[0].package.to_library() if kernels else None
    assembler = Assembler(kernel if isinstance(kernel, KernelLibrary) else None, warnings_as_errors=warnings_as_errors)
    link_core(assembler, core)
    for unit, linkage in inputs.units:
        if unit not in kernels:
            assembler.link_library(unit.package.to_library(), kind=linkage)
    artifact = _assemble(assembler, inputs)
    warnings = [_warning(item) for item in assembler.warnings]
    if not inputs.profile.debug:
        artifact = artifact.strip_debug_info()
    project = inputs.project
    package = Package(
        inputs.target.name,
        artifact,
        version=project.version,
        description=project.description,
        kind=_kind(inputs.target.kind),
        dependencies=_run_time_dependencies(inputs, core_dependencies(artifact.forest, core)),
        sections=_sections(inputs),
    )
    data, inner = package.to_bytes(), artifact.to_bytes()
    start = data.index(inner)
    facts = {
        "kind": inputs.target.kind,
        "digest": package.digest.to_hex(),
        "nodes": len(artifact.forest),
        "exports": len(package.exports),
        "warnings": warnings,
        "artifact": [start, start + len(inner)],
    }
    return data, facts


def _assemble(assembler: Assembler, inputs: Inputs) -> Program | Library:
    modules = {module.path: module.source() for module in inputs.modules}
    target = inputs.target
    if inputs.program is not None:
        if modules:
            assembler.link_source(modules)
        return assembler.assemble_program(inputs.program.source())
    if target.kind == "kernel":
        root = modules.pop(next(path for path in modules if path.removeprefix("::") == "$kernel"))
        return assembler.assemble_kernel(root, modules)
    return assembler.assemble_library(modules)


def _sections(inputs: Inputs) -> list[Section]:
    """Return the documentation of a library and what the project needs of registries, if there is any."""
    from miden.package.package import Section

    sections = []
    if inputs.program is None and any(b"#!" in module.data for module in inputs.modules):
        from miden.package.docs import SECTION, encode_docs, source_docs

        docs = encode_docs(source_docs({module.path: module.source() for module in inputs.modules}))
        sections.append(Section(SECTION, docs))
    needs = project_needs(inputs.project)
    if not needs.is_empty:
        sections.append(Section(NEEDS_SECTION, needs.to_bytes()))
    return sections


def _kind(name: str) -> PackageKind:
    from miden.package.package import PackageKind

    return PackageKind.LIBRARY if name == "kernel" else PackageKind[name.upper().replace("-", "_")]


def _run_time_dependencies(inputs: Inputs, core: tuple[Dependency, ...]) -> list[Dependency]:
    """Return what must be there at run time: kernels, what is linked dynamically, what those were linked with, and `core`.

    The digest is what counts: two versions of a package can be needed side by side, by code that was built at other times.
    """
    from miden.package.package import Dependency

    found: dict[Dependency, None] = {}
    for unit, linkage in inputs.units:
        package = unit.package
        if linkage == "dynamic" or package.is_kernel:
            found[Dependency(unit.name, package.digest)] = None
        found |= dict.fromkeys(package.dependencies)
    return list(found | dict.fromkeys(core))


def _warning(diagnostic: Diagnostic) -> dict[str, Any]:
    from miden.assembly.diagnostics import render_plain

    return {"text": render_plain(diagnostic), "facts": diagnostic.to_dict()}
