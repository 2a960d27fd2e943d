"""Case makers, one module for each module of the core library: ``math::u64`` is in `math__u64`.

Each has `PROCEDURES`: name of a procedure -> maker. A maker is called with a `random.Random` and the number of the case
and returns a `tests.support.corelib.Case`; the first numbers are for its edge cases.
"""
