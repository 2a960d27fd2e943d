"""Sources and what the reference makes of them: operations, tree, root, numbers of nodes. (assembly.md section 9.)

A tree is written as the specification writes it: B[operations], J(first, second), S(then, else), L(body), CALL(callee),
SYSCALL(callee), DYN, DYNCALL, EXT(start of the digest); ``X*4`` is an operation four times.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import pytest

import miden
from miden.isa import IMMEDIATE_OPS, OPERATIONS, NodeKind

if TYPE_CHECKING:
    from miden.mast.library import Library
    from miden.mast.program import Program

LIBRARY = {"lib::a": "pub proc foo push.7 end pub proc p3 push.2 push.3 add end pub proc dc push.1 dyncall end"}
KERNEL = "pub proc sysfoo push.1 add end"


class Example(NamedTuple):
    """One source: a program, or the library module `m` if it defines a public `f`."""

    number: int
    source: str
    tree: str
    root: str
    nodes: int
    roots: list[int]
    link: str = ""


EXAMPLES = [
    # 1. entry prologue; push.1 has no PUSH
    Example(
        1,
        "begin push.1 end",
        "B[PUSH(2147483648) PUSH(4294967294) MSTORE DROP PAD INCR]",
        "7b360d2a3078060f749955a23a3f8b0b1c8d7219177072f81c40037c7a7bf6c1",
        1,
        [0],
    ),
    # 2. fully folded body: only the prologue remains
    Example(
        2,
        "begin add.0 end",
        "B[PUSH(2147483648) PUSH(4294967294) MSTORE DROP]",
        "3bf7b08490b7f08c1a58d9707e62ab5c77f359569fca5d69dcba7982cb015f89",
        1,
        [0],
    ),
    # 3. folded body outside the entrypoint -> single NOOP
    Example(
        3,
        "pub proc f add.0 end",
        "B[NOOP]",
        "f0db3924f3e2d677a51924b09ecef8a12416a6ceb09fadd39785bb4f685cab66",
        1,
        [0],
    ),
    # 4. same digest as the previous row
    Example(
        4,
        "pub proc f nop end",
        "B[NOOP]",
        "f0db3924f3e2d677a51924b09ecef8a12416a6ceb09fadd39785bb4f685cab66",
        1,
        [0],
    ),
    # 5. constants are not folded at parse time -> NOOP stays
    Example(
        5,
        "const Z = 0\npub proc f push.5 add.Z end",
        "B[PUSH(5) NOOP]",
        "f1cf48a9c8d1e7ed2e9144164e601ae4fcc38d7f14b202ea0c601dde4e2d03eb",
        1,
        [0],
    ),
    # 6. `mul.I` -> NOOP, but `u32wrapping_mul.I` -> PAD INCR U32MUL DROP
    Example(
        6,
        "const I = 1\npub proc f push.5 mul.I u32wrapping_mul.I end",
        "B[PUSH(5) NOOP PAD INCR U32MUL DROP]",
        "5373cb9934d6af2a3350bbb8a2647bc40df24c44d8be81a2a646fb0614a04296",
        1,
        [0],
    ),
    # 7. element by element, left to right
    Example(
        7,
        "pub proc f push.0.1.2 push.[1,0,7,8] end",
        "B[PAD PAD INCR PUSH(2) PAD INCR PAD PUSH(7) PUSH(8)]",
        "29cf21a13d31772217637f7701b5aeecba0419ce8e64c22cd43163bc0609257a",
        1,
        [0],
    ),
    # 8. event id = element 0 of the word hash
    Example(
        8,
        'const W = word("hello")\nconst E = event("hello")\npub proc f push.W[0] push.E emit.E end',
        "B[PUSH(10557148580892020714) PUSH(10557148580892020714) PUSH(10557148580892020714) EMIT DROP]",
        "32ec9e4780dbaa361999171c75a20138271c795fdbc1c9e02b1705cd28767ebc",
        1,
        [0],
    ),
    # 9. `eq.1` uses PUSH(1), never PAD INCR
    Example(
        9,
        "pub proc f push.3 eq.1 neq.0 end",
        "B[PUSH(3) PUSH(1) EQ EQZ NOT]",
        "6348f1c852c3e7e9512c3321c4156c8fdae2ebfc5faff92eb60b50850a2de12c",
        1,
        [0],
    ),
    # 10. ≤7 unrolled, else PUSH + bit-length EXPACCs
    Example(
        10,
        "pub proc f exp.5 exp.9 end",
        "B[DUP0 DUP0 DUP0 DUP0 MUL MUL MUL MUL PUSH(9) PAD INCR MOVUP2 PAD EXPACC*4 DROP DROP SWAP EQZ ASSERT(0)]",
        "acc10848e28db58eeb592ba5706f468d9d36b7dd316ccc5603fe4c67004b4074",
        1,
        [0],
    ),
    # 11. far stack accesses
    Example(
        11,
        "pub proc f dup.8 swap.12 movup.10 movdn.9 end",
        "B[PAD DUP9 ADD MOVDN8 SWAPDW MOVDN3 MOVUP4 SWAPDW MOVUP8 SWAPDW MOVUP2 SWAPDW MOVUP8 MOVDN8 SWAPDW SWAP SWAPDW]",
        "249df78eb5a9abf251ec3eb7afad33154dbd453aaf7d771a2a6d4f5acb9b15cb",
        1,
        [0],
    ),
    # 12. 5 locals round to 8; address = fmp − 8 + 4
    Example(
        12,
        "@locals(5)\npub proc f loc_load.4 end",
        (
            "B[PUSH(8) PUSH(4294967294) MLOAD ADD PUSH(4294967294) MSTORE DROP PUSH(18446744069414584317) PUSH(4294967294) "
            "MLOAD ADD MLOAD PUSH(18446744069414584313) PUSH(4294967294) MLOAD ADD PUSH(4294967294) MSTORE DROP]"
        ),
        "9efaa831217641bb5220067bdec37684821aaf7e3628c1cafc348eb80cef81c8",
        1,
        [0],
    ),
    # 13. word store, little-endian
    Example(
        13,
        "@locals(4)\npub proc f loc_storew_le.0 end",
        (
            "B[PUSH(4) PUSH(4294967294) MLOAD ADD PUSH(4294967294) MSTORE DROP MOVDN3 SWAP MOVUP2 "
            "PUSH(18446744069414584317) PUSH(4294967294) MLOAD ADD MSTOREW MOVDN3 SWAP MOVUP2 PUSH(18446744069414584317) "
            "PUSH(4294967294) MLOAD ADD PUSH(4294967294) MSTORE DROP]"
        ),
        "bd036b721b0c7538b7f29d828e3015453fcce995697ccd4bd182e2854e76d1f1",
        1,
        [0],
    ),
    # 14. epilogue becomes its own block after the SPLIT
    Example(
        14,
        "@locals(2)\npub proc f loc_store.0 if.true loc_load.0 end end",
        (
            "J(J(B[PUSH(4) PUSH(4294967294) MLOAD ADD PUSH(4294967294) MSTORE DROP PUSH(18446744069414584317) "
            "PUSH(4294967294) MLOAD ADD MSTORE DROP], S(B[PUSH(18446744069414584317) PUSH(4294967294) MLOAD ADD MLOAD], "
            "B[NOOP])), B[PUSH(18446744069414584317) PUSH(4294967294) MLOAD ADD PUSH(4294967294) MSTORE DROP])"
        ),
        "dc8701bdbf3a40b713939caebfee864aa57ef0f9bf21fa57ffc2eb0c77e08b0b",
        7,
        [6],
    ),
    # 15. plain if/else
    Example(
        15,
        "pub proc f push.1 if.true push.2 else push.3 end end",
        "J(B[PAD INCR], S(B[PUSH(2)], B[PUSH(3)]))",
        "78ccdc68ac61259ca0d0d9bcf20e64cbba8c8a645c3712e9ece3418c4566ab60",
        5,
        [4],
    ),
    # 16. `if.false` swaps branches
    Example(
        16,
        "pub proc f push.1 if.false push.2 else push.3 end end",
        "J(B[PAD INCR], S(B[PUSH(3)], B[PUSH(2)]))",
        "fa81f906cd89131745260a8e6fc0729bc9eb8cc435dc7bb422c7dab8c109f905",
        5,
        [4],
    ),
    # 17. missing else -> NOOP block; no JOIN when it is the only node
    Example(
        17,
        "pub proc f if.true push.2 end end",
        "S(B[PUSH(2)], B[NOOP])",
        "4ff7c228ead643150c4a25d5b423a516415cdd825452abc43a5f4a0e5ae5e4df",
        3,
        [2],
    ),
    # 18. 3 nodes -> JOIN(JOIN(b,loop),b)
    Example(
        18,
        "pub proc f push.1 while.true push.0 end push.3 end",
        "J(J(B[PAD INCR], L(B[PAD])), B[PUSH(3)])",
        "6c102aad3be79b31459ba1bd56c52add1f1b760138d4471c957886a1a6c260a2",
        6,
        [5],
    ),
    # 19. unrolled and merged
    Example(
        19,
        "pub proc f repeat.3 push.5 end push.6 end",
        "B[PUSH(5) PUSH(5) PUSH(5) PUSH(6)]",
        "ae9b8db404d0b3fe1832c1f757c8dd08b3e72e5561c21541812162f12f98a560",
        1,
        [0],
    ),
    # 20. 5 nodes: odd tail is carried
    Example(
        20,
        "pub proc f repeat.5 if.true push.3 end end end",
        (
            "J(J(J(S(B[PUSH(3)], B[NOOP]), S(B[PUSH(3)], B[NOOP])), J(S(B[PUSH(3)], B[NOOP]), S(B[PUSH(3)], B[NOOP]))), "
            "S(B[PUSH(3)], B[NOOP]))"
        ),
        "a1c721a93e20fbeed66414698e60eb053d7ea83346f77187a301c617b56d838d",
        6,
        [5],
    ),
    # 21. merged block [clk noop noop] dedups to the stored [clk]
    Example(
        21,
        "pub proc f clk repeat.2 add.0 end end",
        "B[CLK]",
        "9a37c153c2405c5c89158d2e2d36a6a83172fdf74478b8e998ec7c375bc6a9e4",
        1,
        [0],
    ),
    # 22. exec inlines, call makes a node
    Example(
        22,
        "proc f push.1 end begin push.9 exec.f push.8 call.f push.7 end",
        "J(J(B[PUSH(2147483648) PUSH(4294967294) MSTORE DROP PUSH(9) PAD INCR PUSH(8)], CALL(B[PAD INCR])), B[PUSH(7)])",
        "0f3a69f717b5c50fdd3c5144c1c53ae36ab86289d51864ff6892ffc02e6f01f6",
        6,
        [0, 5],
    ),
    # 23. non-block body is shared, not merged
    Example(
        23,
        "proc f push.1 if.true push.2 end end begin exec.f exec.f end",
        (
            "J(J(B[PUSH(2147483648) PUSH(4294967294) MSTORE DROP], J(B[PAD INCR], S(B[PUSH(2)], B[NOOP]))), J(B[PAD INCR], "
            "S(B[PUSH(2)], B[NOOP])))"
        ),
        "bb052ddca95f4007f06581475817a6a7fa0d9fbcf7ac76c31011aa45ee5d9930",
        8,
        [4, 7],
    ),
    # 24. f stays a root even though its block was merged away
    Example(
        24,
        "proc f push.1 end begin exec.f call.f end",
        "J(B[PUSH(2147483648) PUSH(4294967294) MSTORE DROP PAD INCR], CALL(B[PAD INCR]))",
        "1741de59c3bbfca204f3e095475b2aaa6e4faf2ef36f908cc857444ee6354dd8",
        4,
        [0, 3],
    ),
    # 25. 4 PUSHes, element 0 first
    Example(
        25,
        "proc f push.1 end begin procref.f end",
        (
            "B[PUSH(2147483648) PUSH(4294967294) MSTORE DROP PUSH(8895583677437512219) PUSH(5012319330638033325) "
            "PUSH(15229742388922380000) PUSH(202007276715204537)]"
        ),
        "a81b05349aaf80a66e0daa0d975a93ad53f2ac528452c9d5d68127108ab41094",
        2,
        [0, 1],
    ),
    # 26. DYNCALL node, no operand ops
    Example(
        26,
        "begin push.3 dyncall dropw end",
        "J(J(B[PUSH(2147483648) PUSH(4294967294) MSTORE DROP PUSH(3)], DYNCALL), B[DROP*4])",
        "c07f278567a7aa0025f9e17037d9f128ef4b8cfde88b7b8a25373ddb272c34b4",
        5,
        [4],
    ),
    # 27. DYN node
    Example(
        27,
        "begin dynexec end",
        "J(B[PUSH(2147483648) PUSH(4294967294) MSTORE DROP], DYN)",
        "0f077c2b0904542f6d2b111cf92c427484ba2ebc27a0ad51acda4ff58499b305",
        3,
        [2],
    ),
    # 28. shared CALL node
    Example(
        28,
        "proc f push.1 end begin repeat.3 call.f end end",
        "J(J(B[PUSH(2147483648) PUSH(4294967294) MSTORE DROP], CALL(B[PAD INCR])), J(CALL(B[PAD INCR]), CALL(B[PAD INCR])))",
        "ce2df59b21af26fcdb2b0922eb81e8ea83bf7d31e3dafab546d389a547dbabf1",
        6,
        [0, 5],
    ),
    # 29. unknown digest -> EXTERNAL
    Example(
        29,
        "begin exec.0x0100000000000000020000000000000003000000000000000400000000000000 end",
        "J(B[PUSH(2147483648) PUSH(4294967294) MSTORE DROP], EXT(01000000…))",
        "1160e2c27a70e35c592497d6fcb71557d2eb0e49ada8d5f406ea5381620c7cf5",
        3,
        [2],
    ),
    # 30. CALL over EXTERNAL
    Example(
        30,
        "begin call.0x0100000000000000020000000000000003000000000000000400000000000000 end",
        "J(B[PUSH(2147483648) PUSH(4294967294) MSTORE DROP], CALL(EXT(01000000…)))",
        "867fb7def0722b1638415d980fee2010f078d39ef0a6e75918dd13cd14454b32",
        4,
        [3],
    ),
    # 31. kernel procedure -> SYSCALL over EXTERNAL
    Example(
        31,
        "begin syscall.sysfoo end",
        "J(B[PUSH(2147483648) PUSH(4294967294) MSTORE DROP], SYSCALL(EXT(48ae830d…)))",
        "a45905a03759410b88032ec2f333543c10179382084197821218809ea23c500e",
        4,
        [3],
        "kernel",
    ),
    # 32. dynamic library: EXTERNAL blocks merging
    Example(
        32,
        "use lib::a begin push.9 exec.a::foo clk end",
        "J(J(B[PUSH(2147483648) PUSH(4294967294) MSTORE DROP PUSH(9)], EXT(1a99960e…)), B[CLK])",
        "df6e3dc6c47b2378c1c38ccc9902c8af542225994c8125a5b6ca929c89bcc097",
        5,
        [4],
        "dynamic",
    ),
    # 33. STATIC library: copied block carries padding NOOP
    Example(
        33,
        "use lib::a begin push.9 exec.a::foo clk end",
        "B[PUSH(2147483648) PUSH(4294967294) MSTORE DROP PUSH(9) PUSH(7) NOOP CLK]",
        "0a831f47db404371bde51abaf2f7779c99a37933c034bf7650f2f65ab0fd0f8b",
        1,
        [0],
        "static",
    ),
    # 34. same module linked from source: no NOOP
    Example(
        34,
        "use lib::a begin push.9 exec.a::foo clk end",
        "B[PUSH(2147483648) PUSH(4294967294) MSTORE DROP PUSH(9) PUSH(7) CLK]",
        "6936e341a7cd03d8021017f620512aaaaad1c88adb67bb10d73af543bc1fb229",
        2,
        [0, 1],
        "source",
    ),
    # 35. static library: two padding NOOPs (two copies)
    Example(
        35,
        "use lib::a begin exec.a::p3 clk end",
        "B[PUSH(2147483648) PUSH(4294967294) MSTORE DROP PUSH(2) PUSH(3) ADD NOOP NOOP CLK]",
        "f3deb4c1f4a03f89f12b7a48ad8137709df4c0d2a0e00faf11fe3bce134e7c4f",
        1,
        [0],
        "static",
    ),
    # 36. static library containing dyncall -> EXTERNAL (quirk)
    Example(
        36,
        "use lib::a begin exec.a::dc clk end",
        "J(J(B[PUSH(2147483648) PUSH(4294967294) MSTORE DROP], EXT(18ed2809…)), B[CLK])",
        "b1c4d119f03115de9c4cac527798b6518ea4ac8c6d33b71a9822841addfdc344",
        5,
        [4],
        "static",
    ),
    # 37. immediate = PUSH before the base sequence
    Example(
        37,
        "pub proc f u32lt.7 lt.7 end",
        ("B[PUSH(7) U32SUB SWAP DROP PUSH(7) U32SPLIT MOVUP2 U32SPLIT MOVUP2 U32SUB SWAP EQZ MOVUP2 MOVUP3 U32SUB SWAP DROP AND OR]"),
        "2b48e1e5f0bf517102aab2ad2802850b7a0eb4a8c9c5655355d2d88b6ccdd861",
        1,
        [0],
    ),
    # 38. shift immediates
    Example(
        38,
        "pub proc f u32rotr.3 u32rotl.3 u32shl.3 u32shr.3 end",
        "B[PUSH(536870912) U32MUL ADD PUSH(8) U32MUL ADD PUSH(8) U32MUL DROP PUSH(8) U32DIV DROP]",
        "714a74c8e02d388f8589e7c24a3f67b0cde1b79269c6d3393b2906ab8421e4ad",
        1,
        [0],
    ),
    # 39. address immediates
    Example(
        39,
        "pub proc f mem_load.0 mem_store.1 mem_storew_le.8 mem_storew_le end",
        (
            "B[PAD MLOAD PAD INCR MSTORE DROP MOVDN3 SWAP MOVUP2 PUSH(8) MSTOREW MOVDN3 SWAP MOVUP2 MOVDN4 MOVDN3 SWAP "
            "MOVUP2 MOVUP4 MSTOREW MOVDN3 SWAP MOVUP2]"
        ),
        "18f56aa07ff77977d6396dfd9de7077bdebf560fe266a7e587b4c60aa6176b40",
        1,
        [0],
    ),
    # 40. error code = element 0 of blake3(msg); not part of the digest
    Example(
        40,
        'pub proc f assert.err="boom" u32assert.err="boom" mtree_verify.err="boom" end',
        "B[ASSERT(742501116288453543) PAD U32ASSERT2(742501116288453543) DROP MPVERIFY(742501116288453543)]",
        "f9dc784f68a272b074eafcc70baa5593f13a593750ca57e6e167b72b0c478edd",
        1,
        [0],
    ),
    # 41. breakpoint costs one NOOP
    Example(
        41,
        "pub proc f breakpoint clk end",
        "B[NOOP CLK]",
        "06e034ab69bba99f10c1c12c7f6ab81258f6e20a4eeb494c559b9824ad71c95a",
        1,
        [0],
    ),
    # 42. decorators leave no trace in ops
    Example(
        42,
        "pub proc f debug.stack trace.1 clk end",
        "B[CLK]",
        "9a37c153c2405c5c89158d2e2d36a6a83172fdf74478b8e998ec7c375bc6a9e4",
        1,
        [0],
    ),
    # 43. sponge set-up
    Example(
        43,
        "pub proc f hash hmerge end",
        (
            "B[PUSH(4) PAD PAD PAD SWAPW PAD DUP7 DUP7 DUP7 HPERM DROP*4 SWAPW DROP*4 PAD PAD PAD PAD SWAPW2 SWAPW HPERM "
            "DROP*4 SWAPW DROP*4]"
        ),
        "5462faf32625996365c454e177c50aa2f2ce3134a6c1aba8feeabb770f8d0b30",
        1,
        [0],
    ),
    # 44. literal folding wraps mod 2^64 and then reduces mod p
    Example(
        44,
        "const A = 5-6\npub proc f push.A end",
        "B[PUSH(4294967294)]",
        "bfc53362611098033a2df2d17fa00ffbbb81803b46534d467aa930d1d290e90e",
        1,
        [0],
    ),
]


def assemble(example: Example) -> tuple[Program | Library, int]:
    """Return the artifact and the node of the program's entry or of `f`."""
    kernel = miden.Assembler().assemble_kernel(KERNEL) if example.link == "kernel" else None
    assembler = miden.Assembler(kernel=kernel, compat="0.20.6")
    if example.link == "source":
        assembler.link_source(LIBRARY)
    elif example.link in ("static", "dynamic"):
        assembler.link_library(miden.Assembler().assemble_library(LIBRARY), kind=example.link)
    if "pub proc f " in example.source:
        library = assembler.assemble_library({"m": example.source})
        return library, next(item.node for item in library.procedures if item.path == "::m::f")
    program = assembler.assemble_program(example.source)
    return program, program.entrypoint


