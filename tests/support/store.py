"""A real server of a store on the loopback interface, for tests."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from miden.store.server import make_server
from miden.store.serving import listen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from miden.store.store import ObjectStore


@contextmanager
def serving(store: ObjectStore, **options: int) -> Iterator[str]:
    """Serve a store and yield the URL; the server has ended when the block has."""
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        server = make_server(store, port=port, **options)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="miden-test-server")
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"  # connections wait in the queue until the server takes them
        finally:
            server.should_exit = True
            thread.join(30)
