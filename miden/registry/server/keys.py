"""Where the keys of a registry are: those that serving needs beside it, the others in a folder that can be taken away."""

from __future__ import annotations

from pathlib import Path

from miden.errors import InputError
from miden.registry.trust.repository import ONLINE
from miden.registry.trust.signing import generate_key, load_key, save_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from securesystemslib.signer import Signer

ONLINE_FOLDER = Path("keys") / "online"
OFFLINE = Path("keys") / "offline"
ROLES = ("root", "targets", *ONLINE)
MAX_KEYS = 32


def make_keys(online: Path, offline: Path, root_keys: int) -> dict[str, list[Signer]]:
    """Make a key for every role, and as many as asked for the root."""
    if not 1 <= root_keys <= MAX_KEYS:
        raise InputError(f"a root has 1 to {MAX_KEYS} keys, found {root_keys}", kind="InvalidKey")
    signers: dict[str, list[Signer]] = {}
    for role in ROLES:
        folder = online if role in ONLINE else offline
        for number in range(root_keys if role == "root" else 1):
            signer = generate_key()
            save_key(signer, folder / f"{role}-{number + 1}.pem")
            signers.setdefault(role, []).append(signer)
    return signers


def load_signers(folder: Path, offline: str | os.PathLike[str] | None = None) -> dict[str, list[Signer]]:
    """Return the keys of a registry, role -> keys: those beside it and those in `offline`."""
    signers: dict[str, list[Signer]] = {}
    for place in (folder / ONLINE_FOLDER, *(() if offline is None else (Path(offline),))):
        for path in sorted(place.glob("*.pem")):
            role = path.stem.rpartition("-")[0]
            if role in ROLES:
                signers.setdefault(role, []).append(load_key(path))
    return signers


class RoleKeys:
    """The files of the keys of one role, while they are replaced.

    New files are made first, beside the old ones, and the old ones are put aside last: whatever happens in between, the keys
    that the metadata names are there.
    """

    def __init__(self, folder: Path, offline: str | os.PathLike[str] | None, role: str) -> None:
        if role not in ROLES:
            raise InputError(f"there is no role {role}", kind="InvalidRole", hint=f"roles are {', '.join(ROLES)}")
        self.role = role
        self.place = folder / ONLINE_FOLDER if role in ONLINE else Path(folder / OFFLINE if offline is None else offline)
        self.old = sorted(self.place.glob(f"{role}-*.pem"))

    def make(self, count: int) -> list[Signer]:
        """Make so many new keys; `InputError` of kind ``MissingKey`` if there is no old one to hand over to them."""
        if not self.old:
            hint = "say with --offline where the keys of root and targets are" if self.role not in ONLINE else None
            raise InputError(f"there is no key of the role {self.role} in {self.place}", kind="MissingKey", hint=hint)
        made: list[Signer] = []
        for _ in range(count):
            signer = generate_key()
            save_key(signer, self._path(signer))
            made.append(signer)
        return made

    def _path(self, signer: Signer) -> Path:
        return self.place / f"{self.role}-{signer.public_key.keyid[:8]}.pem"

    def discard(self, new: list[Signer]) -> None:
        """Remove new files that did not come to be used."""
        for signer in new:
            self._path(signer).unlink()

    def retire(self) -> None:
        """Put the old files aside."""
        for path in self.old:
            path.rename(path.with_suffix(".pem.old"))
