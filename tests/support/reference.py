"""The harness around the reference (`../shared/reference`, built elsewhere): one JSON request a line, one answer a line."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

PATH = os.environ.get("MIDEN_REFERENCE", "")
"""The harness that tests use, or nothing."""
SKIP_REASON = "MIDEN_REFERENCE does not name the reference harness"


class Reference:
    """A running harness, to be used in a ``with`` block."""

    def __init__(self, path: str = PATH) -> None:
        self._process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    @property
    def pid(self) -> int:
        """Id of the process."""
        return self._process.pid

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """Send a request and return the answer, which has ``error`` if the reference refuses."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the harness has no pipes")
        stdin.write(json.dumps({"op": op, **fields}) + "\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline())
        return answer
