"""Libraries that only some need: imported when they are, with an error that says what to install."""

from __future__ import annotations

from importlib import import_module

from miden.errors import BackendError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

EXTRAS = {
    "httpcore": "registry",
    "tuf": "secure",
    "securesystemslib": "secure",
    "cryptography": "secure",
    "starlette": "server",
    "uvicorn": "server",
    "prometheus_client": "server",
    "oras": "oci",
}
"""Library -> the optional extra of this package that brings it."""


def require(module: str) -> ModuleType:
    """Import a module of an optional library and return it.

    Raises `BackendError` of kind ``MissingExtra`` if it is not installed.

    >>> require("json").loads("1")
    1
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        library = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != library or library not in EXTRAS:
            raise
        raise BackendError(
            f"this needs the library {library}, which is not installed",
            kind="MissingExtra",
            hint=f"pip install 'miden[{EXTRAS[library]}]'",
        ) from None
