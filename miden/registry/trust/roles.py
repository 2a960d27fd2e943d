"""What the roles of a registry are, for people to read."""

from __future__ import annotations

from typing import NamedTuple

from miden.registry.extras import require

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from securesystemslib.signer import Signer

    from miden.registry.trust.repository import MetadataStore


class RoleFacts(NamedTuple):
    """A role: its keys, how many have to sign, how many of them are here, until when it holds, and the paths it speaks for."""

    role: str
    threshold: int
    keys: tuple[str, ...]
    here: int
    expires: str
    paths: str


def describe_roles(store: MetadataStore, signers: Mapping[str, Sequence[Signer]]) -> list[RoleFacts]:
    """Return the top-level roles and those that targets delegates to."""
    api = require("tuf.api.metadata")
    root = api.Metadata.from_bytes(store.load("root")).signed
    targets = api.Metadata.from_bytes(store.load("targets")).signed
    named = [(name, role, "") for name, role in root.roles.items()]
    named += [(name, role, " ".join(role.paths)) for name, role in targets.delegations.roles.items()]
    found = []
    for name, role, paths in named:
        data = store.load(name)
        expires = "not signed yet" if data is None else api.Metadata.from_bytes(data).signed.expires.strftime("%Y-%m-%d %H:%M")
        here = sum(signer.public_key.keyid in role.keyids for signer in signers.get(name, ()))
        found.append(RoleFacts(name, role.threshold, tuple(role.keyids), here, expires, paths))
    return found
