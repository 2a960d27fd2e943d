"""Paths as canonical text: `lib::a::f`, `::lib::a::"b-c"`. (assembly.md section 1.6.)

A component is the text between ``::``, quotes included; a path that starts with ``::`` is absolute.
"""

from __future__ import annotations

ROOT = "::"
KERNEL = "::$kernel"
EXECUTABLE = "::$exec"
MAIN = "$main"


def components(path: str) -> list[str]:
    """Return the components, without the root.

    >>> components('::lib::"a::b"::f')
    ['lib', '"a::b"', 'f']
    """
    body = path.removeprefix(ROOT)
    if '"' not in body:
        return body.split(ROOT)
    result: list[str] = []
    start = 0
    while start <= len(body):
        if body.startswith('"', start):
            end = body.find('"', start + 1) + 1 or len(body)
        else:
            end = body.find(ROOT, start)
            if end < 0:
                end = len(body)
        result.append(body[start:end])
        start = end + len(ROOT)
    return result


def is_absolute(path: str) -> bool:
    """Whether a path starts at the root."""
    return path.startswith(ROOT)


def absolute(path: str) -> str:
    """Return a path with the root in front."""
    return path if path.startswith(ROOT) else ROOT + path


def split_first(path: str) -> tuple[str, str]:
    """Return the first component, the root skipped, and the rest; the rest of a single component is empty.

    >>> split_first("::a::b::c"), split_first("a")
    (('a', 'b::c'), ('a', ''))
    """
    first, *rest = components(path)
    return first, ROOT.join(rest)


def is_name(path: str) -> bool:
    """Whether a path is a single relative component."""
    return not path.startswith(ROOT) and (ROOT not in path or len(components(path)) == 1)


def join(path: str, rest: str) -> str:
    """Append components; `rest` may be empty.

    >>> join("::a", "b::c")
    '::a::b::c'
    """
    return f"{path}{ROOT}{rest}" if rest else path


def canonical_module_path(path: str) -> str | None:
    """Return the absolute canonical form of a module path given by a caller; None if it is none.

    >>> canonical_module_path("lib::a-b"), canonical_module_path("::lib"), canonical_module_path("a::::b")
    ('::lib::"a-b"', '::lib', None)
    """
    from miden.assembly.parser.names import MAX_COMPONENT, canonical_name

    parts: list[str] = []
    for component in components(path):
        name = component[1:-1] if len(component) > 1 and component[0] == component[-1] == '"' else component
        if not name or len(name) > MAX_COMPONENT or not _is_component(name):
            return None
        parts.append(canonical_name(name))
    return ROOT + ROOT.join(parts)


def _is_component(name: str) -> bool:
    """Whether every character may stand in a quoted identifier."""
    return all(char.isalnum() or "!" <= char <= "~" for char in name) and '"' not in name and "#" not in name and "\\" not in name
