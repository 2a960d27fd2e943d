"""`miden block`: a group of verbs, each a module that is imported when it runs."""

from __future__ import annotations

from miden.cli.verb import Group

VERBS = {
    "put": "Put files into a store as blocks.",
    "get": "Write a block to a file.",
    "cat": "Print what is in a block, as dag-json.",
    "ls": "List the blocks of a store.",
    "links": "List what a block links to.",
    "stat": "Describe a block, and what it reaches.",
    "pin": "Keep blocks whenever garbage is collected.",
    "unpin": "Take pins of blocks back.",
    "rm": "Forget blocks.",
}
"""Verb -> short help; the module of a verb has its name."""

HELP = """Keep IPLD blocks in a store, and get them back verified.

A block is named by its CID, or by the root of code, whose nodes are blocks. Stores are those of `miden store`.
"""

command = Group("block", "miden.cli.block", VERBS, HELP)