def block_text(forest: miden.MastForest, node: int) -> str:
    names = [OPERATIONS[opcode].name + (f"({value})" if opcode in IMMEDIATE_OPS else "") for opcode, value in forest.block_operations(node)]
    runs = [(name, len(list(run))) for name, run in groupby(names)]
    # the specification shortens runs of four and more of one operation, and of two words
    return " ".join(f"{name}*{count}" if count > 3 and name in SHORTENED else " ".join([name] * count) for name, count in runs)


SHORTENED = ("DROP", "EXPACC")
LETTERS = {NodeKind.JOIN: "J", NodeKind.SPLIT: "S", NodeKind.LOOP: "L"}


def tree_text(forest: miden.MastForest, node: int) -> str:
    kind = forest.kind(node)
    if kind == NodeKind.BLOCK:
        return f"B[{block_text(forest, node)}]"
    if kind == NodeKind.EXTERNAL:
        return f"EXT({forest.digest_bytes(node).hex()[:8]}…)"
    children = ", ".join(tree_text(forest, child) for child in forest.children(node))
    return f"{LETTERS.get(kind, kind.name)}({children})" if children else kind.name


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example.number))
def test_the_example_becomes_this_tree(example: Example) -> None:
    artifact, node = assemble(example)
    assert tree_text(artifact.forest, node) == example.tree


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example.number))
def test_the_example_has_this_root_and_these_nodes(example: Example) -> None:
    artifact, node = assemble(example)
    forest = artifact.forest
    assert (forest.digest_bytes(node).hex(), len(forest), list(forest.roots)) == (example.root, example.nodes, example.roots)
