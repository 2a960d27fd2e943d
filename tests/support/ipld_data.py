"""Fixtures of others for IPLD; they are not part of this project (`../shared/data`)."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from miden.ipld.car import CarReader
from miden.ipld.cid import Cid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from miden.ipld.car import Section

DATA = Path(__file__).parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the fixtures of others are not beside this checkout (../shared/data)")


def files(folder: str, pattern: str) -> list[Path]:
    """Return files of a folder of fixtures, none if it is not there."""
    return sorted((DATA / folder).glob(pattern))


def state_files() -> Iterator[tuple[Cid, CarReader]]:
    """Yield the recorded states of mainnet messages: the root before the message, and a reader of its blocks.

    MIDEN_FVM_VECTORS names another folder with such recordings.
    """
    folder = Path(os.environ.get("MIDEN_FVM_VECTORS", DATA / "fvm-vectors"))
    for path in sorted(folder.rglob("*.json")):
        vector = json.loads(path.read_text(encoding="utf-8"))
        root = Cid.parse(vector["preconditions"]["state_tree"]["root_cid"]["/"])
        yield root, CarReader(io.BytesIO(gzip.decompress(base64.b64decode(vector["car"]))))


def state_blocks() -> Iterator[Section]:
    """Yield the blocks of all recorded states."""
    for _, reader in state_files():
        yield from reader
