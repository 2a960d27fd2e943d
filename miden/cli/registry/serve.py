"""`miden registry serve`: give access to a registry over HTTP."""

from __future__ import annotations

from miden.cli.parameters import FilePath, IntRange, Number, argument, flag, option
from miden.cli.verb import MisuseError, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "serve",
    argument("folder", FilePath()),
    option("--bind", default="127.0.0.1:8484", metavar="HOST:PORT", help="Where to listen; 127.0.0.1:8484 by default. Port 0 takes any."),
    option("--tls-cert", type=FilePath(), metavar="FILE", help="Certificates for HTTPS, in PEM."),
    option("--tls-key", type=FilePath(), metavar="FILE", help="The key of the first of them."),
    option("--max-package", default="16MiB", metavar="SIZE", help="Bytes of a package that is taken; 16MiB by default."),
    option("--rate", type=Number(), default=500, help="Requests a second of one address; 500 by default, 0 for no bound."),
    option("--connections", type=IntRange(1), default=1024, help="Connections at once; 1024 by default."),
    flag("--no-metrics", help="Do not answer at /metrics."),
)
def command(
    console: Console,
    folder: str,
    bind: str,
    tls_cert: str | None,
    tls_key: str | None,
    max_package: str,
    rate: float,
    connections: int,
    no_metrics: bool,
) -> int:
    """Serve the registry in FOLDER until interrupted, and print its URL.

    Packages and signed metadata under /v1/, pages for browsers, /healthz and /metrics. Without a certificate clients on other
    machines refuse to send their tokens; a proxy in front of it can do TLS as well.
    """
    from miden.cli.serving import read_bind, serve
    from miden.registry.extras import require
    from miden.registry.index import MAX_PACKAGE
    from miden.store.config import parse_size

    for module in ("starlette", "uvicorn", "tuf"):
        require(module)
    from miden.registry.server.app import Settings
    from miden.registry.server.catalog import Catalog
    from miden.registry.server.metrics import Metrics
    from miden.registry.server.serving import Limits, make_server

    host, port = read_bind(bind)
    if (tls_cert is None) != (tls_key is None):
        raise MisuseError("--tls-cert and --tls-key go together")
    settings = Settings(max_package=min(parse_size(max_package) or MAX_PACKAGE, MAX_PACKAGE), rate=rate, burst=max(10 * rate, 1))
    catalog = Catalog(folder)
    try:
        server = make_server(
            catalog,
            host=host,
            port=port,
            settings=settings,
            limits=Limits(connections=connections),
            metrics=None if no_metrics else Metrics(),
            certificate=tls_cert,
            key=tls_key,
        )
        serve(console, server, scheme="http" if tls_cert is None else "https", path="/")
    finally:
        catalog.close()
    return 0
