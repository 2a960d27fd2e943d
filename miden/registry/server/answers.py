"""Answers of the server: errors as JSON with a status, bytes with ranges, conditions and caching."""

from __future__ import annotations

import errno
import re
from hashlib import sha256

from starlette.responses import JSONResponse, Response, StreamingResponse

from miden.errors import FormatError, InputError, IntegrityError, MidenError, NotFoundError
from miden.registry.server.tokens import RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any

    from starlette.requests import Request

CHUNK = 64 * 1024
IMMUTABLE = "public, max-age=31536000, immutable"
NO_CACHE = "no-cache"
CONFLICTS = frozenset({"VersionExists", "VersionConflict", "NameClash", "NameTooSimilar", "Claimed"})
DAMAGES = frozenset({"Damaged", "DamagedDatabase", "MissingKey"})
OUTSIDE = (0, 0)
_RANGE = re.compile(r"bytes=(\d{1,15})?-(\d{1,15})?", re.ASCII)


class Rejected(Exception):  # noqa: N818  not an error of ours: it ends a request early
    """An answer that is no success, raised from anywhere in a request."""

    def __init__(self, status: int, kind: str, message: str, *, hint: str | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.response = refusal(status, kind, message, hint=hint, headers=headers)


def refusal(status: int, kind: str, message: str, *, hint: str | None = None, headers: dict[str, str] | None = None) -> Response:
    """Return an error as JSON."""
    facts = {"kind": kind, "message": message, **({} if hint is None else {"hint": hint})}
    return JSONResponse({"error": facts}, status, headers)


def error_answer(error: Exception) -> Response | None:
    """Return the answer for an error, or None for one that nobody expected."""
    if isinstance(error, Rejected):
        return error.response
    if isinstance(error, MidenError):
        headers: dict[str, str] = {}
        status = 400
        if isinstance(error, RefusedError):
            status = error.status
            if status == 401:
                headers["www-authenticate"] = "Bearer"
        elif error.kind in DAMAGES:
            status, headers = 503, {"retry-after": "60"}
        elif error.kind in CONFLICTS:
            status = 409
        elif isinstance(error, NotFoundError):
            status = 404
        elif isinstance(error, (InputError, FormatError, IntegrityError)):
            status = 422
        return refusal(status, error.kind, error.message, hint=error.hint, headers=headers)
    if isinstance(error, OSError):
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return refusal(507 if full else 503, "DiskFull" if full else "InputOutput", "the disk of the registry does not do its part")
    return None


def bytes_answer(request: Request, data: bytes, media_type: str, *, cache: str = IMMUTABLE, tag: str | None = None) -> Response:
    """Return bytes: all of them, a range, or only that they did not change. (RFC 9110 sections 13 and 14.)"""
    etag = f'"{sha256(data).hexdigest() if tag is None else tag}"'
    headers = {"etag": etag, "cache-control": cache, "accept-ranges": "bytes"}
    wanted = request.headers.get("if-none-match")
    if wanted is not None and (wanted.strip() == "*" or etag in [part.strip().removeprefix("W/") for part in wanted.split(",")]):
        return Response(status_code=304, headers=headers)
    status, view = 200, memoryview(data)
    span = request.headers.get("range")
    if span is not None and request.headers.get("if-range", etag) == etag:
        found = _span(span, len(data))
        if found == OUTSIDE:
            return refusal(416, "BadRange", "there are no such bytes", headers={**headers, "content-range": f"bytes */{len(data)}"})
        if found:
            start, end = found
            status, view = 206, view[start:end]
            headers["content-range"] = f"bytes {start}-{end - 1}/{len(data)}"
    headers["content-length"] = str(len(view))
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=media_type)
    if len(view) <= CHUNK:
        return Response(bytes(view), status, headers, media_type)
    return StreamingResponse(_chunks(view), status, headers, media_type)


def _span(text: str, size: int) -> tuple[int, int] | None:
    """Return start and end of one range, `OUTSIDE` for none of these bytes, None to send everything."""
    match = _RANGE.fullmatch(text.strip())
    if match is None or (match[1] is None and match[2] is None):
        return None  # several ranges, other units, nonsense: all of it is a right answer
    if match[1] is None:
        start, end = max(0, size - int(match[2])), size
    else:
        start, end = int(match[1]), size if match[2] is None else min(size, int(match[2]) + 1)
        if match[2] is not None and int(match[2]) < start:
            return None
    return (start, end) if start < end else OUTSIDE


async def _chunks(view: memoryview) -> AsyncIterator[bytes]:
    for start in range(0, len(view), CHUNK):
        yield bytes(view[start : start + CHUNK])


def json_answer(request: Request, value: Any, *, cache: str = NO_CACHE) -> Response:
    """Return a value as JSON."""
    from miden.serde.json_text import canonical_json

    return bytes_answer(request, canonical_json(value), "application/json", cache=cache)
