"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager

from miden.errors import InputError, NotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO


@contextmanager
def written_whole(path: str, *, force: bool = True) -> Iterator[BinaryIO]:
    """Yield a file that is `path` when the block ends, and nothing if it ends with an error; refuse to replace one unless `force`."""
    import tempfile

    if not force and os.path.lexists(path):
        raise InputError(f"{path} is there already", kind="FileExists", hint="choose another name, or give --force")
    folder = os.path.dirname(path) or "."  # noqa: PTH120
    try:
        handle, temporary = tempfile.mkstemp(prefix=".miden-", dir=folder)
    except FileNotFoundError:
        raise NotFoundError(f"there is no folder {folder!r} to write {path!r} in", kind="FileNotFound") from None
    except OSError as error:  # it names a file that nobody asked for
        error.filename = path
        raise
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # noqa: PTH101
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        os.unlink(temporary)  # noqa: PTH108
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
