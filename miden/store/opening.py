"""Opening the store of a directory: objects, seals and pins under one lock."""

from __future__ import annotations

from miden.store.pins import DiskPins
from miden.store.providers.filesystem.provider import FilesystemProvider
from miden.store.seals import DiskSeals
from miden.store.store import ObjectStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from miden.store.cache import Cache
    from miden.store.keys import ObjectKey
    from miden.store.objects import CodeObject
    from miden.store.provider import Provider
    from miden.store.system import FileSystem


def open_store(
    path: str | os.PathLike[str],
    *,
    create: bool = False,
    writable: bool = True,
    remotes: Iterable[Provider] = (),
    cache: Cache[ObjectKey, CodeObject] | None = None,
    policy: str = "whole",
    quota: int | None = None,
    fs: FileSystem | None = None,
) -> ObjectStore:
    """Open the store in a directory.

    Parameters
    ----------
    path
        The directory.
    create
        Whether to make an empty store where there is none.
    writable
        False for a store that is only read.
    remotes
        Providers that are asked after it, in order; what they have is verified and written back.
    cache, policy
        See `miden.store.store.ObjectStore`.
    quota
        Bytes that objects and packs may take.
    fs
        What makes the calls to the operating system.

    Raises
    ------
    NotFoundError
        Of kind ``StoreNotFound`` if there is no store and none is to be made.
    StorageError
        If the directory cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> from miden.assembly import assemble
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [root] = open_store(folder, create=True).insert(assemble("begin add end"), pin=True)
    ...     store = open_store(folder)  # as another process would
    ...     store.get(root).summary(), store.gc(grace=0).kept
    ({'block': 1}, 1)
    """
    provider = FilesystemProvider(path, create=create, writable=writable, quota=quota, fs=fs)
    seals = DiskSeals(provider.disk, provider.lock if writable else None)
    pins = DiskPins(provider.disk, provider.lock)
    return ObjectStore([provider, *remotes], cache=cache, policy=policy, seals=seals, pins=pins)
