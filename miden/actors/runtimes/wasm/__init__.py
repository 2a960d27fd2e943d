"""Actors in WebAssembly, run by wasmtime (the extra `wasm`) with the metering of the Filecoin VM.

Guest code is rewritten twice before it is compiled: `limiter` bounds its stack, `metering` makes it pay for its instructions.
`opcodes` and `binary` are what both read and write, `modules` keeps what comes of them. `engine` is all that is known of wasmtime;
`abi` has the tables of what guests import, `guest` and `runtime` run one of them.
"""
