"""How errors become messages and exit codes."""

from __future__ import annotations

import sys

from miden.errors import EXIT_INPUT, EXIT_INTERRUPTED, EXIT_IO, EXIT_LIMIT, EXIT_NOT_FOUND, EXIT_OK, MidenError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.assembly.diagnostics import Diagnostic
    from miden.cli.console import Console


def error_code(error: BaseException) -> int:
    """Return the exit code of an error; of what is no error of ours to tell, such as a closed pipe, that of success."""
    facts = describe(error)
    return EXIT_OK if facts is None else int(facts["exit_code"])


def report(error: BaseException, console: Console) -> None:
    """Show an error that a verb ended with; what nobody expected is raised again."""
    facts = describe(error)
    if facts is None:
        raise error
    if console.traceback:
        import traceback

        traceback.print_exception(error)
    if console.json:
        console.document({"error": facts})
    else:
        print(_text(error, facts, colored=console.colored(sys.stderr)), file=sys.stderr)


def describe(error: BaseException) -> dict[str, Any] | None:
    """Return an error as JSON-ready facts with its exit code, or None for one that is a mistake of ours."""
    if isinstance(error, MidenError):
        return error.to_dict()
    if isinstance(error, KeyboardInterrupt):
        return {"kind": "Interrupted", "message": "interrupted", "exit_code": EXIT_INTERRUPTED}
    if isinstance(error, MemoryError):
        return {"kind": "OutOfMemory", "message": "this machine has no more memory to give", "exit_code": EXIT_LIMIT}
    if isinstance(error, BrokenPipeError):
        return None
    if isinstance(error, FileNotFoundError):
        return {"kind": "FileNotFound", "message": f"there is no file {error.filename!r}", "exit_code": EXIT_NOT_FOUND}
    if isinstance(error, OSError):
        where = f"{error.filename!r}: " if error.filename is not None else ""
        return {"kind": "InputOutput", "message": f"{where}{error.strerror or error}", "exit_code": EXIT_IO}
    if isinstance(error, ValueError) and "null byte" in str(error):
        return {"kind": "InvalidPath", "message": "a path may not contain a NUL character", "exit_code": EXIT_INPUT}
    return None


def diagnostics_of(error: BaseException) -> tuple[Diagnostic, ...]:
    """Return the diagnostics with places in source text that an error carries."""
    one = getattr(error, "diagnostic", None)
    return tuple(getattr(error, "diagnostics", ())) or ((one,) if one is not None else ())


def _text(error: BaseException, facts: dict[str, Any], *, colored: bool) -> str:
    diagnostics = diagnostics_of(error)
    if diagnostics:
        from miden.assembly.diagnostics import render_ansi, render_plain

        render = render_ansi if colored else render_plain
        return "\n".join(render(diagnostic) for diagnostic in diagnostics)
    from miden.assembly.diagnostics import Diagnostic, render_ansi, render_plain

    plain = Diagnostic(facts["kind"], "error", facts["message"], None, 0, 0, hint=facts.get("hint"), notes=facts.get("reasons", ()))
    return render_ansi(plain) if colored else render_plain(plain)
