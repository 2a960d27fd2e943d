"""Actors in WebAssembly, run by wasmtime (the extra `wasm`) with the metering of the Filecoin VM.

Guest code is rewritten twice before it is compiled: `limiter` bounds its stack, `metering` makes it pay for its instructions.
`opcodes` and `binary` are what both read and write.
"""
