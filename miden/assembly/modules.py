"""Where modules come from: text, bytes, files, directories. (assembly.md section 7.1.)"""

from __future__ import annotations

from miden.assembly.source import SourceFile
from miden.errors import LinkError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

SUFFIX = ".masm"
ROOT_MODULE = "mod"


def read_modules(directory: str | os.PathLike[str], namespace: str) -> dict[str, SourceFile]:
    """Read every ``*.masm`` file below a directory.

    A file ``a/b.masm`` is the module ``namespace::a::b``; ``a/mod.masm`` is the module of its directory, ``namespace::a``.
    Modules come in the order of their paths.

    Parameters
    ----------
    directory
        Directory to read, recursively; other files are ignored.
    namespace
        Path in front of all modules, such as ``std`` or ``$kernel``.

    Returns
    -------
    dict
        Module path -> source, as `Assembler.assemble_library` takes it.

    Raises
    ------
    LinkError
        `InvalidModulePath` for a name that cannot be part of a path, and for a ``mod.masm`` in the directory itself;
        `DuplicateModule` for ``a.masm`` beside a directory ``a``.
    OSError
        If the directory or a file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "math.masm").write_text("pub proc double dup.0 add end")
    ...     list(read_modules(folder, "demo"))
    ['demo::math']
    """
    from pathlib import Path

    from miden.assembly.linker.paths import ROOT, canonical_component, canonical_module_path

    top = Path(directory)
    if not top.is_dir():
        raise NotADirectoryError(f"not a directory: {top}")
    root = canonical_module_path(namespace)
    if root is None:
        raise LinkError(f"invalid namespace {namespace!r}", kind="InvalidModulePath")
    found: dict[str, Path] = {}
    for file in _module_files(top):
        parts = list(file.relative_to(top).with_suffix("").parts)
        if parts[-1] == ROOT_MODULE:
            parts.pop()
            if not parts:
                raise LinkError(f"{file} would be the module of the whole directory", kind="InvalidModulePath", hint="give it another name")
        elif file.with_suffix("").is_dir():
            hint = f"move it into the directory as {ROOT_MODULE}{SUFFIX}"
            raise LinkError(f"module {file} has the name of a directory beside it", kind="DuplicateModule", hint=hint)
        names = [canonical_component(part) for part in parts]
        if None in names:
            raise LinkError(f"the name of {file} cannot be part of a module path", kind="InvalidModulePath")
        path = ROOT.join((root, *names))  # type: ignore[arg-type]
        if path in found:
            raise LinkError(f"two files are the module `{path}`: {found[path]} and {file}", kind="DuplicateModule")
        found[path] = file
    # paths are given back as they were asked for, with or without the root; the order is that of the paths either way
    start = 0 if namespace.startswith(ROOT) else len(ROOT)
    return {path[start:]: SourceFile.from_path(found[path]) for path in sorted(found)}


def _module_files(top: os.PathLike[str]) -> Iterator[Path]:
    """Iterate over the modules below a directory, links to directories not followed."""
    import os
    from pathlib import Path

    for folder, folders, files in os.walk(top, onerror=_fail):
        folders.sort()
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(SUFFIX))


def _fail(error: OSError) -> None:
    raise error


if TYPE_CHECKING:
    from pathlib import Path
