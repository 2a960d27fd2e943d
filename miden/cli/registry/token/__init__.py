"""`miden registry token`: who may publish."""

from __future__ import annotations

import click

from miden.cli.app import LazyGroup

VERBS = {
    "new": "Make a token, and print it once.",
    "list": "List tokens.",
    "revoke": "Take a token back.",
}
"""Verb -> short help."""


class TokenGroup(LazyGroup):
    """The verbs about tokens."""

    verbs = VERBS
    package = "miden.cli.registry.token"


@click.group("token", cls=TokenGroup)
def command() -> None:
    """Say who may publish and yank which packages in the registry of a server."""
