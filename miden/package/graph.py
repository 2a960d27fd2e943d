"""Pictures of forests: Graphviz text, and a plain SVG of our own for forests small enough to look at."""

from __future__ import annotations

from html import escape

from miden.errors import InputError
from miden.isa import OPERATIONS, NodeKind
from miden.mast.traversal import postorder
from miden.package.naming import procedure_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from miden.package.artifacts import Loaded

MAX_SVG_NODES = 2_000
"""Nodes of an SVG; a picture of more is of no use."""

SHOWN_OPERATIONS = 4
COLORS = {
    NodeKind.JOIN: "#dddddd",
    NodeKind.SPLIT: "#ffe0a3",
    NodeKind.LOOP: "#ffd0d0",
    NodeKind.BLOCK: "#d6e8ff",
    NodeKind.CALL: "#d9f2d0",
    NodeKind.SYSCALL: "#b9e6b0",
    NodeKind.DYN: "#e6d6ff",
    NodeKind.DYNCALL: "#d0b8ff",
    NodeKind.EXTERNAL: "#ffffff",
}
EDGES = {NodeKind.JOIN: ("1", "2"), NodeKind.SPLIT: ("true", "false")}


def _label(loaded: Loaded, node: int, names: dict[int, list[str]]) -> list[str]:
    """Return the lines of a node: names, kind and id, and operations or the digest."""
    forest = loaded.forest
    kind = forest.kind(node)
    lines = [*names.get(node, [])[:2], f"{kind.name.lower()} #{node}"]
    if kind == NodeKind.BLOCK:
        operations = forest.block_operations(node)
        shown = [OPERATIONS[code].display + ("" if value is None else f"({value})") for code, value in operations[:SHOWN_OPERATIONS]]
        rest = len(operations) - len(shown)
        lines.append(" ".join(shown) + (f" +{rest}" if rest > 0 else ""))
    else:
        lines.append("0x" + forest.digest_bytes(node)[:4].hex())
    return lines


def _nodes(loaded: Loaded, roots: Iterable[int] | None) -> list[int]:
    return list(postorder(loaded.forest, loaded.forest.roots if roots is None else roots))


def dot(loaded: Loaded, roots: Iterable[int] | None = None) -> str:
    """Return the graph below some nodes, by default all procedure roots, in the language of Graphviz."""
    forest, names = loaded.forest, procedure_names(loaded)
    lines = ["digraph mast {", '  node [shape=box, style="rounded,filled", fontname="monospace", fontsize=10];', "  edge [fontsize=9];"]
    for node in _nodes(loaded, roots):
        kind = forest.kind(node)
        text = "\\n".join(_quoted(line) for line in _label(loaded, node, names))
        border = ", penwidth=2" if node in names else ""
        dashed = ', style="rounded,dashed"' if kind == NodeKind.EXTERNAL else ""
        lines.append(f'  n{node} [label="{text}", fillcolor="{COLORS[kind]}"{border}{dashed}];')
        labels = EDGES.get(kind, ("", ""))
        lines += [f'  n{node} -> n{child} [label="{label}"];' for child, label in zip(forest.children(node), labels, strict=False)]
    return "\n".join([*lines, "}", ""])


def _quoted(text: str) -> str:
    visible = "".join(character if character.isprintable() else "?" for character in text)
    return visible.replace("\\", "\\\\").replace('"', '\\"')


_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _LINE = 190, 62, 16, 46, 15
_TEXT_COLUMNS = 28


def svg(loaded: Loaded, roots: Iterable[int] | None = None) -> str:
    """Return the graph as SVG: each node above its children, in rows by height.

    Raises `InputError` of kind ``TooManyNodes`` for more than `MAX_SVG_NODES` nodes.
    """
    forest, names = loaded.forest, procedure_names(loaded)
    nodes = _nodes(loaded, roots)
    if len(nodes) > MAX_SVG_NODES:
        raise InputError(
            f"a picture has at most {MAX_SVG_NODES} nodes, there are {len(nodes)}",
            kind="TooManyNodes",
            hint="ask for one procedure, or write Graphviz text",
        )
    heights: dict[int, int] = {}
    for node in nodes:
        heights[node] = 1 + max((heights[child] for child in forest.children(node)), default=-1)
    top = max(heights.values(), default=0)
    rows: list[list[int]] = [[] for _ in range(top + 1)]
    for node in nodes:
        rows[top - heights[node]].append(node)
    columns = max(map(len, rows), default=1)
    width, height = columns * (_WIDTH + _GAP_X) + _GAP_X, len(rows) * (_HEIGHT + _GAP_Y) + _GAP_Y
    places: dict[int, tuple[float, int]] = {}
    for number, row in enumerate(rows):
        margin = (width - len(row) * (_WIDTH + _GAP_X) + _GAP_X) / 2
        for index, node in enumerate(row):
            places[node] = margin + index * (_WIDTH + _GAP_X), _GAP_Y // 2 + number * (_HEIGHT + _GAP_Y)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        "<style>text{font:11px monospace;text-anchor:middle}.edge{fill:none;stroke:#888}.mark{font-size:9px;fill:#666}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for node in nodes:
        x, y = places[node]
        labels = EDGES.get(forest.kind(node), ("", ""))
        for child, label in zip(forest.children(node), labels, strict=False):
            to_x, to_y = places[child]
            x0, y0, x1, y1 = x + _WIDTH / 2, y + _HEIGHT, to_x + _WIDTH / 2, to_y
            middle = (y0 + y1) / 2
            parts.append(f'<path class="edge" d="M{x0:.0f},{y0} C{x0:.0f},{middle:.0f} {x1:.0f},{middle:.0f} {x1:.0f},{y1}"/>')
            if label:
                parts.append(f'<text class="mark" x="{(x0 + 3 * x1) / 4:.0f}" y="{(y0 + 3 * y1) / 4:.0f}">{label}</text>')
    for node in nodes:
        x, y = places[node]
        kind = forest.kind(node)
        dash = ' stroke-dasharray="4"' if kind == NodeKind.EXTERNAL else ""
        stroke = 2 if node in names else 1
        parts.append(
            f'<rect x="{x:.0f}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" fill="{COLORS[kind]}" stroke="#444" '
            f'stroke-width="{stroke}"{dash}><title>0x{forest.digest_bytes(node).hex()}</title></rect>'
        )
        lines = _label(loaded, node, names)[:4]
        first = y + (_HEIGHT - _LINE * len(lines)) / 2 + 11
        for index, line in enumerate(lines):
            shown = line if len(line) <= _TEXT_COLUMNS else "…" + line[1 - _TEXT_COLUMNS :]
            visible = "".join(character if character.isprintable() else "?" for character in shown)
            parts.append(f'<text x="{x + _WIDTH / 2:.0f}" y="{first + _LINE * index:.0f}">{escape(visible)}</text>')
    return "\n".join([*parts, "</svg>", ""])
