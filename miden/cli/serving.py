"""Running a server until it is interrupted, and saying where it is."""

from __future__ import annotations

import sys

from miden.cli.verb import MisuseError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uvicorn import Server

    from miden.cli.console import Console


def read_bind(text: str) -> tuple[str, int]:
    """Return the host and the port that HOST:PORT means; raises `MisuseError` for anything else."""
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or len(port) > 5 or int(port) > 65535:
        raise MisuseError(f"expected HOST:PORT, found {text[:80]!r}", option="--bind")
    return host.strip("[]"), int(port)


def serve(console: Console, server: Server, *, scheme: str = "http", path: str = "") -> None:
    """Run a server where it is configured to listen, and print its URL as soon as it can be reached.

    Raises what `miden.store.serving.listen` raises.
    """
    from miden.store.serving import listen

    host = server.config.host
    with listen(host, server.config.port) as listener:
        url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}{path}"
        if console.json:
            console.document({"url": url})
        else:
            console.print(url)
        sys.stdout.flush()
        server.run(sockets=[listener])
