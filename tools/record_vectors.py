"""Record what the guests of message vectors do, for tests that have neither their code nor the vectors.

usage: python tools/record_vectors.py --bundle BUNDLE.car --output DIRECTORY VECTOR.json...

A recording is the vector with those blocks of the state that were read, and with the log of `miden.actors.recording` under `log`,
as gzipped JSON. A vector that is not exact is not recorded, and every recording is played before it is written.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from miden.actors.recording import RecordingRuntime, ReplayRuntime  # noqa: E402  (the path has to be set first)
from miden.actors.runtimes.wasm.runtime import WasmRuntime  # noqa: E402
from miden.actors.vectors import Vector, load_bundle, replay  # noqa: E402
from miden.ipld.blocks import MemoryBlocks  # noqa: E402
from miden.ipld.car import write_car  # noqa: E402

if TYPE_CHECKING:
    from miden.ipld.cid import Cid


class StateAndCode(MemoryBlocks):
    """The blocks of a state, which remember that they were read, before those of a bundle."""

    def __init__(self, state: dict[Cid, bytes], code: MemoryBlocks) -> None:
        super().__init__(state)
        self._code = code
        self.read: dict[Cid, bytes] = {}

    def get(self, cid: Cid) -> bytes | None:
        data = super().get(cid)
        if data is None:
            return self._code.get(cid)
        self.read[cid] = data
        return data


def record(path: Path, code: MemoryBlocks, runtime: WasmRuntime) -> bytes:
    """Return the recording of a vector."""
    vector = Vector.load(path)
    blocks = StateAndCode(vector.blocks, code)
    recorder = RecordingRuntime(runtime)
    found = replay(replace(vector, blocks={}), blocks, [recorder])
    if not found.exact:
        raise SystemExit(f"{path.name} is not exact: {found.differences()}")
    car = io.BytesIO()
    write_car(car, [vector.root], sorted(blocks.read.items()))
    facts = json.loads(path.read_bytes())
    del facts["_meta"]
    facts["car"] = base64.b64encode(gzip.compress(car.getvalue(), mtime=0)).decode()
    facts["log"] = recorder.log
    text = json.dumps(facts, separators=(",", ":")).encode()
    player = ReplayRuntime(json.loads(text)["log"])
    played = replay(Vector.from_json(text), MemoryBlocks(), [player])
    if not played.exact or not player.finished:
        raise SystemExit(f"{path.name} plays otherwise: {played.differences()}")
    return gzip.compress(text, mtime=0)


def main() -> None:
    """Write a recording for each vector."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, required=True, help="code of the built-in actors, a CAR file")
    parser.add_argument("--output", type=Path, required=True, help="where recordings go")
    parser.add_argument("--cache", type=Path, help="where compiled code is kept")
    parser.add_argument("vectors", type=Path, nargs="+")
    options = parser.parse_args()
    code, runtime = load_bundle(options.bundle), WasmRuntime(options.cache)
    options.output.mkdir(parents=True, exist_ok=True)
    for path in options.vectors:
        data = record(path, code, runtime)
        target = options.output / f"{path.stem.removeprefix('ext-0002-fil_10_')}.json.gz"
        target.write_bytes(data)
        print(f"{target.name}: {len(data):,} bytes")


if __name__ == "__main__":
    main()
