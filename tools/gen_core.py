"""Write the core's generated headers from the Python tables, or check that they are up to date.

usage: python tools/gen_core.py [--check]

The tables are the source: `miden.isa` (operations, node kinds, sizes), `miden.status` (how a machine stops) and
`miden.rpo` (constants of the permutation). The headers are committed, so a build needs no generator; this script
writes a file only if its text changes. With ``--check`` it writes nothing and exits 1 if a file is out of date.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "miden" / "_core"
sys.path.insert(0, str(ROOT))

from miden import isa, rpo, status  # noqa: E402  (the path has to be set first)
from miden.field import P  # noqa: E402

FAMILIES = ("DUP", "MOVUP", "MOVDN")
"""Operations that have a number in their name: the place of the stack that they are about."""


def banner(source: str, guard: str) -> list[str]:
    """Return the first lines of a header made from `source`."""
    return [f"/* GENERATED from {source} by `make gen` - do not edit. */", f"#ifndef {guard}", f"#define {guard}", ""]


def enum(name: str, prefix: str, rows: list[tuple[str, int]]) -> list[str]:
    """Return a C enumeration."""
    return [f"enum {name} {{", *(f"    {prefix}{key} = {value}," for key, value in rows), "};", ""]


def opcodes_header() -> str:
    """Return `opcodes.h`: operations, sizes, node kinds, and the list the dispatch loop is built from."""
    operations = sorted(isa.OPERATIONS.values(), key=lambda row: row.opcode)
    plain = [row for row in operations if row.family != "control"]
    lines = banner("miden/isa.py", "MIDEN_OPCODES_H")
    lines += enum("Opcode", "OP_", [(row.name, row.opcode) for row in operations])
    lines += enum("NodeKind", "NODE_", [(kind.name, int(kind)) for kind in isa.NodeKind])
    lines += enum("NodeDomain", "DOMAIN_", [(kind.name, domain) for kind, domain in isa.NODE_DOMAINS.items()])
    lines += [
        f"#define BATCH_GROUPS {isa.BATCH_GROUPS}",
        f"#define GROUP_OPS {isa.GROUP_OPS}",
        f"#define MIN_STACK_DEPTH {isa.MIN_STACK_DEPTH}",
        f"#define FMP_ADDR {isa.FMP_ADDR}ULL",
        f"#define FMP_INIT {isa.FMP_INIT}ULL",
        f"#define MAX_KERNEL_PROCEDURES {isa.MAX_KERNEL_PROCEDURES}",
        "",
        "/* What an opcode is: the table below has one byte of these for each of the 256 bytes. */",
        "#define OPCODE_IMMEDIATE 1  /* takes one entry of the immediates */",
        "#define OPCODE_PLAIN 2      /* may stand in a basic block */",
        "",
    ]
    traits = [0] * 256
    for row in plain:
        traits[row.opcode] = 2 + (1 if row.immediate else 0)
    lines.append("static const unsigned char OPCODE_TRAITS[256] = {")
    lines += ["    " + " ".join(f"{value}," for value in traits[start : start + 32]) for start in range(0, 256, 32)]
    lines += ["};", "", "/* X(opcode name, function suffix, change of the stack depth), for operations but those of the families below. */"]
    families = {name: [row for row in plain if re.fullmatch(name + "[0-9]+", row.name)] for name in FAMILIES}
    places = {row.opcode: int(row.name.removeprefix(name)) for name, rows in families.items() for row in rows}
    lines += listing("FOR_EACH_OPERATION", [f"{row.name}, {row.name.lower()}, {row.delta}" for row in plain if row.opcode not in places])
    lines.append("/* X(opcode name, n), for the operations that differ by a place of the stack only: element n. */")
    for name, rows in families.items():
        lines += listing(f"FOR_EACH_{name}", [f"{row.name}, {places[row.opcode]}" for row in rows])
    lines += ["/* The n of an opcode. */", "static const unsigned char OPCODE_PLACE[128] = {"]
    table = [places.get(opcode, 0) for opcode in range(128)]
    lines += ["    " + " ".join(f"{value}," for value in table[start : start + 32]) for start in range(0, 128, 32)]
    lines += ["};", "", "#endif", ""]
    return "\n".join(lines)


def listing(name: str, entries: list[str]) -> list[str]:
    """Return a macro that applies its argument to every entry."""
    return [f"#define {name}(X) \\", *(f"    X({entry}) \\" for entry in entries), ""]


def status_header() -> str:
    """Return `status.h`."""
    lines = banner("miden/status.py", "MIDEN_STATUS_H")
    lines += enum("Status", "STATUS_", [(row.name, int(row)) for row in status.Status])
    lines += [f"#define FIRST_FAULT {status.FIRST_FAULT}", f"#define FIRST_LIMIT {status.FIRST_LIMIT}", "", "#endif", ""]
    return "\n".join(lines)


def status_pxd() -> str:
    """Return `status.pxd`: the same names for Cython."""
    lines = ["# GENERATED from miden/status.py by `make gen` - do not edit.", "", 'cdef extern from "status.h":']
    lines += ["    enum:", *(f"        STATUS_{row.name}" for row in status.Status), "        FIRST_FAULT", ""]
    return "\n".join(lines)


def table(name: str, rows: tuple[tuple[int, ...], ...]) -> list[str]:
    """Return a constant table of 64-bit values, four to a line."""
    lines = [f"static const uint64_t {name}[{len(rows)}][{len(rows[0])}] = {{"]
    for row in rows:
        if not all(0 <= value < P for value in row):
            raise ValueError(f"{name}: a constant is not below p")
        lines.append("    {")
        for start in range(0, len(row), 4):
            lines.append("        " + " ".join(f"{value:#018x}ULL," for value in row[start : start + 4]))
        lines.append("    },")
    return [*lines, "};", ""]


def rpo_header() -> str:
    """Return `rpo_constants.h`."""
    lines = banner("miden/rpo.py", "MIDEN_RPO_CONSTANTS_H")
    lines += ["#include <stdint.h>", ""]
    lines += [f"#define RPO_STATE {rpo.STATE_WIDTH}", f"#define RPO_ROUNDS {rpo.ROUNDS}", ""]
    lines.append("/* First row of the circulant matrix: entry (row, column) is RPO_MDS_ROW[(column - row) mod 12]. */")
    lines.append(f"static const uint64_t RPO_MDS_ROW[{rpo.STATE_WIDTH}] = {{{', '.join(map(str, rpo.MDS_ROW))}}};")
    lines.append("")
    lines += table("RPO_ARK1", rpo.ARK1) + table("RPO_ARK2", rpo.ARK2)
    lines += ["#endif", ""]
    return "\n".join(lines)


def generated() -> dict[Path, str]:
    """Return every generated file with the text it should have."""
    return {
        CORE / "opcodes.h": opcodes_header(),
        CORE / "status.h": status_header(),
        CORE / "status.pxd": status_pxd(),
        CORE / "rpo_constants.h": rpo_header(),
    }


def main(arguments: list[str] | None = None) -> int:
    """Write or check the files; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is out of date")
    options = parser.parse_args(arguments)
    stale = [path for path, text in generated().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        name = path.relative_to(ROOT)
        if options.check:
            print(f"{name} is out of date: run `make gen`", file=sys.stderr)
        else:
            path.write_text(generated()[path], encoding="utf-8")
            print(f"wrote {name}")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
