"""The exception tree of the package, with the exit code each branch gives the command line.

::

    MidenError                         exit 1
    ├─ InputError (ValueError)         exit 3   values a caller handed in: stack inputs, advice, `.inputs` files
    │  ├─ ProjectError                          a project file, or what it asks for; carries file, line and field
    │  └─ ResolutionError                       versions that do not fit together; carries the reasons as sentences
    ├─ AssemblyError                   exit 3   source text that does not assemble; carries diagnostics
    │  ├─ ParseError                            lexer and parser
    │  ├─ SemanticError                         names, constants, module rules
    │  ├─ LinkError                             modules and libraries against each other
    │  └─ LoweringError                         instructions that cannot be lowered
    ├─ ExecutionError                  exit 1   a trap: `kind` is the reference's name of the error
    │  └─ LimitError                   exit 6   a trap of our own limits (cycles, stack, memory, deadline ...)
    ├─ FormatError (ValueError)        exit 3   bytes that are not what they claim to be; carries an offset
    ├─ NotFoundError (KeyError)        exit 4   a root, object, package or file that is nowhere
    ├─ IntegrityError                  exit 5   content that does not hash to its name
    ├─ NetworkError                    exit 7   a server that cannot be reached, or does not keep to what was agreed
    ├─ StorageError                    exit 7   a place that keeps objects fails: a full disk, a lock, a connection
    └─ BackendError                    exit 2   a backend that was asked for and cannot be had

Every concrete error has a machine-readable `kind`; `to_dict` gives the `--json` form. Messages are lower case,
say what was expected and what was found, and end without a full stop.
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_TRAP = 1
EXIT_USAGE = 2
EXIT_INPUT = 3
EXIT_NOT_FOUND = 4
EXIT_INTEGRITY = 5
EXIT_LIMIT = 6
EXIT_IO = 7
EXIT_INTERRUPTED = 130

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from miden.assembly.diagnostics import Diagnostic


class MidenError(Exception):
    """Root of every error this package raises on purpose."""

    exit_code: int = EXIT_TRAP
    kind: str = "MidenError"

    def __init__(self, message: str, *, kind: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.kind = kind or type(self).__name__

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the facts, which the classes take by name: other processes raise the same error."""
        return _remade, (type(self), self.args, self.__dict__)

    def to_dict(self) -> dict[str, Any]:
        """Return the error as JSON-ready facts; `kind` and `message` are always there."""
        facts: dict[str, Any] = {"kind": self.kind, "message": self.message, "exit_code": self.exit_code}
        if self.hint:
            facts["hint"] = self.hint
        return facts


class InputError(MidenError, ValueError):
    """A value handed in from outside is not acceptable: out of range, malformed, of the wrong shape."""

    exit_code = EXIT_INPUT


