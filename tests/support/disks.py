"""Disks that fail: file systems that count calls, fail one of them, stop at one, run full, or lose power.

`MUTATING` calls are the ones a crash may fall between.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from miden.store.system import FileSystem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

MUTATING = ("create", "write", "sync", "close", "rename", "unlink", "mkdir", "touch")
READING = ("open", "read_at", "size", "listdir", "stat")


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield an empty folder, in memory where the system has a place for that: thousands of small stores are made in it."""
    memory = Path("/dev/shm")  # noqa: S108 (only a place for a folder of our own)
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None, prefix="miden-test-") as folder:
        yield Path(folder)


class HastyDisk(FileSystem):
    """Syncs nothing: these tests survive no loss of power, and need not wait for the disk."""

    def sync(self, fd: int) -> None:
        """Do nothing."""


class Watched(HastyDisk):
    """A file system whose every call goes through `call`."""

    def call(self, name: str, do: Callable[..., Any], *args: Any) -> Any:
        """Make a call; subclasses count, fail or record it."""
        return do(*args)


def _watch(name: str) -> Callable[..., Any]:
    plain = getattr(HastyDisk, name)

    def method(self: Watched, *args: Any) -> Any:
        return self.call(name, lambda *given: plain(self, *given), *args)

    return method


for _name in (*MUTATING, *READING):
    setattr(Watched, _name, _watch(_name))


class Crash(BaseException):
    """The process is dead: no handler of ours may run on, so it is no Exception."""


