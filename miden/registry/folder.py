"""A directory held open: all that is read and written in it goes through the handle, and no link is followed.

Whoever swaps a directory for a link while something is written gets an error, not a file somewhere else. (R34.)
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from pathlib import Path

from miden.errors import FormatError, IntegrityError, MidenError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

PRIVATE = 0o700
READ_ONLY = 0o444
TEMPORARY = ".new-"
"""How names of files begin that are being written; nobody reads them, and `Folder.sweep` removes those left behind."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Folder:
    """A directory.

    Parameters
    ----------
    path
        Where it is; the last part of it must not be a link.
    create
        Make it, and what is above it, if it is not there, for this user only.

    Raises
    ------
    IntegrityError
        Of kind ``LinkRefused``, from every method: something is a link, or no regular file or directory.
    OSError
        From every method, such as `FileNotFoundError`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as path, Folder(path) as folder:
    ...     folder.write("a", b"hello")
    ...     folder.read("a"), list(folder.names())
    (b'hello', ['a'])
    """

    __slots__ = ("_handle", "path")

    def __init__(self, path: str | os.PathLike[str], *, create: bool = False, _handle: int | None = None) -> None:
        self.path = Path(path)
        if create and _handle is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._make(None, str(self.path))
        self._handle = self._open(None, str(self.path)) if _handle is None else _handle

    def child(self, name: str, *, create: bool = False) -> Folder:
        """Open a directory in this one."""
        _check(name)
        if create:
            self._make(self._handle, name)
        return Folder(self.path / name, _handle=self._open(self._handle, name))

    @staticmethod
    def _make(handle: int | None, name: str) -> None:
        try:
            os.mkdir(name, PRIVATE, dir_fd=handle)
        except FileExistsError:
            return

    def _open(self, handle: int | None, name: str) -> int:
        try:
            return os.open(name, _FOLDER, dir_fd=handle)
        except OSError as error:
            raise self._explained(error, name) from None

    def _explained(self, error: OSError, name: str) -> OSError | IntegrityError:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
            return IntegrityError(f"{self.path / name} is a link or no directory", kind="LinkRefused", hint="links are not followed here")
        error.filename = str(self.path / name)
        return error

    # files

    def read(self, name: str, *, limit: int = 2**30) -> bytes:
        """Return the content of a regular file; `FormatError` of kind ``FileTooLarge`` for more than `limit` bytes."""
        data = self.head(name, limit + 1)
        if len(data) > limit:
            raise FormatError(f"{self.path / name} has more than {limit} bytes", kind="FileTooLarge")
        return data

    def head(self, name: str, size: int) -> bytes:
        """Return the first `size` bytes of a regular file, or all there are."""
        _check(name)
        try:
            handle = os.open(name, _READ, dir_fd=self._handle)
        except OSError as error:
            raise self._explained(error, name) from None
        with open(handle, "rb", buffering=0) as file:  # noqa: PTH123
            facts = os.fstat(handle)
            if not stat.S_ISREG(facts.st_mode):
                raise IntegrityError(f"{self.path / name} is no regular file", kind="LinkRefused")
            parts = []
            wanted = min(size, facts.st_size + 1)
            while wanted and (part := file.read(wanted)):
                parts.append(part)
                wanted -= len(part)
        return b"".join(parts)

    def write(self, name: str, data: bytes, *, mode: int = 0o644) -> None:
        """Write a file whole or not at all: beside it, then put in its place. It survives loss of power once this returns."""
        _check(name)
        temporary = f"{TEMPORARY}{os.getpid()}-{os.urandom(8).hex()}"
        handle = os.open(temporary, _CREATE, 0o600, dir_fd=self._handle)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fchmod(handle, mode)
                os.fsync(handle)
            os.rename(temporary, name, src_dir_fd=self._handle, dst_dir_fd=self._handle)
        except BaseException:
            os.unlink(temporary, dir_fd=self._handle)
            raise
        self.sync()

    def sync(self) -> None:
        """Make names in it survive loss of power."""
        os.fsync(self._handle)

    def remove(self, name: str) -> bool:
        """Remove a file; return whether it was there."""
        _check(name)
        try:
            os.unlink(name, dir_fd=self._handle)
        except FileNotFoundError:
            return False
        return True

    def has(self, name: str) -> bool:
        """Tell whether there is a regular file of this name."""
        found = self.facts(name)
        return found is not None and stat.S_ISREG(found.st_mode)

    def facts(self, name: str) -> os.stat_result | None:
        """Return what the system knows of a file, or of the link it is; None if there is none."""
        _check(name)
        try:
            return os.stat(name, dir_fd=self._handle, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def entries(self) -> Iterator[os.DirEntry[str]]:
        """Iterate over what is in it, in no order."""
        handle = os.dup(self._handle)
        try:
            os.lseek(handle, 0, os.SEEK_SET)
            with os.scandir(handle) as found:
                yield from found
        finally:
            os.close(handle)

    def names(self) -> Iterator[str]:
        """Iterate over the names of its regular files, in no order; those being written are left out."""
        for entry in self.entries():
            if entry.is_file(follow_symlinks=False) and not entry.name.startswith(TEMPORARY):
                yield entry.name

    def sweep(self, *, older_than: float = 3600) -> int:
        """Remove files that were never finished, `older_than` seconds old at the least; return how many."""
        import time

        limit = time.time() - older_than
        stale = [entry.name for entry in self.entries() if entry.name.startswith(TEMPORARY) and _modified(entry) <= limit]
        return sum(self.remove(name) for name in stale)

    def close(self) -> None:
        """Let go of the handle."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", -1) >= 0:
            os.close(self._handle)

    def __repr__(self) -> str:
        return f"Folder({str(self.path)!r})"


def _modified(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat(follow_symlinks=False).st_mtime
    except FileNotFoundError:  # finished or removed by its writer in between
        return float("inf")


def _check(name: str) -> None:
    if not name or name in (".", "..") or "/" in name or "\0" in name:
        raise IntegrityError(f"{name[:80]!a} is not the name of a file in a folder", kind="LinkRefused")


@contextmanager
def locked(path: Path, seconds: float, busy: MidenError, *, private: bool = False) -> Iterator[None]:
    """Hold the lock of a file while the block runs; raise `busy` if somebody else has it for too long.

    A `private` one is for this user alone; of another anybody may see the file.
    The operating system frees it when its process ends, however it ends.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=seconds, poll_interval=0.01, mode=0o600 if private else 0o644)
    try:
        lock.acquire()
    except Timeout:
        raise busy from None
    try:
        yield
    finally:
        lock.release()
