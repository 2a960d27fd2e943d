"""A directory of objects: loose files, packs, and an index from keys to objects, all named by one manifest.

`manifest` is the store; `segments` the index, `packs` many objects in one file, `snapshot` what a reader sees, `writer` what
changes it, `check` what finds and mends damage, `provider` the door. See docs/internals/store.md for why no crash hurts.
"""

from miden.store.providers.filesystem.provider import FilesystemProvider

__all__ = ["FilesystemProvider"]
