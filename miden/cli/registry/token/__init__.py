"""`miden registry token`: who may publish."""

from __future__ import annotations

from miden.cli.verb import Group

VERBS = {
    "new": "Make a token, and print it once.",
    "list": "List tokens.",
    "revoke": "Take a token back.",
}
"""Verb -> short help."""

command = Group("token", "miden.cli.registry.token", VERBS, "Say who may publish and yank which packages in the registry of a server.")
