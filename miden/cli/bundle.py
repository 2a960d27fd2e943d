"""`miden bundle`: a directory of modules into a library."""

from __future__ import annotations

import os

from miden.cli.parameters import FilePath, argument, flag, option
from miden.cli.verb import CORE_OPTION, MisuseError, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "bundle",
    argument("directory", FilePath()),
    option("-o", "--output", type=FilePath(), metavar="OUT", help="File to write: .masl or .masp; NAMESPACE.masl by default."),
    option("--namespace", metavar="NS", help="Path in front of all modules; the name of the directory by default."),
    option("--kernel", type=FilePath(), metavar="FILE", help="Kernel that the modules may call by syscall."),
    option("--link", name="dynamic", type=FilePath(), multiple=True, metavar="FILE", help="Library that is linked and needed at run time."),
    option("--static", type=FilePath(), multiple=True, metavar="FILE", help="Library of which a copy is linked in."),
    option("--version", metavar="X.Y.Z", help="Version of the package, for a .masp."),
    flag("--strip", help="Leave debug information out."),
    flag("--force", help="Replace OUT if it is there."),
    flag("--warnings-as-errors", help="Refuse sources with warnings."),
    CORE_OPTION,
)
def command(
    console: Console,
    directory: str,
    output: str | None,
    namespace: str | None,
    kernel: str | None,
    dynamic: tuple[str, ...],
    static: tuple[str, ...],
    version: str | None,
    strip: bool,
    force: bool,
    warnings_as_errors: bool,
    core: str | None,
) -> int:
    """Assemble every .masm file below DIRECTORY into one library.

    a/b.masm is the module NS::a::b and a/mod.masm is NS::a. A file that is there already is not replaced without --force.
    """
    from miden.assembly.assembler import Assembler
    from miden.assembly.modules import read_modules
    from miden.cli.artifacts import load_core, load_library, plural, write_new
    from miden.corelib import link_core
    from miden.errors import InputError
    from miden.mast.library import KernelLibrary
    from miden.package.linked import core_dependencies
    from miden.package.package import Dependency, Package
    from miden.package.requirements import check_version

    namespace = os.path.basename(os.path.abspath(directory)) if namespace is None else namespace  # noqa: PTH100, PTH119
    output = f"{namespace.removeprefix('::').replace('::', '-')}.masl" if output is None else output
    if not output.endswith((".masl", ".masp")):
        raise MisuseError(f"expected a name that ends in .masl or .masp, found {output!r}", option="--output")
    if version is not None and not output.endswith(".masp"):
        raise MisuseError("only a package, .masp, has a version", option="--version")
    if version is not None:
        check_version(version)
    if not force and os.path.lexists(output):
        raise InputError(f"{output} is there already", kind="FileExists", hint="choose another name, or give --force")
    base = None
    if kernel is not None:
        found = load_library(kernel, console)
        base = found if isinstance(found, KernelLibrary) else KernelLibrary.from_library(found)
    assembler = Assembler(base, warnings_as_errors=warnings_as_errors)
    core_library = load_core(core, console)
    link_core(assembler, core_library)
    needed: list[Dependency] = [] if base is None or kernel is None else [Dependency(_stem(kernel), base.digest)]
    for kind, paths in (("dynamic", dynamic), ("static", static)):
        for path in paths:
            linked = load_library(path, console)
            assembler.link_library(linked, kind=kind)
            if kind == "dynamic":
                needed.append(Dependency(_stem(path), linked.digest))
    library = assembler.assemble_library(read_modules(directory, namespace))
    console.warn(assembler.warnings)
    if strip:
        library = library.strip_debug_info()
    data = library.to_bytes()
    if output.endswith(".masp"):
        needed += core_dependencies(library.forest, core_library)
        data = Package(_stem(output), library, version=version, dependencies=needed).to_bytes()
    write_new(output, data, force=force)
    if console.json:
        facts = {"output": output, "digest": library.digest.to_hex(), "bytes": len(data), "nodes": len(library.forest)}
        console.document({**facts, "exports": list(library.items)})
        return 0
    console.facts(
        [
            ("digest", console.style(library.digest.to_hex(), "digest")),
            ("exports", f"{plural(len(library.items), 'item')} of {plural(len(library.modules), 'module')}"),
            ("wrote", f"{output} ({plural(len(data), 'byte')}, {plural(len(library.forest), 'node')})"),
        ]
    )
    return 0


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]  # noqa: PTH119, PTH122
