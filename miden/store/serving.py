"""What every HTTP server of ours needs: a socket to listen on, and bodies of requests whose senders may go away."""

from __future__ import annotations

import socket

from miden.errors import NetworkError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address, for `uvicorn.Server.run`; port 0 takes any.

    Raises `NetworkError` of kind ``CannotListen``.
    """
    # the protocol has to be named: asyncio sends small answers at once only if it is TCP for certain
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        hint = "another program may listen there; port 0 takes any that is free"
        raise NetworkError(f"cannot listen on {host}:{port}: {error.strerror or error}", kind="CannotListen", hint=hint) from error
    return listener


async def body_parts(request: Request) -> AsyncIterator[bytes]:
    """Yield the parts of a body as they come.

    A sender that goes away is an error of its own, with status 400: nobody reads the answer, and one of ours would fill the log.
    """
    from starlette.exceptions import HTTPException
    from starlette.requests import ClientDisconnect

    try:
        async for part in request.stream():
            yield part
    except ClientDisconnect as gone:
        raise HTTPException(400, "the request ends before its body does") from gone
