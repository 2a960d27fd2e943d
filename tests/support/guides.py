"""Run the commands of a guide as a reader would, one after the other in one shell, and compare what they print.

A guide has fenced blocks: ``console`` with commands after ``$`` and what they print, where ``...`` stands for anything, and others
that are written to a file if ``<!-- file: NAME -->`` stands before them. A command that ends with ``&`` goes on in the background;
the next one waits until the port in it answers.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

BLOCK = re.compile(r"(?:<!-- file: (?P<file>[^ ]+) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)
PORT = re.compile(r"127\.0\.0\.1:(\d+)")
MARK = "@@@@@ end of command"


class Step(NamedTuple):
    """A command and what it has to print, or a file (`command` is its name) and its content."""

    kind: str
    command: str
    text: str


def steps_of(text: str) -> list[Step]:
    """Return what a guide tells to do, in order."""
    found: list[Step] = []
    for match in BLOCK.finditer(text):
        if match["file"]:
            found.append(Step("file", match["file"], match["text"]))
        elif match["kind"] == "console":
            for part in re.split(r"^\$ ", match["text"], flags=re.MULTILINE)[1:]:
                command, _, printed = part.partition("\n")
                found.append(Step("command", command, printed))
    return found


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def run_guide(path: Path, folder: Path) -> list[tuple[Step, str]]:
    """Run a guide in an empty folder and return each command with what it printed."""
    text = path.read_text(encoding="utf-8")
    for port in sorted(set(PORT.findall(text))):
        text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{free_port()}")
    steps = steps_of(text)
    lines = ["trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT", f"export PATH={Path(sys.executable).parent}:$PATH", "start=$PWD"]
    for step in steps:
        if step.kind == "file":
            lines.append(f"cat > $start/{step.command} <<'@@@'\n{step.text}@@@")
            continue
        lines.append(step.command if step.command.endswith("&") else f"{{ {step.command}; }} 2>&1")
        if step.command.endswith("&"):
            [port] = PORT.findall(step.command)
            lines.append(f"{sys.executable} -m tests.support.guides {port}")
        lines.append(f"echo '{MARK}'")
    root = str(Path(__file__).parents[2])
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": root, "COLUMNS": "120", "LC_ALL": "C.UTF-8"}
    script = ["bash", "-c", "\n".join(lines)]
    done = subprocess.run(script, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False)
    printed = done.stdout.split(f"{MARK}\n")
    commands = [step for step in steps if step.kind == "command"]
    assert len(printed) == len(commands) + 1, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return list(zip(commands, printed, strict=False))


def matches(expected: str, printed: str) -> bool:
    """Tell whether something is what a guide says is printed."""
    pattern = ".*".join(re.escape(part) for part in expected.rstrip().split("..."))
    return re.fullmatch(pattern, printed.rstrip(), re.DOTALL) is not None


def wait_for(port: int) -> None:
    """Return when a port of this machine answers."""
    import time

    for _ in range(600):
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nothing answers at port {port}")


if __name__ == "__main__":
    wait_for(int(sys.argv[1]))
