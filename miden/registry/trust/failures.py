"""What the libraries of The Update Framework raise, as errors of ours."""

from __future__ import annotations

from contextlib import contextmanager

from miden.errors import IntegrityError, NetworkError
from miden.registry.extras import require

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = (
    ("ExpiredMetadataError", "Expired", "the clock of this machine is wrong, or somebody keeps newer metadata from you"),
    ("BadVersionNumberError", "Rollback", "somebody shows you an older state of the registry than you have seen"),
    ("UnsignedMetadataError", "UnsignedMetadata", "it is not signed by enough of the keys that may sign it"),
    ("LengthOrHashMismatchError", "HashMismatch", "it was changed on its way, or parts of two states are mixed"),
    ("RepositoryError", "InvalidMetadata", "it is damaged, or was made by somebody else"),
)
"""Exception of the library -> kind of ours and a hint, special cases first."""


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn errors of the library, raised inside, into ours: `IntegrityError`, or `NetworkError` for downloads."""
    exceptions = require("tuf.api.exceptions")
    serialization = require("tuf.api.serialization")
    try:
        yield
    except exceptions.DownloadLengthMismatchError as error:
        raise IntegrityError(f"{what} sends more than it may: {error}", kind="TooLong") from error
    except exceptions.DownloadHTTPError as error:
        raise NetworkError(f"{what} answers {error.status_code}", status=error.status_code, url=what, kind="HttpError") from error
    except exceptions.DownloadError as error:
        raise NetworkError(f"{what} cannot be read: {error}", url=what) from error
    except serialization.DeserializationError as error:
        raise IntegrityError(f"the metadata of {what} does not decode", kind="InvalidMetadata") from error
    except exceptions.RepositoryError as error:
        for name, kind, hint in KINDS:
            if isinstance(error, getattr(exceptions, name)):
                raise IntegrityError(f"the metadata of {what} is refused: {error}", kind=kind, hint=hint) from error
        raise
