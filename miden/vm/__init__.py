"""Running programs: what surrounds the machine.

A reading order: `machine` (the protocol both machines implement), `processor` (the driver that serves their requests),
`host` and `state` (what the outside sees and gives), `advice` and `merkle` (what a program knows without computing
it), `events` (what the machine knows to do itself), `faults` (from a stopped machine to an exception), `decorators`,
`options`, `inputs` and `inputs_file`, `outputs`, `backends`.
"""
