"""`miden diff`: what distinguishes two artifacts."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, flag
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.cli.console import Console

DIFFERENT = 1
"""Exit code if there is a difference."""


@verb(
    "diff",
    argument("first", FilePath()),
    argument("second", FilePath()),
    flag("--code", help="Look at exports and code only: not at names, versions, sections and debug information."),
)
def command(console: Console, first: str, second: str, code: bool) -> int:
    """Compare FIRST and SECOND: programs, libraries, packages or containers, source text too.

    Exports are compared by path, code by digest: the order of nodes does not matter. Says which step of a semantic version
    the difference asks for. Exits with 0 if there is no difference and with 1 if there is one.
    """
    from miden.cli.artifacts import load_any
    from miden.package.diffing import ArtifactDiff

    found = ArtifactDiff(load_any(first, console), load_any(second, console))
    facts = found.to_dict()
    different = bool(found)
    if code:
        facts["fields"] = {name: value for name, value in facts["fields"].items() if name in ("root", "kernel")}
        for name in ("advice_map", "debug_info"):
            del facts[name]
        different = not (found.forest.same_code and not (found.added or found.removed or found.changed or facts["fields"]))
        facts["same"] = not different
    if console.json:
        console.document({"first": first, "second": second, **facts})
    else:
        _show(console, facts)
    return DIFFERENT if different else 0


def _show(console: Console, facts: dict[str, Any]) -> None:
    if facts["same"]:
        console.print("no difference")
        return
    for name, change in facts["fields"].items():
        console.print(f"{name}:")
        console.print(console.style(f"  - {_text(change['old'])}", "bad"))
        console.print(console.style(f"  + {_text(change['new'])}", "good"))
    exports = facts["exports"]
    if any(exports.values()):
        console.print("exports:")
        for path in exports["removed"]:
            console.print(console.style(f"  - {path}", "bad"))
        for path, change in exports["changed"].items():
            told = "its signature or attributes" if change["old"] == "interface" else f"{change['old']} -> {change['new']}"
            console.print(f"  ~ {path}  {told}")
        for path in exports["added"]:
            console.print(console.style(f"  + {path}", "good"))
    procedures, nodes = facts["procedures"], facts["nodes"]
    rows = [
        ("procedures", f"+{len(procedures['added']):,} -{len(procedures['removed']):,}"),
        ("nodes", f"+{nodes['added']:,} -{nodes['removed']:,}"),
    ]
    for name in ("advice_map", "debug_info"):
        if facts.get(name):
            rows.append((name.replace("_", " "), "differs"))
    if facts["bump"] != "none":
        rows.append(("version", f"a {facts['bump']} step"))
    console.facts(rows)


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {item}" for name, item in value.items()) or "(none)"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "(none)"
    return "(none)" if value is None else str(value)
