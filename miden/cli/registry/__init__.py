"""`miden registry`: a group of verbs for those who run a registry, each a module that is imported when it runs."""

from __future__ import annotations

from miden.cli.verb import Group

VERBS = {
    "init": "Make an empty registry.",
    "serve": "Give access over HTTP.",
    "trust": "Pin the root metadata of a registry.",
    "token": "Make and revoke tokens for publishing.",
    "keys": "Make, show, give and change keys.",
    "yank": "Take a version back, or put it back.",
    "advise": "Sign a list of advisories.",
    "verify": "Check every package, signature and proof.",
}
"""Verb -> short help; the module of a verb has its name."""

command = Group(
    "registry",
    "miden.cli.registry",
    VERBS,
    "Run a registry of packages: a folder, a folder with an index, or a server that signs what it has.",
)
