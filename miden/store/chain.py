"""The ordered chain of providers: each is asked for what those before it did not have, and nobody is believed."""

from __future__ import annotations

from threading import Lock
from typing import NamedTuple

from miden.errors import FormatError, InputError, IntegrityError, MidenError, NotFoundError, StorageError
from miden.store.provider import StoredObject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from miden.store.border import Admitted, Border
    from miden.store.keys import ObjectKey
    from miden.store.provider import Provider


class Answer(NamedTuple):
    """What a provider answered when it was asked for a key: why nothing came of it."""

    provider: str
    error: MidenError | None
    """None if it does not have the object."""

    def __str__(self) -> str:
        return self.provider if self.error is None else f"{self.provider} ({self.error.message})"


class ProviderCounters(NamedTuple):
    """What a provider was asked and answered, as numbers of objects: `bytes` counts those of the objects found.

    `verified` ones were hashed, `trusted` ones recognised by their seals; `refused` ones were wrong; `faults` counts calls
    that failed; `written_back` objects came from a provider further down.
    """

    asked: int = 0
    found: int = 0
    bytes: int = 0
    verified: int = 0
    trusted: int = 0
    refused: int = 0
    faults: int = 0
    written_back: int = 0


class Fetched(NamedTuple):
    """An object that came through the border, and its bytes."""

    admitted: Admitted
    data: bytes


