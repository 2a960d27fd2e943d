"""The compiled core: field, hash, forests as code, and the machine. Optional; `miden.pure` does without it.

Nothing here imports `miden`. Words cross the boundary as 32 bytes (mast.md section 1.2), felts as integers below p.
Headers hold the engine (docs/adr/0002-engine-in-c-headers.md); start with `machine.h`.
"""
