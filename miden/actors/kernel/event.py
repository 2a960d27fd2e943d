"""Events. (fvm.md section 2.7.)"""

from __future__ import annotations

from miden.actors.codes import ErrorNumber, SyscallError
from miden.actors.events import INDEXED, Entry, Event, read_entries
from miden.actors.kernel.base import KernelBase, fail, syscall
from miden.errors import FormatError
from miden.ipld.cid import CBOR, RAW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_ENTRIES = 255
MAX_KEY = 31
MAX_VALUES = 8192
"""Bytes of all values of an event."""

_OLD_MAX_ENTRIES = 256
_OLD_MAX_KEY = 32
_OLD_MAX_SIZE = 1 << 20


class EventCalls(KernelBase):
    """Calls of module ``event``."""

    __slots__ = ()

    @syscall("event")
    def emit_event(self, headers: Sequence[tuple[int, int, int, int]], keys: bytes, values: bytes) -> None:
        """Emit an event. A header is (flags, codec, size of the key, size of the value); keys and values stand behind each other.

        Raises
        ------
        SyscallError
            READ_ONLY; LIMIT_EXCEEDED for more than 255 entries, a key of more than 31 bytes or values of more than 8,192;
            ILLEGAL_CODEC for a value that is neither raw nor cbor; ILLEGAL_ARGUMENT for all else.
        """
        if self.read_only:
            fail(ErrorNumber.READ_ONLY, "a read-only call emits no event")
        self.gas.charge(*self.prices.on_actor_event(len(headers), len(keys), len(values)))
        if len(headers) > MAX_ENTRIES:
            fail(ErrorNumber.LIMIT_EXCEEDED, f"an event has at most {MAX_ENTRIES} entries, not {len(headers)}")
        if len(values) > MAX_VALUES:
            fail(ErrorNumber.LIMIT_EXCEEDED, f"the values of an event have at most {MAX_VALUES} bytes, not {len(values)}")
        _text(keys)
        entries = []
        key_start = value_start = 0
        for flags, codec, key_size, value_size in headers:
            if flags & ~INDEXED:
                fail(ErrorNumber.ILLEGAL_ARGUMENT, f"an entry has no flags {flags:#x}")
            if key_size > MAX_KEY:
                fail(ErrorNumber.LIMIT_EXCEEDED, f"the key of an entry has at most {MAX_KEY} bytes, not {key_size}")
            key_end, value_end = key_start + key_size, value_start + value_size
            if value_size > MAX_VALUES or key_end > len(keys):
                fail(ErrorNumber.ILLEGAL_ARGUMENT, "an entry is larger than what was passed")
            key = _text(keys[key_start:key_end])
            if value_end > len(values):
                fail(ErrorNumber.ILLEGAL_ARGUMENT, "an entry is larger than what was passed")
            if codec not in (RAW, CBOR):
                fail(ErrorNumber.ILLEGAL_CODEC, f"the value of an entry is raw or cbor, not {codec:#x}")
            entries.append(Entry(flags, key, codec, values[value_start:value_end]))
            key_start, value_start = key_end, value_end
        if key_start != len(keys) or value_start != len(values):
            fail(ErrorNumber.ILLEGAL_ARGUMENT, "more keys or values were passed than there are entries for")
        self.calls.events.append(Event(self.receiver, tuple(entries)))

    def emit(self, entries: Sequence[Entry]) -> None:
        """Emit an event from its entries: `emit_event` for callers that have no memory to read from."""
        keys = [entry.key.encode(errors="surrogatepass") for entry in entries]
        headers = [(entry.flags, entry.codec, len(key), len(entry.value)) for entry, key in zip(entries, keys, strict=True)]
        self.emit_event(headers, b"".join(keys), b"".join(entry.value for entry in entries))

    @syscall("event")
    def emit_event_cbor(self, data: bytes) -> None:
        """Emit an event that comes as CBOR (network versions before 21); raises READ_ONLY, ILLEGAL_ARGUMENT, ILLEGAL_CODEC."""
        if self.read_only:
            fail(ErrorNumber.READ_ONLY, "a read-only call emits no event")
        self.gas.charge(*self.prices.on_actor_event_validate(len(data)))
        if len(data) > _OLD_MAX_SIZE:
            fail(ErrorNumber.ILLEGAL_ARGUMENT, f"an event has at most {_OLD_MAX_SIZE} bytes, not {len(data)}")
        try:
            entries = read_entries(data)
        except FormatError as problem:
            raise SyscallError(ErrorNumber.ILLEGAL_ARGUMENT, problem.message) from problem
        if len(entries) > _OLD_MAX_ENTRIES:
            fail(ErrorNumber.ILLEGAL_ARGUMENT, f"an event has at most {_OLD_MAX_ENTRIES} entries, not {len(entries)}")
        for entry in entries:
            if entry.flags & ~INDEXED or len(entry.key.encode()) > _OLD_MAX_KEY:
                fail(ErrorNumber.ILLEGAL_ARGUMENT, f"flags {entry.flags:#x} or a key of {len(entry.key)} letters in an entry")
            if entry.codec != RAW:
                fail(ErrorNumber.ILLEGAL_CODEC, f"the value of an entry is raw, not {entry.codec:#x}")
        if sum(len(entry.value) for entry in entries) > MAX_VALUES:
            fail(ErrorNumber.ILLEGAL_ARGUMENT, f"the values of an event have at most {MAX_VALUES} bytes")
        self.gas.charge(*self.prices.on_actor_event_accept(len(data)))
        self.calls.events.append(Event(self.receiver, entries))


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as problem:
        raise SyscallError(ErrorNumber.ILLEGAL_ARGUMENT, "the key of an entry is no UTF-8") from problem
