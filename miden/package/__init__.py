"""Packages, our own container around artifacts, project files, and building them.

`package` is the model of a ``.masp`` file and `masp` its bytes; `container` is our own envelope (see
docs/internals/container.md); `artifacts` tells files apart; `project` reads ``miden-project.toml``, `build` makes
artifacts of it, `cache` remembers them.
"""
