"""`miden store`: a group of verbs, each a module that is imported when it runs."""

from __future__ import annotations

import click

from miden.cli.app import LazyGroup

VERBS = {
    "init": "Make an empty store.",
    "put": "Put programs, libraries, kernels and packages into it.",
    "get": "Write the code of a root to a file.",
    "ls": "List roots.",
    "cat": "Print the code of a root.",
    "stat": "Count what is there, or describe one object.",
    "rm": "Forget roots.",
    "pin": "Keep roots whenever garbage is collected.",
    "unpin": "Take pins back.",
    "gc": "Delete what nothing needs any more.",
    "fsck": "Check every object, index, seal and pin.",
    "repack": "Keep the objects in fewer, smaller files.",
    "export": "Write roots and all they need to one file.",
    "import": "Put what is in such a file into the store.",
    "serve": "Give read access over HTTP.",
}
"""Verb -> short help; the module of a verb has its name, with an underscore where Python keeps the name for itself."""


class StoreGroup(LazyGroup):
    """The verbs of a store."""

    verbs = VERBS
    package = "miden.cli.store"


@click.group("store", cls=StoreGroup)
def command() -> None:
    """Keep code under its root, and get it back verified.

    The store is the one named by --store, by MIDEN_STORE, by the user's config file, or the user's own. A place is a directory,
    or KIND:PLACE for another provider: sqlite:FILE, lmdb:DIRECTORY, a URL of HTTP or of fsspec.
    """
