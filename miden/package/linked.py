"""What code has to find at run time beside itself: as the dependencies of a package say it.

The core library is one of them, under a name that no package can have. Who runs a package has a core library at hand, so it
is neither looked for in registries nor installed; the digest tells which one the code was linked with.
"""

from __future__ import annotations

from miden.package.package import Dependency

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.mast.forest import MastForest
    from miden.mast.library import Library

CORE_NAME = "miden::core"


def core_dependencies(forest: MastForest, core: Library | None = None) -> tuple[Dependency, ...]:
    """Return the dependency of a forest on the core library, or on `core` in its place; nothing if it calls none of it.

    >>> from miden.assembly import assemble
    >>> core_dependencies(assemble("begin add end").forest)
    ()
    >>> [needed] = core_dependencies(assemble("begin exec.::miden::core::sys::truncate_stack end").forest)
    >>> needed.name
    'miden::core'
    """
    from miden.vm.fetches import external_digests

    linked = external_digests(forest, len(forest))
    if not linked:
        return ()
    if core is None:
        from miden.corelib import core_library

        core = core_library()
    calls = any(core.forest.find_procedure_root(digest) is not None for digest in linked)
    return (Dependency(CORE_NAME, core.digest),) if calls else ()


def is_core(name: str) -> bool:
    """Tell whether a dependency of this name is the core library."""
    return name == CORE_NAME
