"""`miden store serve`: give read access over HTTP."""

from __future__ import annotations

from miden.cli.parameters import IntRange, option
from miden.cli.store.places import STORE_OPTIONS
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "serve",
    option("--bind", default="127.0.0.1:8080", metavar="HOST:PORT", help="Where to listen; 127.0.0.1:8080 by default. Port 0 takes any."),
    option("--memory", default="64MiB", metavar="SIZE", help="Bytes of objects kept in memory; 64MiB by default."),
    option("--max-requests", type=IntRange(1), default=256, help="Requests in work at once; 256 by default."),
    *STORE_OPTIONS,
)
def command(console: Console, bind: str, memory: str, max_requests: int, place: str | None, config: str | None) -> int:
    """Serve the objects of the store, verified, until interrupted: immutable caching headers, ranges, /healthz and /metrics.

    Prints the URL, which another store may have as a remote of kind http. Put a proxy in front of it for TLS.
    """
    from miden.cli.serving import read_bind, serve
    from miden.cli.store.places import find_store
    from miden.store.config import parse_size
    from miden.store.server import make_server

    host, port = read_bind(bind)
    with find_store(place, config, writable=True) as store:
        serve(console, make_server(store, host, port, cache_bytes=parse_size(memory), max_requests=max_requests))
    return 0
