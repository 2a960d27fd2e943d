"""`miden store serve`: give read access over HTTP."""

from __future__ import annotations

import click

from miden.cli.store.places import store_options
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb("serve")
@click.option("--bind", metavar="HOST:PORT", default="127.0.0.1:8080", help="Where to listen; 127.0.0.1:8080 by default. Port 0 takes any.")
@click.option("--memory", metavar="SIZE", default="64MiB", help="Bytes of objects kept in memory; 64MiB by default.")
@click.option("--max-requests", type=click.IntRange(1), default=256, help="Requests in work at once; 256 by default.")
@store_options
def command(console: Console, bind: str, memory: str, max_requests: int, place: str | None, config: str | None) -> int:
    """Serve the objects of the store, verified, until interrupted: immutable caching headers, ranges, /healthz and /metrics.

    Prints the URL, which another store may have as a remote of kind http. Put a proxy in front of it for TLS.
    """
    from miden.cli.store.places import find_store
    from miden.store.config import parse_size
    from miden.store.server import listen, make_server

    host, _, port = bind.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise click.BadParameter(f"expected HOST:PORT, found {bind[:80]!r}", param_hint="--bind")
    host = host.strip("[]")
    with find_store(place, config, writable=True) as store:
        with listen(host, int(port)) as listener:
            server = make_server(store, host, int(port), cache_bytes=parse_size(memory), max_requests=max_requests)
            url = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
            if console.json:
                console.document({"url": url})
            else:
                console.print(url)
            import sys

            sys.stdout.flush()
            server.run(sockets=[listener])
    return 0
