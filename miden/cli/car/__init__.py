"""`miden car`: a group of verbs, each a module that is imported when it runs."""

from __future__ import annotations

from miden.cli.verb import Group

VERBS = {
    "create": "Make a CAR file of files.",
    "export": "Write blocks of a store and all they link to to a CAR file.",
    "import": "Put the blocks of a CAR file into a store.",
    "ls": "List the blocks of a CAR file.",
    "verify": "Check every block, link and index of a CAR file.",
    "index": "Write a CAR file again as version 2, with an index.",
    "extract": "Write blocks of a CAR file to files.",
}
"""Verb -> short help; the module of a verb has its name, with an underscore where Python keeps the name for itself."""

HELP = """Carry IPLD blocks in CAR files, of version 1 and 2.

A block is named by its CID, or by the root of code, whose nodes are blocks. Stores are those of `miden store`.
"""

command = Group("car", "miden.cli.car", VERBS, HELP)