class ProjectError(InputError):
    """A project file is wrong, or asks for what cannot be had.

    `path` is the file, `line` counts from 1 and `field` is where in the file, such as ``lib.path``; both may be None.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str,
        line: int | None = None,
        field: str | None = None,
        kind: str | None = None,
        hint: str | None = None,
        diagnostic: Diagnostic | None = None,
    ) -> None:
        super().__init__(message, kind=kind, hint=hint)
        self.path = path
        self.line = line
        self.field = field
        self.diagnostic = diagnostic

    def __str__(self) -> str:
        return f"{self.path}{'' if self.line is None else f':{self.line}'}: {self.message}"

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "path": self.path, "line": self.line, "field": self.field}


class ResolutionError(InputError):
    """No versions of packages fit together; `reasons` are sentences that say why."""

    def __init__(self, message: str, *, reasons: Sequence[str] = (), kind: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, kind=kind, hint=hint)
        self.reasons = tuple(reasons)

    def __str__(self) -> str:
        return "\n  - ".join((self.message, *self.reasons))

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "reasons": list(self.reasons)}


class AssemblyError(MidenError):
    """Source text does not assemble.

    `diagnostics` holds every problem found, worst first; `kind` is the kind of the first one and uses the
    reference's name of the error where it has one.
    """

    exit_code = EXIT_INPUT

    def __init__(
        self,
        message: str,
        *,
        kind: str | None = None,
        hint: str | None = None,
        diagnostics: Sequence[Diagnostic] = (),
    ) -> None:
        super().__init__(message, kind=kind, hint=hint)
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)

    def __str__(self) -> str:
        if not self.diagnostics:
            return self.message
        from miden.assembly.diagnostics import render_plain

        return "\n".join(render_plain(diagnostic) for diagnostic in self.diagnostics)

    def to_dict(self) -> dict[str, Any]:
        facts = super().to_dict()
        facts["diagnostics"] = [diagnostic.to_dict() for diagnostic in self.diagnostics]
        return facts


class ParseError(AssemblyError):
    """The text is not Miden assembly."""


class SemanticError(AssemblyError):
    """A module breaks a rule of the language: names, constants, visibility, attributes."""


class LinkError(AssemblyError):
    """Modules and libraries do not fit together."""


class LoweringError(AssemblyError):
    """An instruction has no lowering with these operands."""


class ExecutionError(MidenError):
    """A program trapped.

    Attributes
    ----------
    kind
        The reference's name of the error, such as ``FailedAssertion``.
    clk
        Clock cycle (row index) of the failing operation.
    ctx
        Memory context that was active.
    node_id, op_index
        Where it failed in the forest that was executing; `op_index` counts padded operations, None for a
        control-flow node.
    facts
        Operands and codes of the error, by name.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str | None = None,
        clk: int = 0,
        ctx: int = 0,
        node_id: int | None = None,
        op_index: int | None = None,
        facts: dict[str, Any] | None = None,
        diagnostic: Diagnostic | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, kind=kind, hint=hint)
        self.clk = clk
        self.ctx = ctx
        self.node_id = node_id
        self.op_index = op_index
        self.facts: dict[str, Any] = facts or {}
        self.diagnostic = diagnostic

    def __str__(self) -> str:
        if self.diagnostic is None:
            return self.message
        from miden.assembly.diagnostics import render_plain

        return render_plain(self.diagnostic)

    def to_dict(self) -> dict[str, Any]:
        facts = super().to_dict()
        facts.update(clk=self.clk, ctx=self.ctx, node_id=self.node_id, op_index=self.op_index, facts=self.facts)
        if self.diagnostic is not None:
            facts["diagnostic"] = self.diagnostic.to_dict()
        return facts


class LimitError(ExecutionError):
    """A run reached one of its `Limits`."""

    exit_code = EXIT_LIMIT


class FormatError(MidenError, ValueError):
    """Bytes do not decode; `offset` is where in the input the problem was seen."""

    exit_code = EXIT_INPUT

    def __init__(self, message: str, *, offset: int | None = None, kind: str | None = None, hint: str | None = None) -> None:
        super().__init__(message if offset is None else f"{message} (at byte {offset})", kind=kind, hint=hint)
        self.offset = offset

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "offset": self.offset}


class NotFoundError(MidenError, KeyError):
    """What was asked for is in none of the places that were searched; `asked` names them if there are several, in their order."""

    exit_code = EXIT_NOT_FOUND

    def __init__(self, message: str, *, kind: str | None = None, hint: str | None = None, asked: Sequence[str] = ()) -> None:
        super().__init__(message, kind=kind, hint=hint)
        self.asked: tuple[str, ...] = tuple(asked)

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), **({"asked": list(self.asked)} if self.asked else {})}


class IntegrityError(MidenError):
    """Content does not hash to the name it was stored or sent under."""

    exit_code = EXIT_INTEGRITY

    def __init__(
        self,
        message: str,
        *,
        expected: str | None = None,
        found: str | None = None,
        kind: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, kind=kind, hint=hint)
        self.expected = expected
        self.found = found

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "expected": self.expected, "found": self.found}


class NetworkError(MidenError):
    """A server cannot be reached, is too slow, sends too much, or answers what nobody asked; `url` is what was asked for."""

    exit_code = EXIT_IO

    def __init__(
        self, message: str, *, url: str | None = None, status: int | None = None, kind: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, kind=kind, hint=hint)
        self.url = url
        self.status = status
        """Status of the HTTP answer, or None if there was none."""

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "url": self.url, "status": self.status}


class StorageError(MidenError):
    """A place where objects are kept cannot do what was asked; nothing that it had acknowledged is lost by that.

    `provider` names the place, if it is known.
    """

    exit_code = EXIT_IO

    def __init__(self, message: str, *, kind: str | None = None, hint: str | None = None, provider: str | None = None) -> None:
        super().__init__(message, kind=kind, hint=hint)
        self.provider = provider

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "provider": self.provider}


class BackendError(MidenError):
    """The backend that was asked for is not available on this machine."""

    exit_code = EXIT_USAGE


def _remade(kind: type[MidenError], args: tuple[object, ...], facts: dict[str, Any]) -> MidenError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    return error
