"""One writer at a time, over threads and processes; readers take no lock."""

from __future__ import annotations

from contextlib import contextmanager
from threading import RLock

from filelock import FileLock, Timeout

from miden.errors import StorageError
from miden.store.system import storage_errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = 60.0
"""Seconds that a writer waits for another."""

POLL = 0.002
"""Seconds between two tries."""


class WriterLock:
    """A lock that belongs to a file; the operating system frees it when its process ends, however it ends.

    The thread that holds it may take it again. Who waits holds a second lock, the turn: so whoever lets go of the first cannot
    take it back before the one who is next.
    """

    __slots__ = ("_depth", "_file", "_path", "_place", "_threads", "_turn", "timeout")

    def __init__(self, path: str, place: str, timeout: float = TIMEOUT) -> None:
        self._path = path
        self._place = place
        self._threads = RLock()
        self._file = FileLock(path, mode=0o600, thread_local=False, poll_interval=POLL)
        self._turn = FileLock(f"{path}.turn", mode=0o600, thread_local=False, poll_interval=POLL)
        self._depth = 0
        self.timeout = timeout

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock while the block runs.

        Raises `StorageError` of kind ``LockTimeout`` if another writer holds it for too long, of another kind if the file
        cannot be opened for writing.
        """
        if not self._threads.acquire(timeout=self.timeout):
            raise self._too_long()
        try:
            if self._depth == 0:
                self._take()
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._file.release()
        finally:
            self._threads.release()

    def _take(self) -> None:
        """Wait for the turn and then for the lock."""
        with storage_errors(self._place, "take the lock of writers"):
            try:
                with self._turn.acquire(timeout=self.timeout):
                    self._file.acquire(timeout=self.timeout)
            except Timeout as error:  # an OSError as well
                raise self._too_long() from error

    def _too_long(self) -> StorageError:
        return StorageError(
            f"another writer has held the lock of {self._place} for more than {self.timeout:g} seconds",
            kind="LockTimeout",
            hint=f"wait for the other process; its lock is {self._path}, which it frees when it ends",
            provider=self._place,
        )
