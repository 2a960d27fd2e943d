"""The results of a run as a table for the terminal, as JSON, and as the tables of a document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from plot import exponent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BEGIN, END = "<!-- compare.py: begin -->", "<!-- compare.py: end -->"
"""What a document has around the part that is written."""

BUSY = 0.5
"""Processors busy with something else before an area from which on its figures are marked."""


def duration(nanoseconds: float) -> str:
    """Return a time with three digits and a unit."""
    for limit, factor, unit in ((1e3, 1.0, "ns"), (1e6, 1e3, "us"), (1e9, 1e6, "ms")):
        if abs(nanoseconds) < limit:
            return f"{nanoseconds / factor:.3g} {unit}"
    return f"{nanoseconds / 1e9:.3g} s"


def columns(row: dict[str, Any]) -> list[str]:
    """Return name, the other side, ours, the ratio, its spread, the bar, and whether it is met."""
    if "figure" in row:
        bar = "" if row["bar"] is None else f"<= {row['bar']:,.0f}"
        return [row["name"], "", f"{row['figure']:,.0f} {row['unit']}", "", "", bar, verdict(row)]
    absolute = row["measure"] == "absolute"

    def shown(value: float) -> str:
        return duration(value) if absolute else f"{value:.3g}" if value >= 10 else f"{value:.2f}"

    value = shown(row["value"]) if "value" in row and not absolute else ""
    spread = f"{shown(row['low'])} - {shown(row['high'])}" if "low" in row else ""
    bar = "" if row["bar"] is None else f"{'>=' if row['measure'] == 'times as fast' else '<='} {shown(row['bar'])}"
    theirs, ours = (duration(row[key]) if key in row else "" for key in ("theirs_ns", "ours_ns"))
    if value:
        value += " x" if row["measure"] == "times as fast" else " of it"
    return [row["name"], theirs, ours, value, spread, bar, verdict(row)]


def verdict(row: dict[str, Any]) -> str:
    """Return yes, NO or nothing."""
    return {None: "", True: "yes", False: "NO"}[row.get("met")]


def heads(area: dict[str, Any]) -> list[str]:
    """Return the heads of the columns."""
    against = next((row["against"] for row in area["rows"] if row.get("against")), "reference")
    return ["", against, "miden", "ratio", "spread", "bar", "met"]


def series_lines(area: dict[str, Any]) -> list[str]:
    """Return one line for each growing thing: how time grows with it."""
    lines = []
    for series in area["series"]:
        points = "  ".join(f"{size:,}: {duration(ours)}" for size, ours, _ in series["points"])
        lines.append(f"{series['name']}, against {series['label']} (grows with its power {exponent(series['points']):.2f}): {points}")
    return lines


def machine_line(document: dict[str, Any]) -> str:
    """Return what the figures were taken on."""
    machine = document["machine"]
    return (
        f"{machine['processor']} (family and model {machine['family']}; {', '.join(machine['features'])}; hash variant {machine['hash']}), "
        f"{machine['cores']} cores, {machine['system']}, Python {machine['python']}, {document['rounds']} rounds"
    )


def warning(area: dict[str, Any], machine: dict[str, Any]) -> str:
    """Return a sentence if the machine was busy with something else, else nothing."""
    if area["other_work"] <= BUSY:
        return ""
    priority = f", at {machine['priority']}" if machine["priority"] else ""
    return f"Taken beside other work on {area['other_work']:.1f} of {machine['cores']} processors{priority}."


def area_text(area: dict[str, Any], machine: dict[str, Any]) -> str:
    """Return one area as a table for the terminal."""
    lines = [f"{area['title']}. {warning(area, machine)}".strip()]
    if area["rows"]:
        cells = [heads(area), *map(columns, area["rows"])]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for row in cells:
            rest = (f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
            lines.append("  ".join((f"  {row[0]:<{widths[0]}}", *rest)).rstrip())
    lines += [f"  {line}" for line in series_lines(area)]
    if not area["rows"] and not area["series"]:
        lines.append("  needs what is not here: the reference, or recordings")
    return "\n".join(lines)


def sections(document: dict[str, Any]) -> dict[str, str]:
    """Return title -> text of every area as a section of a document; each says how and on what it was taken."""
    taken = f"`{document['command']}`, on {document['date']}: {machine_line(document)}."
    found = {}
    for area in document["areas"]:
        parts = [f"### {area['title']}", " ".join((taken, warning(area, document["machine"]))).rstrip()]
        if area["rows"]:
            table = [heads(area), ["---", *["--:"] * 6], *map(columns, area["rows"])]
            parts.append("\n".join(f"| {' | '.join(row)} |" for row in table))
        if area["series"]:
            parts.append("\n".join(f"- {line}" for line in series_lines(area)))
        found[area["title"]] = "\n\n".join(parts)
    return found


def write_into(path: Path, written: dict[str, str], order: Sequence[str]) -> None:
    """Put sections between the two markers of a document, or stop if it has none; those of other titles in `order` stay."""
    old = path.read_text(encoding="utf-8")
    begin, end = old.find(BEGIN), old.find(END)
    if begin < 0 or end < begin:
        raise SystemExit(f"{path} has no lines {BEGIN} and {END}")
    kept = {f"{part.partition(chr(10))[0]}": f"### {part}".strip() for part in old[begin + len(BEGIN) : end].split("### ")[1:]}
    text = "\n\n".join(section for title in order if (section := written.get(title) or kept.get(title)))
    path.write_text(f"{old[: begin + len(BEGIN)]}\n\n{text}\n\n{old[end:]}", encoding="utf-8")


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write everything, raw."""
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
