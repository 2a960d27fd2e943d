"""Tokens: who may publish and yank which packages. The database holds their hashes; a token is shown once."""

from __future__ import annotations

import json
import secrets
import time
from hashlib import sha256

from miden.errors import InputError
from miden.registry.names import PackageName, name_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from typing import Any

PREFIX = "miden_"
ACTIONS = ("publish", "yank")
MAX_SCOPES = 100


class RefusedError(InputError):
    """A request that may not be: no token, or none for this. `status` is that of the HTTP answer."""

    def __init__(self, message: str, *, status: int, kind: str, hint: str | None = None) -> None:
        super().__init__(message, kind=kind, hint=hint)
        self.status = status


class Token:
    """A token that was found: its id, and what it allows.

    >>> token = Token("1", "laptop", ["publish:acme/*"])
    >>> token.allows("publish", "acme/math"), token.allows("publish", "math"), token.allows("yank", "acme/math")
    (True, False, False)
    """

    __slots__ = ("id", "note", "scopes")

    def __init__(self, id: str, note: str, scopes: Iterable[str]) -> None:
        self.id = id
        self.note = note
        self.scopes = tuple(scopes)

    def allows(self, action: str, name: str) -> bool:
        """Tell whether it allows an action on a package."""
        key = name_key(name)
        for scope in self.scopes:
            allowed, _, pattern = scope.partition(":")
            pattern = name_key(pattern)
            if allowed == action and (pattern in ("*", key) or (pattern.endswith("/*") and key.startswith(pattern[:-1]))):
                return True
        return False


def check_scope(scope: str) -> str:
    """Return a scope, such as ``publish:acme/*``, ``yank:*`` or ``publish:math``; `InputError` of kind ``InvalidScope``."""
    action, colon, pattern = scope.partition(":")
    if not colon or action not in ACTIONS:
        hint = "write publish:NAME, publish:NAMESPACE/* or publish:*, or the same with yank"
        raise InputError(f"{scope[:80]!a} is no scope", kind="InvalidScope", hint=hint)
    if pattern != "*":
        check_pattern(pattern)
    return scope


def check_pattern(pattern: str) -> str:
    """Return what stands for packages: one name, or ``NAMESPACE/*``; `InputError` of kind ``InvalidScope`` or ``InvalidName``."""
    name = PackageName(pattern.removesuffix("/*"))
    if pattern.endswith("/*") and name.namespace is not None:
        raise InputError(f"{pattern[:80]!a} is no namespace and no name", kind="InvalidScope", hint="write NAMESPACE/* or a name")
    return pattern


def make_token(connection: sqlite3.Connection, scopes: Iterable[str], *, note: str = "", seconds: int | None = None) -> tuple[str, str]:
    """Make a token that may do what `scopes` say for so many seconds; return its id and the token itself."""
    listed = [check_scope(scope) for scope in scopes]
    if not 1 <= len(listed) <= MAX_SCOPES:
        raise InputError(f"a token has 1 to {MAX_SCOPES} scopes", kind="InvalidScope")
    token = PREFIX + secrets.token_urlsafe(32)
    number = secrets.token_hex(4)
    made = int(time.time())
    connection.execute(
        "INSERT INTO tokens (id, note, digest, scopes, made, expires) VALUES (?, ?, ?, ?, ?, ?)",
        (number, note[:200], _digest(token), json.dumps(listed), made, None if seconds is None else made + seconds),
    )
    return number, token


def revoke_token(connection: sqlite3.Connection, id: str) -> bool:
    """Take a token back; return whether there was one."""
    return connection.execute("UPDATE tokens SET revoked = ? WHERE id = ? AND revoked IS NULL", (int(time.time()), id)).rowcount == 1


def list_tokens(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return ids, notes, scopes and states of all tokens, the newest first."""
    rows = connection.execute("SELECT id, note, scopes, made, expires, revoked FROM tokens ORDER BY made DESC, id").fetchall()
    return [
        {
            "id": number,
            "note": note,
            "scopes": json.loads(scopes),
            "made": made,
            "expires": expires,
            "state": "revoked" if revoked is not None else "expired" if expires is not None and time.time() >= expires else "valid",
        }
        for number, note, scopes, made, expires, revoked in rows
    ]


def find_token(connection: sqlite3.Connection, header: str | None) -> Token:
    """Return the token of an ``Authorization`` header; `RefusedError` with status 401 for none that is good."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.startswith(PREFIX) or len(token) > 100:
        raise RefusedError("a token is needed", status=401, kind="TokenNeeded", hint="miden registry token new makes one")
    row = connection.execute("SELECT id, note, scopes, expires, revoked FROM tokens WHERE digest = ?", (_digest(token.strip()),)).fetchone()
    if row is None:
        raise RefusedError("nobody knows this token", status=401, kind="TokenUnknown")
    number, note, scopes, expires, revoked = row
    if revoked is not None:
        raise RefusedError(f"token {number} was taken back", status=401, kind="TokenRevoked")
    if expires is not None and time.time() >= expires:
        raise RefusedError(f"token {number} has expired", status=401, kind="TokenExpired")
    return Token(number, note, json.loads(scopes))


def check_allowed(token: Token, action: str, name: str) -> None:
    """Refuse with status 403 what a token does not allow."""
    if not token.allows(action, name):
        raise RefusedError(f"token {token.id} does not allow to {action} {name}", status=403, kind="NotAllowed")


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