class Chain:
    """Providers in the order they are asked.

    Raises `InputError` of kind ``DuplicateProvider`` for two of the same name.
    """

    def __init__(self, providers: Iterable[Provider], border: Border) -> None:
        self.providers = tuple(providers)
        names = [provider.name for provider in self.providers]
        if len(set(names)) != len(names):
            raise InputError(f"two providers have the same name: {', '.join(names)}", kind="DuplicateProvider")
        self.border = border
        self._counters = {name: [0] * len(ProviderCounters._fields) for name in names}
        self._lock = Lock()

    @property
    def counters(self) -> dict[str, ProviderCounters]:
        """What each provider was asked and answered."""
        with self._lock:
            return {name: ProviderCounters(*numbers) for name, numbers in self._counters.items()}

    @property
    def home(self) -> Provider | None:
        """The provider that objects are put into: the first that is local and writable."""
        return next((provider for provider in self.providers if provider.local and provider.writable), None)

    def fetch(
        self, keys: Sequence[ObjectKey], answers: dict[ObjectKey, list[Answer]], *, content: bytes | None = None
    ) -> dict[ObjectKey, Fetched]:
        """Return the objects for the keys that some provider has; `answers` gets what the others said.

        `content` is the content commitment that an object must have, if anybody insists on one.

        What comes from a place that is not local is written to the home, if there is one; that it cannot be is no reason to
        fail.
        """
        found: dict[ObjectKey, Fetched] = {}
        wanted = list(keys)
        for provider in self.providers:
            if not wanted:
                break
            self._count(provider, asked=len(wanted))
            got = self._ask(provider, wanted, answers)
            brought: dict[bytes, Admitted] = {}
            for key, data in got.items():
                admitted = brought.get(data) if type(data) is bytes else None
                if admitted is None or key not in admitted.keys:
                    admitted = self._admit(provider, key, data, answers, content)
                    if admitted is None:
                        continue
                    brought[data] = admitted
                found[key] = Fetched(admitted, data)
            if brought and not provider.local:
                self._write_back([StoredObject(admitted.keys, data) for data, admitted in brought.items()])
            wanted = [key for key in wanted if key not in found]
        return found

    def _ask(self, provider: Provider, wanted: list[ObjectKey], answers: dict[ObjectKey, list[Answer]]) -> dict[ObjectKey, bytes]:
        try:
            if len(wanted) == 1:
                data = provider.get(wanted[0])
                got = {} if data is None else {wanted[0]: data}
            else:
                got = provider.get_many(wanted)
                got = {key: got[key] for key in wanted if key in got}  # and nothing that was not asked for
        except (IntegrityError, FormatError) as error:
            if len(wanted) > 1:  # one damaged object hides the others
                got = {}
                for key in wanted:
                    got.update(self._ask(provider, [key], answers))
                return got
            self._refuse(provider, wanted[0], None, error, answers)
            return {}
        except (MidenError, OSError) as error:
            fault = error if isinstance(error, MidenError) else StorageError(str(error), kind="ProviderFailed", provider=provider.name)
            self._count(provider, faults=1)
            for key in wanted:
                answers.setdefault(key, []).append(Answer(provider.name, fault))
            return {}
        for key in wanted:
            if key not in got:
                answers.setdefault(key, []).append(Answer(provider.name, None))
        return got

    def _admit(
        self, provider: Provider, key: ObjectKey, data: bytes, answers: dict[ObjectKey, list[Answer]], content: bytes | None
    ) -> Admitted | None:
        try:
            admitted = self.border.admit(key, data, local=provider.local)
        except (FormatError, IntegrityError) as error:
            self._refuse(provider, key, data, error, answers)
            return None
        if content is not None and admitted.value.content != content:  # right code, and nothing to be set aside for
            answers.setdefault(key, []).append(Answer(provider.name, _other_content(key, content, admitted.value.content)))
            self._count(provider, refused=1)
            return None
        self._count(provider, found=1, bytes=len(data), verified=int(admitted.verified), trusted=int(not admitted.verified))
        return admitted

    def _refuse(self, provider: Provider, key: ObjectKey, data: object, error: MidenError, answers: dict[ObjectKey, list[Answer]]) -> None:
        """Note what is wrong with an object, and have it set aside."""
        answers.setdefault(key, []).append(Answer(provider.name, error))
        self._count(provider, refused=1)
        if not provider.writable:
            return
        try:
            provider.quarantine(key, error.message, data if isinstance(data, bytes) else None)
        except (MidenError, OSError):  # it stays where it is, and is refused the next time as well
            self._count(provider, faults=1)

    def _write_back(self, objects: list[StoredObject]) -> None:
        home = self.home
        if home is None:
            return
        try:
            home.put_many(objects)
        except (MidenError, OSError):
            self._count(home, faults=1)
            return
        self._count(home, written_back=len(objects))
        self.border.seals.add(map(self.border.seals.mark, (data for _, data in objects)))

    def _count(self, provider: Provider, **numbers: int) -> None:
        with self._lock:
            counters = self._counters[provider.name]
            for name, number in numbers.items():
                counters[_FIELDS[name]] += number


_FIELDS = {name: index for index, name in enumerate(ProviderCounters._fields)}


def _other_content(key: ObjectKey, expected: bytes, found: bytes) -> IntegrityError:
    return IntegrityError(
        f"the object {key} has the right code, but other content than asked for: decorators, advice or what is beside it",
        expected=expected.hex(),
        found=found.hex(),
        kind="ContentMismatch",
    )


def missing(key: ObjectKey, answers: Sequence[Answer]) -> MidenError:
    """Return the error for a key that no provider had: which were asked, and what was wrong with what they had."""
    asked = ", ".join(map(str, answers)) or "nobody: the store has no providers"
    wrong = next((answer.error for answer in answers if isinstance(answer.error, (FormatError, IntegrityError))), None)
    if wrong is not None:
        return IntegrityError(
            f"what was found for {key} is not it, and nothing else was found; asked: {asked}",
            expected=getattr(wrong, "expected", None) or str(key),
            found=getattr(wrong, "found", None),
            kind=wrong.kind,
            hint="the wrong object was set aside; fetch it again from a place that has it",
        )
    return NotFoundError(
        f"no provider has the object {key}; asked: {asked}",
        kind="ObjectNotFound",
        hint="put the library that exports it into the store, or add a provider that has it",
        asked=[str(answer) for answer in answers],
    )
