"""`miden registry keys new`: make a key for a publisher."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "new",
    argument("file", FilePath()),
)
def command(console: Console, file: str) -> int:
    """Make an Ed25519 key in FILE, which only its owner may read, and its public half in FILE.pub for the registry's operator."""
    from pathlib import Path

    from miden.package.files import write_whole
    from miden.registry.trust.signing import generate_key, public_pem, save_key

    signer = generate_key()
    save_key(signer, file)
    write_whole(Path(f"{file}.pub"), public_pem(signer.public_key))
    facts = {"key": file, "public": f"{file}.pub", "id": signer.public_key.keyid}
    if console.json:
        console.document(facts)
        return 0
    console.facts(list(facts.items()))
    return 0
