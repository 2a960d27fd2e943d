"""How many batches a block has: what decides whether a procedure is inlined. (mast.md section 4, assembly.md 6.2.)

The readable definition of batching is `miden.mast.batches`, one operation at a time; here a group is a step, so that
long blocks are counted quickly. A test holds both against each other.
"""

from __future__ import annotations

from miden.isa import BATCH_GROUPS, GROUP_OPS, PUSH


def count_batches(opcodes: bytes) -> int:
    """Return the number of batches of a block with these raw operations.

    >>> count_batches(bytes(72)), count_batches(bytes(73)), count_batches(bytes([91]) * 8)
    (1, 2, 2)
    """
    batches = 1
    groups = 1  # groups of the batch that are in use: of operations, and values of PUSH
    in_group = 0
    index, end = 0, len(opcodes)
    while index < end:
        push = opcodes.find(PUSH, index)
        run = (end if push < 0 else push) - index
        index += run
        while run:
            if in_group == GROUP_OPS:
                in_group = 0
                if groups < BATCH_GROUPS:
                    groups += 1
                else:
                    batches, groups = batches + 1, 1
            step = min(run, GROUP_OPS - in_group)
            in_group += step
            run -= step
        if push < 0:
            break
        opens_group = in_group >= GROUP_OPS - 1  # a PUSH is never the last of a group
        if groups + 1 + opens_group > BATCH_GROUPS:
            batches, groups, in_group = batches + 1, 1, 0
        elif opens_group:
            groups, in_group = groups + 1, 0
        groups += 1
        in_group += 1
        index += 1
    return batches
