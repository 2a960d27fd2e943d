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


def canonical_component(name: str) -> str | None:
    """Return a name as paths hold it, in quotes if it needs them; None if no path can hold it.

    >>> canonical_component("a_1"), canonical_component("a-b"), canonical_component("a b")
    ('a_1', '"a-b"', None)
    """
    from miden.assembly.parser.names import MAX_COMPONENT, canonical_name

    if not 0 < len(name) <= MAX_COMPONENT or any(char in _FORBIDDEN for char in name):
        return None
    return canonical_name(name) if all(char.isalnum() or "!" <= char <= "~" for char in name) else None


_FORBIDDEN = '"#\\'


def canonical_module_path(path: str) -> str | None:
    """Return the absolute canonical form of a module path given by a caller; None if it is none.

    >>> canonical_module_path("lib::a-b"), canonical_module_path("::lib"), canonical_module_path("a::::b")
    ('::lib::"a-b"', '::lib', None)
    """
    names = [canonical_component(_unquoted(component)) for component in components(path)]
    return None if None in names else ROOT + ROOT.join(names)  # type: ignore[arg-type]


def _unquoted(component: str) -> str:
    return component[1:-1] if len(component) > 1 and component[0] == component[-1] == '"' else component