class CrashingDisk(Watched):
    """Dies before the k-th mutating call, counted from 1: neither that nor any later call reaches the disk."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.count = 0

    def call(self, name: str, do: Callable[..., Any], *args: Any) -> Any:
        if self.count >= self.at:
            if name == "close":
                do(*args)  # the test's own process must not run out of descriptors
            raise Crash
        if name in MUTATING:
            self.count += 1
            if self.count >= self.at:
                if name == "close":
                    do(*args)
                raise Crash
        return do(*args)


class FailingDisk(Watched):
    """Fails the k-th call with an error number, or makes a short write there if `error` is 0; later calls work."""

    def __init__(self, at: int, error: int, names: tuple[str, ...] = (*MUTATING, "open", "read_at")) -> None:
        self.at = at
        self.error = error
        self.names = names
        self.count = 0
        self.failed: str | None = None

    def call(self, name: str, do: Callable[..., Any], *args: Any) -> Any:
        if name in self.names:
            self.count += 1
            if self.count == self.at:
                self.failed = name
                if self.error:
                    if name == "close":
                        do(*args)  # what the system does as well
                    raise OSError(self.error, os.strerror(self.error))
                if name == "write":
                    return do(args[0], memoryview(args[1])[: len(args[1]) // 2])
                if name == "read_at":
                    return do(args[0], (args[1] + 1) // 2, args[2])
        return do(*args)


class FullDisk(Watched):
    """Has room for so many bytes; deleting a file gives its bytes back."""

    def __init__(self, free: int) -> None:
        self.free = free

    def call(self, name: str, do: Callable[..., Any], *args: Any) -> Any:
        if name == "write":
            if len(args[1]) > self.free:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.free -= len(args[1])
        if name == "unlink":
            self.free += os.lstat(args[0]).st_size
        if name == "rename" and Path(args[1]).exists():
            self.free += os.lstat(args[1]).st_size
        return do(*args)


class ReadOnlyDisk(Watched):
    """Refuses every change with an error number."""

    def __init__(self, error: int = errno.EROFS) -> None:
        self.error = error

    def call(self, name: str, do: Callable[..., Any], *args: Any) -> Any:
        if name in MUTATING and name not in ("close", "sync"):
            raise OSError(self.error, os.strerror(self.error))
        return do(*args)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


class Op(NamedTuple):
    """A call that changed something: its name and its arguments, files by number of their inode."""

    name: str
    args: tuple[Any, ...]


class RecordingDisk(Watched):
    """Keeps a log of all changes, from which `PowerLoss` makes what a disk may hold after the power was gone."""

    def __init__(self) -> None:
        self.log: list[Op] = []
        self._files: dict[int, int] = {}
        self._folders: dict[int, str] = {}
        self._live: dict[str, int] = {}
        self._next = 0

    def call(self, name: str, do: Callable[..., Any], *args: Any) -> Any:
        done = do(*args)
        if name == "create":
            self._files[done] = self._live[args[0]] = self._next
            self.log.append(Op("create", (args[0], self._next)))
            self._next += 1
        elif name == "open":
            if len(args) > 1 and args[1] & os.O_DIRECTORY:
                self._folders[done] = args[0]
            elif len(args) > 1 and args[1] & os.O_APPEND:
                self.log.append(Op("append", (args[0],)))
                self._files[done] = -1
        elif name == "write":
            number = self._files[args[0]]
            if number >= 0:
                self.log.append(Op("write", (number, bytes(args[1][:done]))))
        elif name == "sync":
            if args[0] in self._folders:
                self.log.append(Op("sync_folder", (self._folders[args[0]],)))
            else:
                self.log.append(Op("sync_file", (self._files[args[0]],)))
        elif name == "close":
            closed = self._files.pop(args[0], None)
            self._folders.pop(args[0], None)
            if closed is not None and closed >= 0:
                self.log.append(Op("close", (closed,)))
        elif name == "rename":
            number = self._live[args[1]] = self._live.pop(args[0])
            self.log.append(Op(name, (number, args[1], args[0])))
        elif name in ("unlink", "mkdir"):
            self.log.append(Op(name, (-1, args[0])))
        return done

    def mark(self, what: Any) -> None:
        """Note that something was acknowledged to a caller."""
        self.log.append(Op("mark", (what,)))


class PowerLoss:
    """What a disk may hold when the power went after some of the recorded changes.

    Content of a file is certain once the file was synced, names in a folder once the folder was. What is not certain may be
    there or not: of each folder a beginning of the changes since its sync, whatever happened in other folders; of each file
    a beginning of what was written since its sync.
    """

    def __init__(self, log: list[Op], upto: int) -> None:
        self.names: dict[str, int] = {}
        """Certain names: path -> number of a file, -1 for a folder."""
        self.content: dict[int, bytearray] = {}
        self.certain: dict[int, int] = {}
        self.pending: list[tuple[str, Op]] = []
        self.marks: list[Any] = []
        for op in log[:upto]:
            self._apply(op)

    def _apply(self, op: Op) -> None:
        if op.name == "create":
            self.content[op.args[1]] = bytearray()
            self.certain[op.args[1]] = 0
            self.pending.append((_folder(op.args[0]), op))
        elif op.name == "write":
            self.content[op.args[0]] += op.args[1]
        elif op.name == "sync_file":
            if op.args[0] >= 0:
                self.certain[op.args[0]] = len(self.content[op.args[0]])
        elif op.name == "sync_folder":
            for folder, pending in self.pending:
                if folder == op.args[0]:
                    self._name(self.names, pending)
            self.pending = [(folder, pending) for folder, pending in self.pending if folder != op.args[0]]
        elif op.name in ("rename", "unlink", "mkdir"):
            self.pending.append((_folder(op.args[1]), op))
        elif op.name == "mark":
            self.marks.append(op.args[0])

    @staticmethod
    def _name(names: dict[str, int], op: Op) -> None:
        if op.name == "create":
            names[op.args[0]] = op.args[1]
        elif op.name == "mkdir":
            names[op.args[1]] = -1
        elif op.name == "unlink":
            names.pop(op.args[1], None)
        elif op.name == "rename":
            number, target, source = op.args
            names.pop(source, None)
            names[target] = number

    def build(self, root: Path, target: Path, rng: Random | None, *, everything: bool = False) -> None:
        """Write such a disk to a folder: the least there may be without `rng`, unless `everything` is asked for."""
        names = dict(self.names)
        folders = {folder for folder, _ in self.pending}
        counts = {folder: sum(1 for one, _ in self.pending if one == folder) for folder in folders}
        keep = {
            folder: count if everything else 0 if rng is None else rng.choice((0, count, rng.randint(0, count)))
            for folder, count in counts.items()
        }
        seen = dict.fromkeys(folders, 0)
        for folder, op in self.pending:
            seen[folder] += 1
            if seen[folder] <= keep[folder]:
                self._name(names, op)
        if target.exists():
            shutil.rmtree(target)
        target.mkdir()
        for path, number in sorted(names.items()):
            place = target / Path(path).relative_to(root)
            if not place.parent.is_dir():
                continue  # its folder is not there either
            if number == -1:
                place.mkdir(exist_ok=True)
                continue
            content = self.content[number]
            size = self.certain[number]
            if everything:
                size = len(content)
            elif rng is not None:
                size = rng.choice((size, len(content), rng.randint(size, len(content))))
            place.write_bytes(content[:size])
