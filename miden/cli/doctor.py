"""`miden doctor`: what is installed here, and which backend runs."""

from __future__ import annotations

from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console

CHECK_SOURCE = "begin push.6 mul.7 swap drop end"
CHECK_RESULT = 42


@verb("doctor")
def command(console: Console) -> int:
    """Say what is installed here, which backend runs by default and why, and run a small program on each."""
    from miden.vm.backends import describe

    facts = describe()
    for name, state in facts["backends"].items():
        if state["available"]:
            state["check"] = _check(name)
    healthy = all(state.get("check", "ok") == "ok" for state in facts["backends"].values())
    facts["healthy"] = healthy
    if console.json:
        console.document(facts)
        return 0 if healthy else 1
    cpu = facts["cpu"]
    rows = [
        ("miden", facts["version"]),
        ("Python", f"{facts['python']}, {facts['platform']}"),
        ("CPU", f"{cpu['model']}, {cpu['cores']} cores; {' '.join(cpu['features']) or 'no features of interest'}"),
        ("default", f"{facts['default']} ({facts['why']})"),
    ]
    for name, state in facts["backends"].items():
        text = state["reason"] if state["available"] else f"not available: {state['reason']}"
        if state.get("hint"):
            text += f"; {state['hint']}"
        if "check" in state:
            text += f"; check {state['check']}"
        rows.append((name, console.style(text, "good" if state.get("check") == "ok" else "bad")))
    console.facts(rows)
    return 0 if healthy else 1


def _check(backend: str) -> str:
    """Run a program whose result is known; return ok or what went wrong."""
    import miden

    try:
        result = miden.execute(miden.assemble(CHECK_SOURCE), backend=backend).stack[0]
    except miden.MidenError as error:
        return f"failed: {error.message}"
    return "ok" if result == CHECK_RESULT else f"failed: 6 * 7 gave {result}"
