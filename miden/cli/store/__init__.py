"""`miden store`: a group of verbs, each a module that is imported when it runs."""

from __future__ import annotations

from miden.cli.verb import Group

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

HELP = """Keep code under its root, and get it back verified.

The store is the one named by --store, by MIDEN_STORE, by the user's config file, or the user's own. A place is a directory,
or KIND:PLACE for another provider: sqlite:FILE, lmdb:DIRECTORY, a URL of HTTP or of fsspec.
"""

command = Group("store", "miden.cli.store", VERBS, HELP)
