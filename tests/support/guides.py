"""Run the commands of a guide as a reader would, one after the other in one shell, with the files that it shows.

A guide has fenced blocks: ``console`` with commands after ``$`` and what they print, and ``masm NAME`` with the content of a file.
``...`` stands for anything that is printed; in a command, ``0x12ab...`` is a root that was printed before, ``bafyab...`` a CID.
A command that fails prints ``[exit CODE]`` last. One that ends with ``&`` goes on in the background, and its port
answers before the next one runs. The folder ``examples`` is that of the project.
"""

from __future__ import annotations

import doctest
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = re.compile(r"^```(?P<kind>\w+)(?: (?P<file>\S+))?\n(?P<text>.*?)^```", re.DOTALL | re.MULTILINE)
PORT = re.compile(r"127\.0\.0\.1:(\d+)")
ROOT = re.compile(r"0x[0-9a-f]{64}|\bb[a-z2-7]{40,}")
SHORTENED = re.compile(r"(0x[0-9a-f]+|\bb[a-z2-7]{5,})\.\.\.")
MARK = "@@@@@ end of command"
EXAMPLES = Path(__file__).parents[2] / "examples"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Outcome(NamedTuple):
    """A command, what a guide says that it prints, and what it printed."""

    command: str
    expected: str
    printed: str

    @property
    def agrees(self) -> bool:
        """Whether the guide is right."""
        return doctest.OutputChecker().check_output(self.expected, self.printed, FLAGS)


class Shell:
    """A shell that commands are sent to, one after the other."""

    def __init__(self, folder: Path) -> None:
        environment = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(folder),
            "COLUMNS": "120",
            "LC_ALL": "C.UTF-8",
        }
        self._errors = folder.with_name(f"{folder.name}-errors")
        self._process = subprocess.Popen(
            ["bash"], cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.run("trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT")

    def run(self, command: str) -> str:
        """Return what a command prints, results before errors, and its exit code if it is not 0."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(f"{{ {command}\n}} 2> {self._errors}\ncode=$?; cat {self._errors}; echo '{MARK}' $code\n")
        process.stdin.flush()
        lines: list[str] = []
        for line in process.stdout:
            before, found, code = line.partition(MARK)
            lines.append(before)
            if found:
                return "".join(lines) + (f"[exit {code.strip()}]\n" if code.strip() != "0" else "")
        raise AssertionError(f"the shell ended in {command!r}:\n{''.join(lines)}")

    def close(self) -> None:
        """End the shell, and what it has in the background."""
        self._process.communicate(timeout=60)


def run_guide(path: Path, folder: Path) -> Iterator[Outcome]:
    """Run a guide in an empty folder."""
    text = path.read_text(encoding="utf-8")
    for port in sorted(set(PORT.findall(text))):
        text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{free_port()}")
    roots: list[str] = []
    (folder / "examples").symlink_to(EXAMPLES)
    shell = Shell(folder)
    try:
        for block in BLOCK.finditer(text):
            if block["file"]:
                target = folder / block["file"]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(block["text"], encoding="utf-8")
            elif block["kind"] == "console":
                for step in re.split(r"^\$ ", block["text"], flags=re.MULTILINE)[1:]:
                    command, _, expected = step.partition("\n")
                    printed = shell.run(_whole(command, roots))
                    roots += ROOT.findall(printed)
                    if command.endswith("&"):
                        wait_for(int(PORT.findall(command)[0]))
                    yield Outcome(command, expected, printed)
    finally:
        shell.close()


def _whole(command: str, roots: list[str]) -> str:
    """Return a command with whole roots, those that were printed."""
    return SHORTENED.sub(lambda match: next(root for root in roots if root.startswith(match[1])), command)


def free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for(port: int, seconds: float = 30) -> None:
    """Return when a port of this machine answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing answers at port {port}")
