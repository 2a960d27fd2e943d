"""THE table of MASM instructions: name, forms, folding of literals, cycles, stack effect, one line of meaning.

The parser, the lowering, the printer, completion and the documentation are all driven by `MNEMONICS`; a test
asserts that each knows every row. An *instruction* is what MASM writes; an *operation* is what the VM executes
(`miden.isa`). (assembly.md sections 3, 4 and 6.7.)

What the parser hands to the lowering
-------------------------------------
`Instruction(name, args)`: `name` is a key of `MNEMONICS`, `args` one of its forms.

* ``-`` is the form without immediates, args ``()``. Where a row has `default`, the parser fills it in: ``dup`` is
  ``("dup", (0,))``, ``swap`` is ``("swap", (1,))``, ``debug.adv_stack`` is ``("debug.adv_stack", (0,))``.
* An immediate class (``F``, ``U32`` ...; see `IMMEDIATES`) gives one argument: a checked `int`, or a `ConstRef` where
  the class allows constants. ``U32.U32`` gives two. ``debug.mem.a`` is handed over as ``("debug.mem", (a, a))``.
* ``exp.u8`` is ``("exp.u", (8,))``. ``adv.push_mapvaln`` is ``("adv.push_mapvaln", (0,))``.
* ``push`` has one argument: int, `Word` or `ConstRef`. ``push.a.b.c`` becomes three instructions; the span of the first
  starts at ``push``, the others cover their immediate only. ``push.W[i]`` and ``push.W[a..b]`` are
  ``("push_slice", (W, start, end))`` with W a `Word` or `ConstRef` and the bounds not yet checked (`end` exclusive).
* ``ERR`` gives a `str` (raw text between the quotes) or a `ConstRef`; a bare ``assert`` has args ``()``.
* ``T`` gives one `Target`. ``emit.event("n")`` is ``("emit", ("event", "n"))``, ``emit.C`` is ``("emit", (ConstRef,))``.

Folding happens in the parser, for literals only; a `ConstRef` keeps the immediate form.

* `fold` maps a literal to what takes its place: ``add.0`` nothing, ``add.1`` ``("incr", ())``, ``mul.0`` ``drop`` and
  ``push.0``. All replacements carry the span of the whole instruction.
* `rejects_zero`: literal 0 is `DivisionByZero` in the parser; a constant that is 0 is the same error at lowering.
* `splits`: the immediate is a separate ``push`` (span of the whole instruction) followed by the plain form:
  ``u32lt.7`` is ``("push", (7,)), ("u32lt", ())``; ``lt.C`` is ``("push", (ConstRef,)), ("lt", ())``. Such a row never
  reaches the lowering with arguments.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

Replacement = tuple[tuple[str, tuple[int, ...]], ...]


class ImmediateClass:
    """What an immediate may be: notations of literals, largest literal, and whether a constant may stand for it."""

    __slots__ = ("constants", "doc", "maximum", "notations")

    def __init__(self, notations: str, maximum: int, constants: bool, doc: str) -> None:
        self.notations = frozenset(notations.split())
        self.maximum = maximum
        self.constants = constants
        self.doc = doc


_P = 2**64 - 2**32 + 1

IMMEDIATES: Mapping[str, ImmediateClass] = {
    "D8": ImmediateClass("decimal", 255, False, "decimal number within the bounds of the row"),
    "U8": ImmediateClass("decimal", 255, True, "decimal number 0..255, or a constant"),
    "U16": ImmediateClass("decimal", 65535, True, "decimal number 0..65535, or a constant"),
    "SH": ImmediateClass("decimal", 31, True, "decimal number 0..31, or a constant"),
    "U32": ImmediateClass("decimal hex binary", 2**32 - 1, True, "number below 2**32, or a constant"),
    "F": ImmediateClass("decimal hex", _P - 1, True, "number below p, or a constant"),
    "I": ImmediateClass("decimal hex", _P - 1, True, "number below p, or a constant"),
    "ITEM": ImmediateClass("decimal hex word", _P - 1, True, "number below p, a word, or a constant"),
    "SLICE": ImmediateClass("word", 0, True, "word literal or constant, then [i] or [a..b]"),
    "ERR": ImmediateClass("string", 0, True, "string, or a string constant"),
    "EVENT": ImmediateClass("event", 0, True, 'event("name"), or an event constant'),
    "T": ImmediateClass("target", 0, False, "procedure name or path, or a digest 0x and 64 digits"),
}
"""Immediate classes (assembly.md section 3)."""


Forms = tuple[tuple[str, ...], ...]
_NO_FOLD: Mapping[int, Replacement] = {}
_KNOWN_FORMS: dict[str, Forms] = {}


def _forms(notation: str) -> Forms:
    """Return the forms that a row notes down; there are few, and many rows with the same."""
    forms = _KNOWN_FORMS.get(notation)
    if forms is None:
        forms = _KNOWN_FORMS[notation] = tuple([() if form == "-" else tuple(form.split(".")) for form in notation.split()])
    return forms


class Mnemonic:
    """One row of the table.

    `family` is that of the rows it stands among. `forms` are the accepted forms, each a tuple of immediate classes, the
    plain form being ``()``. `bounds` are the least and greatest value of a ``D8`` immediate. `cycles` counts the operations
    of the plain form, or of the only form where all immediates take the same; None where it depends on the immediate.
    `effect` is the stack effect, top first, upper-case letters being words.
    """

    __slots__ = ("bounds", "cycles", "default", "doc", "effect", "family", "fold", "forms", "name", "rejects_zero", "splits")

    family: str

    def __init__(
        self,
        name: str,
        forms: str,
        cycles: int | None,
        effect: str,
        doc: str,
        *,
        bounds: tuple[int, int] | None = None,
        default: tuple[int, ...] = (),
        fold: Mapping[int, Replacement] | None = None,
        rejects_zero: bool = False,
        splits: bool = False,
    ) -> None:
        self.name = name
        self.forms = _forms(forms)
        self.cycles = cycles
        self.effect = effect
        self.doc = doc
        self.bounds = bounds
        self.default = default
        self.fold: Mapping[int, Replacement] = fold or _NO_FOLD
        self.rejects_zero = rejects_zero
        self.splits = splits

    @property
    def takes_constants(self) -> bool:
        """Whether some form accepts a named constant."""
        return any(IMMEDIATES[cls].constants for form in self.forms for cls in form)

    def __repr__(self) -> str:
        return f"<Mnemonic {self.name}: {' | '.join('.'.join((self.name, *form)) for form in self.forms)}>"


_NOTHING: Replacement = ()
_INCR: Replacement = (("incr", ()),)
_ZERO: Replacement = (("drop", ()), ("push", (0,)))


def _family(family: str, *rows: Mnemonic) -> tuple[Mnemonic, ...]:
    for row in rows:
        row.family = family
    return rows


_m = Mnemonic


_ASSERTIONS = (
    _m("assert", "- ERR", 1, "[a, ...] -> [...]", "fail unless a is 1"),
    _m("assertz", "- ERR", 2, "[a, ...] -> [...]", "fail unless a is 0"),
    _m("assert_eq", "- ERR", 2, "[b, a, ...] -> [...]", "fail unless a equals b"),
    _m("assert_eqw", "- ERR", 11, "[B, A, ...] -> [...]", "fail unless the words are equal"),
    _m("u32assert", "- ERR", 3, "[a, ...] -> [a, ...]", "fail unless a is below 2**32"),
    _m("u32assert2", "- ERR", 1, "[b, a, ...] -> [b, a, ...]", "fail unless both are below 2**32"),
    _m("u32assertw", "- ERR", 6, "[A, ...] -> [A, ...]", "fail unless all four elements are below 2**32"),
    _m("mtree_verify", "- ERR", 1, "[V, depth, index, R, ...] unchanged", "fail unless V is the node at (depth, index) under root R"),
)

_FIELD = (
    _m("add", "- F", 1, "[b, a, ...] -> [a + b, ...]", "add in the field", fold={0: _NOTHING, 1: _INCR}),
    _m("incr", "-", 1, "[a, ...] -> [a + 1, ...]", "what add.1 folds to; it has no notation of its own"),
    _m("sub", "- F", 2, "[b, a, ...] -> [a - b, ...]", "subtract in the field", fold={0: _NOTHING}),
    _m("mul", "- F", 1, "[b, a, ...] -> [a * b, ...]", "multiply in the field", fold={0: _ZERO, 1: _NOTHING}),
    _m("div", "- F", 2, "[b, a, ...] -> [a / b, ...]", "divide in the field; fails if b is 0", fold={1: _NOTHING}, rejects_zero=True),
    _m("neg", "-", 1, "[a, ...] -> [-a, ...]", "negate in the field"),
    _m("inv", "-", 1, "[a, ...] -> [1 / a, ...]", "invert in the field; fails if a is 0"),
    _m("pow2", "-", 16, "[a, ...] -> [2**a, ...]", "raise 2 to a; fails if a exceeds 63"),
    _m("exp", "- F", 73, "[b, a, ...] -> [a**b, ...]", "raise a to b in the field"),
    _m("exp.u", "D8", None, "[b, a, ...] -> [a**b, ...]", "raise a to b, which has at most so many bits", bounds=(0, 63)),
    _m("ilog2", "-", 47, "[a, ...] -> [log2(a), ...]", "integer logarithm, checked advice; fails if a is 0"),
    _m("is_odd", "-", 5, "[a, ...] -> [a mod 2, ...]", "1 if the integer a is odd"),
)

_BOOLEAN = (
    _m("not", "-", 1, "[a, ...] -> [1 - a, ...]", "logical not; fails unless a is 0 or 1"),
    _m("and", "-", 1, "[b, a, ...] -> [a and b, ...]", "logical and; fails unless both are 0 or 1"),
    _m("or", "-", 1, "[b, a, ...] -> [a or b, ...]", "logical or; fails unless both are 0 or 1"),
    _m("xor", "-", 7, "[b, a, ...] -> [a xor b, ...]", "logical exclusive or; fails unless both are 0 or 1"),
    _m("eq", "- F", 1, "[b, a, ...] -> [a == b, ...]", "1 if equal, else 0"),
    _m("neq", "- F", 2, "[b, a, ...] -> [a != b, ...]", "1 if different, else 0"),
    _m("eqw", "-", 15, "[B, A, ...] -> [A == B, B, A, ...]", "1 if the words are equal; keeps both"),
    _m("lt", "- I", 14, "[b, a, ...] -> [a < b, ...]", "compare as integers", splits=True),
    _m("lte", "- I", 15, "[b, a, ...] -> [a <= b, ...]", "compare as integers", splits=True),
    _m("gt", "- I", 15, "[b, a, ...] -> [a > b, ...]", "compare as integers", splits=True),
    _m("gte", "- I", 16, "[b, a, ...] -> [a >= b, ...]", "compare as integers", splits=True),
)

_EXT2 = (
    _m("ext2add", "-", 5, "[b1, b0, a1, a0, ...] -> [c1, c0, ...]", "c = a + b in the quadratic extension"),
    _m("ext2sub", "-", 7, "[b1, b0, a1, a0, ...] -> [c1, c0, ...]", "c = a - b in the quadratic extension"),
    _m("ext2mul", "-", 3, "[b1, b0, a1, a0, ...] -> [c1, c0, ...]", "c = a * b in the quadratic extension"),
    _m("ext2div", "-", 14, "[b1, b0, a1, a0, ...] -> [c1, c0, ...]", "c = a / b in the quadratic extension; fails if b is 0"),
    _m("ext2neg", "-", 4, "[a1, a0, ...] -> [-a1, -a0, ...]", "negate in the quadratic extension"),
    _m("ext2inv", "-", 11, "[a1, a0, ...] -> [c1, c0, ...]", "c = 1 / a in the quadratic extension; fails if a is 0"),
)

_ADD, _SUB, _MUL = "[b, a, ...] -> [a + b, ...]", "[b, a, ...] -> [a - b, ...]", "[b, a, ...] -> [a * b, ...]"
_U32_ARITHMETIC = (
    _m("u32test", "-", 5, "[a, ...] -> [a < 2**32, a, ...]", "1 if a is below 2**32; keeps a"),
    _m("u32testw", "-", 23, "[A, ...] -> [flag, A, ...]", "1 if all four elements are below 2**32; keeps A"),
    _m("u32split", "-", 1, "[a, ...] -> [a >> 32, a mod 2**32, ...]", "split into upper and lower half"),
    _m("u32cast", "-", 2, "[a, ...] -> [a mod 2**32, ...]", "keep the lower half"),
    _m("u32wrapping_add", "- U32", 2, _ADD, "add modulo 2**32", fold={0: _NOTHING}),
    _m("u32wrapping_sub", "- U32", 2, _SUB, "subtract modulo 2**32", fold={0: _NOTHING}),
    _m("u32wrapping_mul", "- U32", 2, _MUL, "multiply modulo 2**32", fold={0: _ZERO, 1: _NOTHING}),
    _m("u32overflowing_add", "- U32", 1, "[b, a, ...] -> [carry, sum, ...]", "add modulo 2**32, carry on top"),
    _m("u32overflowing_sub", "- U32", 1, "[b, a, ...] -> [borrow, difference, ...]", "subtract modulo 2**32, borrow on top"),
    _m("u32overflowing_mul", "- U32", 1, "[b, a, ...] -> [high, low, ...]", "multiply to 64 bits"),
    _m("u32wrapping_add3", "-", 2, "[c, b, a, ...] -> [a + b + c, ...]", "add three numbers modulo 2**32"),
    _m("u32overflowing_add3", "-", 1, "[c, b, a, ...] -> [carry, sum, ...]", "add three numbers, carry on top"),
    _m("u32wrapping_madd", "-", 2, "[b, a, c, ...] -> [a * b + c, ...]", "multiply and add modulo 2**32"),
    _m("u32overflowing_madd", "-", 1, "[b, a, c, ...] -> [high, low, ...]", "multiply and add to 64 bits"),
    _m("u32div", "- U32", 2, "[b, a, ...] -> [a // b, ...]", "quotient; fails if b is 0", fold={1: _NOTHING}, rejects_zero=True),
    _m("u32mod", "- U32", 3, "[b, a, ...] -> [a mod b, ...]", "remainder; fails if b is 0", rejects_zero=True),
    _m("u32divmod", "- U32", 1, "[b, a, ...] -> [a mod b, a // b, ...]", "remainder on top of quotient", rejects_zero=True),
)

_U32_BITS = (
    _m("u32and", "- U32", 1, "[b, a, ...] -> [a & b, ...]", "bitwise and", fold={0: _ZERO}, splits=True),
    _m("u32or", "- U32", 6, "[b, a, ...] -> [a | b, ...]", "bitwise or", fold={0: _NOTHING}, splits=True),
    _m("u32xor", "- U32", 1, "[b, a, ...] -> [a ^ b, ...]", "bitwise exclusive or", fold={0: _NOTHING}, splits=True),
    _m("u32not", "- U32", 5, "[a, ...] -> [~a, ...]", "bitwise not", splits=True),
    _m("u32shl", "- SH", 18, "[b, a, ...] -> [a << b, ...]", "shift left modulo 2**32; b at most 31", fold={0: _NOTHING}),
    _m("u32shr", "- SH", 18, "[b, a, ...] -> [a >> b, ...]", "shift right; b at most 31", fold={0: _NOTHING}),
    _m("u32rotl", "- SH", 18, "[b, a, ...] -> [c, ...]", "rotate a left by b; b at most 31", fold={0: _NOTHING}),
    _m("u32rotr", "- SH", 23, "[b, a, ...] -> [c, ...]", "rotate a right by b; b at most 31", fold={0: _NOTHING}),
    _m("u32popcnt", "-", 33, "[a, ...] -> [c, ...]", "count the ones"),
    _m("u32clz", "-", 45, "[a, ...] -> [c, ...]", "count leading zeros, checked advice"),
    _m("u32ctz", "-", 37, "[a, ...] -> [c, ...]", "count trailing zeros, checked advice"),
    _m("u32clo", "-", 43, "[a, ...] -> [c, ...]", "count leading ones, checked advice"),
    _m("u32cto", "-", 36, "[a, ...] -> [c, ...]", "count trailing ones, checked advice"),
    _m("u32lt", "- U32", 3, "[b, a, ...] -> [a < b, ...]", "compare", splits=True),
    _m("u32lte", "- U32", 5, "[b, a, ...] -> [a <= b, ...]", "compare", splits=True),
    _m("u32gt", "- U32", 4, "[b, a, ...] -> [a > b, ...]", "compare", splits=True),
    _m("u32gte", "- U32", 4, "[b, a, ...] -> [a >= b, ...]", "compare", splits=True),
    _m("u32min", "- U32", 8, "[b, a, ...] -> [min(a, b), ...]", "the smaller", splits=True),
    _m("u32max", "- U32", 9, "[b, a, ...] -> [max(a, b), ...]", "the larger", splits=True),
)

_STACK = (
    _m("drop", "-", 1, "[a, ...] -> [...]", "remove the top"),
    _m("dropw", "-", 4, "[A, ...] -> [...]", "remove the top word"),
    _m("padw", "-", 4, "[...] -> [0, 0, 0, 0, ...]", "push four zeros"),
    _m("dup", "- D8", None, "[...] -> [s(n), ...]", "copy element n to the top", bounds=(0, 15), default=(0,)),
    _m("dupw", "- D8", 4, "[...] -> [W(n), ...]", "copy word n to the top", bounds=(0, 3), default=(0,)),
    _m("swap", "- D8", None, "[a, ..., b, ...] -> [b, ..., a, ...]", "swap the top with element n", bounds=(1, 15), default=(1,)),
    _m("swapw", "- D8", 1, "[A, ..., B, ...] -> [B, ..., A, ...]", "swap the top word with word n", bounds=(1, 3), default=(1,)),
    _m("swapdw", "-", 1, "[D, C, B, A, ...] -> [B, A, D, C, ...]", "swap the top two words with the next two"),
    _m("movup", "D8", None, "[..., a, ...] -> [a, ...]", "move element n to the top", bounds=(2, 15)),
    _m("movdn", "D8", None, "[a, ...] -> [..., a, ...]", "move the top down to be element n", bounds=(2, 15)),
    _m("movupw", "D8", None, "[..., A, ...] -> [A, ...]", "move word n to the top", bounds=(2, 3)),
    _m("movdnw", "D8", None, "[A, ...] -> [..., A, ...]", "move the top word down to be word n", bounds=(2, 3)),
    _m("reversew", "-", 3, "[a, b, c, d, ...] -> [d, c, b, a, ...]", "reverse the top word"),
    _m("reversedw", "-", 7, "eight elements in reverse order", "reverse the top two words"),
    _m("cswap", "-", 1, "[c, b, a, ...] -> [b, a, ...] or [a, b, ...]", "swap if c is 1; fails unless c is 0 or 1"),
    _m("cswapw", "-", 1, "[c, B, A, ...] -> [B, A, ...] or [A, B, ...]", "swap words if c is 1; fails unless c is 0 or 1"),
    _m("cdrop", "-", 2, "[c, b, a, ...] -> [b or a, ...]", "keep b if c is 1, else a; fails unless c is 0 or 1"),
    _m("cdropw", "-", 5, "[c, B, A, ...] -> [B or A, ...]", "keep B if c is 1, else A; fails unless c is 0 or 1"),
)

_CONSTANTS = (
    _m("push", "ITEM", None, "[...] -> [x, ...]", "push a number or a word; up to 16 numbers joined by dots, the last on top"),
    _m("push_slice", "SLICE", None, "[...] -> [w(b - 1), ..., w(a), ...]", "push elements a..b of a word; written push.W[a..b]"),
)

_ENVIRONMENT = (
    _m("sdepth", "-", 1, "[...] -> [depth, ...]", "push the depth of the stack"),
    _m("caller", "-", 1, "[A, ...] -> [H, ...]", "overwrite the top word with the digest of the caller"),
    _m("clk", "-", 1, "[...] -> [clk, ...]", "push the clock cycle"),
    _m("procref", "T", 4, "[...] -> [H, ...]", "push the digest of a procedure"),
)

_MEMORY = (
    _m("mem_load", "- U32", 1, "[a, ...] -> [v, ...]", "read an element"),
    _m("mem_store", "- U32", 2, "[a, v, ...] -> [...]", "write an element"),
    _m("mem_loadw_be", "- U32", 1, "[a, X, ...] -> [w3, w2, w1, w0, ...]", "read a word over the top word, element 3 on top"),
    _m("mem_loadw_le", "- U32", 4, "[a, X, ...] -> [w0, w1, w2, w3, ...]", "read a word over the top word, element 0 on top"),
    _m("mem_storew_be", "- U32", 1, "[a, w3, w2, w1, w0, ...] -> [w3, w2, w1, w0, ...]", "write the top word, element 3 on top"),
    _m("mem_storew_le", "- U32", 9, "[a, w0, w1, w2, w3, ...] -> [w0, w1, w2, w3, ...]", "write the top word, element 0 on top"),
    _m("mem_stream", "-", 1, "elements 0..7 := mem[a..a + 8], a = element 12, which grows by 8", "read two words over the top two"),
    _m("locaddr", "U16", 4, "[...] -> [address, ...]", "push the address of local i"),
    _m("loc_load", "U16", 5, "[...] -> [v, ...]", "read local i"),
    _m("loc_store", "U16", 6, "[v, ...] -> [...]", "write local i"),
    _m("loc_loadw_be", "U16", 5, "[X, ...] -> [w3, w2, w1, w0, ...]", "read locals i..i + 4 over the top word, element 3 on top"),
    _m("loc_loadw_le", "U16", 8, "[X, ...] -> [w0, w1, w2, w3, ...]", "read locals i..i + 4 over the top word, element 0 on top"),
    _m("loc_storew_be", "U16", 5, "[w3, w2, w1, w0, ...] unchanged", "write the top word to locals i..i + 4, element 3 on top"),
    _m("loc_storew_le", "U16", 11, "[w0, w1, w2, w3, ...] unchanged", "write the top word to locals i..i + 4, element 0 on top"),
)

_PAIR = "[B, A, ...] unchanged"
_ADVICE = (
    _m("adv_push", "D8", None, "[...] -> [v(n), ..., v1, ...]", "pop n elements of the advice stack onto the stack", bounds=(1, 16)),
    _m("adv_loadw", "-", 1, "[X, ...] -> [w3, w2, w1, w0, ...]", "pop a word of the advice stack over the top word"),
    _m("adv_pipe", "-", 1, "as mem_stream, from the advice stack", "pop two words over the top two, and store them at element 12"),
    _m("adv.push_mapval", "-", 3, "[K, ...] unchanged", "push the values at K in the advice map onto the advice stack"),
    _m("adv.push_mapval_count", "-", 3, "[K, ...] unchanged", "push the number of values at K onto the advice stack"),
    _m("adv.push_mapvaln", "- D8", 3, "[K, ...] unchanged", "push count and values at K, padded to n", bounds=(0, 8), default=(0,)),
    _m("adv.has_mapkey", "-", 3, "[K, ...] unchanged", "push 1 onto the advice stack if the advice map has K, else 0"),
    _m("adv.push_mtnode", "-", 3, "[depth, index, R, ...] unchanged", "push the node at (depth, index) under R onto the advice stack"),
    _m("adv.insert_mem", "-", 3, "[K, a, b, ...] unchanged", "advice map: K -> mem[a..b]"),
    _m("adv.insert_hdword", "-", 3, _PAIR, "advice map: merge(A, B) -> A and B"),
    _m("adv.insert_hdword_d", "-", 3, "[B, A, d, ...] unchanged", "advice map: merge of A and B in domain d -> A and B"),
    _m("adv.insert_hqword", "-", 3, "[D, C, B, A, ...] unchanged", "advice map: hash of 16 elements -> these elements"),
    _m("adv.insert_hperm", "-", 3, "[B, A, C, ...] unchanged", "advice map: digest of the permuted state -> A and B"),
)

_CRYPTO = (
    _m("hash", "-", 19, "[A, ...] -> [H, ...]", "hash of one word"),
    _m("hmerge", "-", 16, "[B, A, ...] -> [H, ...]", "hash of two words"),
    _m("hperm", "-", 1, "[B, A, C, ...] -> [B', A', C', ...]", "permute the hash state: rate A and B, capacity C"),
    _m("mtree_get", "-", 12, "[depth, index, R, ...] -> [V, R, ...]", "read a node of a Merkle tree, checked"),
    _m("mtree_set", "-", 32, "[depth, index, R, V', ...] -> [V, R', ...]", "replace a node of a Merkle tree, checked"),
    _m("mtree_merge", "-", 19, "[R, L, ...] -> [M, ...]", "join two Merkle trees under one root"),
    _m("crypto_stream", "-", 1, "[R1, R0, C, src, dst, ...]", "add 8 memory elements at src to the top 8, store the sums at dst"),
)

_STARK = (
    _m("fri_ext2fold4", "-", 1, "17 elements -> 16", "fold a FRI layer by 4 in the extension"),
    _m("horner_eval_base", "-", 1, "16 elements -> 16", "eight steps of Horner evaluation, base coefficients"),
    _m("horner_eval_ext", "-", 1, "16 elements -> 16", "four steps of Horner evaluation, extension coefficients"),
    _m("eval_circuit", "-", 1, "[ptr, n_read, n_eval, ...] unchanged", "fail unless the arithmetic circuit evaluates to 0"),
    _m("log_precompile", "-", 1, "[COMM, TAG, X, ...] -> [R1, R0, CAP, ...]", "absorb a precompile call into the transcript"),
)

_CALLS = (
    _m("exec", "T", 0, "as the procedure", "run a procedure in this context"),
    _m("call", "T", 1, "as the procedure, depth 16", "run a procedure in a context of its own"),
    _m("syscall", "T", 1, "as the procedure, depth 16", "run a kernel procedure in the root context"),
    _m("dynexec", "-", 1, "[a, ...] -> as the procedure", "exec the procedure whose digest is the word at address a"),
    _m("dyncall", "-", 1, "[a, ...] -> as the procedure", "call the procedure whose digest is the word at address a"),
)

_EVENTS = (
    _m("emit", "- EVENT", 1, "[id, ...] unchanged", "ask the host to handle an event; with an immediate the stack is unchanged"),
    _m("trace", "U32", 0, "unchanged", "tell the host a number; no operation"),
)

_DEBUG = (
    _m("breakpoint", "-", 1, "unchanged", "stop a debugger here; costs one no-op"),
    _m("debug.stack", "- U8", 0, "unchanged", "print the stack, or its top n elements"),
    _m("debug.mem", "- U32 U32.U32", 0, "unchanged", "print memory, one address, or a range with both ends"),
    _m("debug.local", "- U16 U16.U16", 0, "unchanged", "print locals, one local, or a range with both ends"),
    _m("debug.adv_stack", "- U16", 0, "unchanged", "print the advice stack, or its top n elements; 0 is all", default=(0,)),
)

_CONTROL = (_m("nop", "-", 1, "unchanged", "do nothing for one cycle"),)

MNEMONICS: Mapping[str, Mnemonic] = {
    row.name: row
    for rows in (
        _family("assertions", *_ASSERTIONS),
        _family("field", *_FIELD),
        _family("comparison", *_BOOLEAN),
        _family("ext2", *_EXT2),
        _family("u32", *_U32_ARITHMETIC, *_U32_BITS),
        _family("stack", *_STACK),
        _family("constants", *_CONSTANTS),
        _family("environment", *_ENVIRONMENT),
        _family("memory", *_MEMORY),
        _family("advice", *_ADVICE),
        _family("crypto", *_CRYPTO),
        _family("stark", *_STARK),
        _family("calls", *_CALLS),
        _family("events", *_EVENTS),
        _family("debug", *_DEBUG),
        _family("control", *_CONTROL),
    )
    for row in rows
}
"""The table by instruction name."""

SYNTHETIC: frozenset[str] = frozenset({"incr", "push_slice"})
"""Rows that name a folded or spelled-out form and cannot be written as such."""

REMOVED: Mapping[str, str] = {
    "mem_loadw": "mem_loadw_be",
    "mem_storew": "mem_storew_be",
    "loc_loadw": "loc_loadw_be",
    "loc_storew": "loc_storew_be",
}
"""Removed mnemonics that are still recognised, and what took their place (`DeprecatedInstruction`)."""

PAD_VALUES: tuple[int, ...] = (0, 4, 8)
"""The only immediates of ``adv.push_mapvaln`` (`InvalidPadValue`)."""

MAX_PUSH = 16
"""Items of one ``push`` (`PushOverflow`)."""
