"""The calls to the operating system that stores on disk make, and the two recipes they follow.

Every call goes through one `FileSystem`, so that a test can count calls, fail one, stop at one, or replay what a disk would
hold had the power gone. The recipes: a file is written under a temporary name, synced and closed before it gets its own
name; a directory is synced after names in it changed and before that is relied upon.
"""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import contextmanager, suppress

from miden.errors import IntegrityError, StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FILE_MODE = 0o444
DIRECTORY_MODE = 0o700

_KINDS = {
    errno.ENOSPC: ("DiskFull", "free some space; `miden store gc` works without any"),
    errno.EDQUOT: ("DiskFull", "free some space; `miden store gc` works without any"),
    errno.EROFS: ("ReadOnly", None),
    errno.EACCES: ("PermissionDenied", None),
    errno.EPERM: ("PermissionDenied", None),
    errno.EMFILE: ("TooManyFiles", None),
    errno.ENFILE: ("TooManyFiles", None),
    errno.ELOOP: ("SymbolicLink", "a store follows no links inside of it"),
}


@contextmanager
def storage_errors(place: str, what: str) -> Iterator[None]:
    """Turn errors of the operating system into `StorageError`s that say what was being done."""
    try:
        yield
    except OSError as error:
        kind, hint = _KINDS.get(error.errno or 0, ("InputOutput", None))
        where = f" ({error.filename})" if isinstance(error.filename, str) else ""
        raise StorageError(f"cannot {what} in {place}: {error.strerror or error}{where}", kind=kind, hint=hint, provider=place) from error


class FileSystem:
    """One method for each call; all raise `OSError`."""

    def create(self, path: str, mode: int = FILE_MODE) -> int:
        """Make a new file and return its descriptor, open for writing."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)

    def open(self, path: str, flags: int = os.O_RDONLY) -> int:
        """Open a file that is there."""
        return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Write some of the bytes and return how many."""
        return os.write(fd, data)

    def read_at(self, fd: int, size: int, offset: int) -> bytes:
        """Read up to `size` bytes at an offset."""
        return os.pread(fd, size, offset)

    def size(self, fd: int) -> int:
        """Return the size of an open file."""
        return os.fstat(fd).st_size

    def sync(self, fd: int) -> None:
        """Return when what was written is on the disk."""
        os.fsync(fd)

    def close(self, fd: int) -> None:
        """Close a descriptor; an error here means that something may not have been written."""
        os.close(fd)

    def rename(self, source: str, target: str) -> None:
        """Give a file another name, in place of what had that name."""
        os.rename(source, target)  # noqa: PTH104

    def unlink(self, path: str) -> None:
        """Remove a name."""
        os.unlink(path)  # noqa: PTH108

    def mkdir(self, path: str) -> None:
        """Make a directory."""
        os.mkdir(path, DIRECTORY_MODE)  # noqa: PTH102

    def touch(self, path: str) -> None:
        """Make a file as young as now."""
        os.utime(path, follow_symlinks=False)

    def listdir(self, path: str) -> list[str]:
        """Return the names in a directory, sorted."""
        return sorted(os.listdir(path))  # noqa: PTH208

    def stat(self, path: str) -> os.stat_result:
        """Return size and times of a file."""
        return os.lstat(path)


class Disk:
    """A directory with the recipes that write to it safely.

    Attributes
    ----------
    root
        The directory.
    fs
        What makes the calls.
    """

    __slots__ = ("fs", "root")

    def __init__(self, root: str, fs: FileSystem | None = None) -> None:
        self.root = root
        self.fs = FileSystem() if fs is None else fs

    def path(self, *parts: str) -> str:
        """Return the path of something in the directory."""
        return "/".join((self.root, *parts))

    def read(self, path: str, limit: int | None = None) -> bytes:
        """Return the whole of a file; `IntegrityError` of kind ``FileTooLarge`` beyond a limit."""
        fd = self.fs.open(path)
        try:
            size = self.fs.size(fd)
            if limit is not None and size > limit:
                raise IntegrityError(f"a file of the store has {size} bytes, at most {limit} are taken ({path})", kind="FileTooLarge")
            return self.read_at(fd, size, 0)
        finally:
            self.fs.close(fd)

    def read_at(self, fd: int, size: int, offset: int) -> bytes:
        """Return `size` bytes at an offset, fewer only if the file ends there."""
        data = self.fs.read_at(fd, size, offset)
        while len(data) < size:
            more = self.fs.read_at(fd, size - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    def write_temporary(self, chunks: Iterable[bytes], mode: int = FILE_MODE) -> str:
        """Write a file under a temporary name and return its path: all of it is on the disk by then."""
        path = self.path("tmp", f"{os.getpid()}-{secrets.token_hex(8)}")
        fd = self.fs.create(path, mode)
        try:
            try:
                for chunk in chunks:
                    self.write_all(fd, chunk)
                self.fs.sync(fd)
            finally:
                self.fs.close(fd)
        except BaseException:
            with suppress(OSError):
                self.fs.unlink(path)
            raise
        return path

    def write_all(self, fd: int, data: bytes) -> None:
        """Write all bytes, in as many calls as it takes."""
        view = memoryview(data)
        while view:
            view = view[self.fs.write(fd, view) :]

    def publish(self, temporary: str, path: str) -> None:
        """Give a temporary file its name; the directory is still to be synced."""
        try:
            self.fs.rename(temporary, path)
        except OSError:
            with suppress(OSError):
                self.fs.unlink(temporary)
            raise

    def sync_directory(self, path: str) -> None:
        """Return when the names in a directory are on the disk."""
        fd = self.fs.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.fs.sync(fd)
        finally:
            self.fs.close(fd)

    def replace(self, path: str, data: bytes, mode: int = FILE_MODE) -> None:
        """Write a file so that its name stands for all of the new bytes or for the old ones, whatever happens."""
        self.publish(self.write_temporary((data,), mode), path)
        self.sync_directory(path.rpartition("/")[0])

    def make_directory(self, path: str) -> bool:
        """Make a directory in one that is there, durably; return whether it was new."""
        try:
            self.fs.mkdir(path)
        except FileExistsError:
            return False
        self.sync_directory(path.rpartition("/")[0])
        return True

    def exists(self, path: str) -> bool:
        """Tell whether there is something of that name."""
        try:
            self.fs.stat(path)
        except FileNotFoundError:
            return False
        return True

    def unlink(self, path: str) -> int:
        """Remove a file and return the bytes it took; 0 if there is none."""
        try:
            size = self.fs.stat(path).st_size
            self.fs.unlink(path)
        except FileNotFoundError:
            return 0
        return size

    def listdir(self, path: str) -> list[str]:
        """Return the names in a directory, none if there is no directory."""
        try:
            return self.fs.listdir(path)
        except (FileNotFoundError, NotADirectoryError):
            return []
