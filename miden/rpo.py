"""RPO-256, the hash of Miden, in pure Python: the readable definition and the one source of its constants.

Rescue Prime Optimized over the Goldilocks field: a sponge with a state of twelve elements, of which 0..3 are the
capacity, 4..11 the rate and 4..7 the digest. The table of constants below is the source from which the header
of the core is generated. Use `miden.hashing` unless you want exactly this implementation. (mast.md section 2.)
"""

from __future__ import annotations

from operator import mul

from miden.field import P, Word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

STATE_WIDTH = 12
RATE_START = 4
RATE_WIDTH = 8
ROUNDS = 7

ALPHA = 7
"""Exponent of the S-box."""

INV_ALPHA = 10540996611094048183
"""Exponent of the inverse S-box: the inverse of 7 modulo p - 1."""

MDS_ROW: tuple[int, ...] = (7, 23, 8, 26, 13, 10, 9, 7, 6, 22, 21, 8)
"""First row of the circulant matrix; row r is this row rotated right r times."""

# fmt: off
ARK1: tuple[tuple[int, ...], ...] = (
    (
        5789762306288267392, 6522564764413701783, 17809893479458208203, 107145243989736508,
        6388978042437517382, 15844067734406016715, 9975000513555218239, 3344984123768313364,
        9959189626657347191, 12960773468763563665, 9602914297752488475, 16657542370200465908,
    ),
    (
        12987190162843096997, 653957632802705281, 4441654670647621225, 4038207883745915761,
        5613464648874830118, 13222989726778338773, 3037761201230264149, 16683759727265180203,
        8337364536491240715, 3227397518293416448, 8110510111539674682, 2872078294163232137,
    ),
    (
        18072785500942327487, 6200974112677013481, 17682092219085884187, 10599526828986756440,
        975003873302957338, 8264241093196931281, 10065763900435475170, 2181131744534710197,
        6317303992309418647, 1401440938888741532, 8884468225181997494, 13066900325715521532,
    ),
    (
        5674685213610121970, 5759084860419474071, 13943282657648897737, 1352748651966375394,
        17110913224029905221, 1003883795902368422, 4141870621881018291, 8121410972417424656,
        14300518605864919529, 13712227150607670181, 17021852944633065291, 6252096473787587650,
    ),
    (
        4887609836208846458, 3027115137917284492, 9595098600469470675, 10528569829048484079,
        7864689113198939815, 17533723827845969040, 5781638039037710951, 17024078752430719006,
        109659393484013511, 7158933660534805869, 2955076958026921730, 7433723648458773977,
    ),
    (
        16308865189192447297, 11977192855656444890, 12532242556065780287, 14594890931430968898,
        7291784239689209784, 5514718540551361949, 10025733853830934803, 7293794580341021693,
        6728552937464861756, 6332385040983343262, 13277683694236792804, 2600778905124452676,
    ),
    (
        7123075680859040534, 1034205548717903090, 7717824418247931797, 3019070937878604058,
        11403792746066867460, 10280580802233112374, 337153209462421218, 13333398568519923717,
        3596153696935337464, 8104208463525993784, 14345062289456085693, 17036731477169661256,
    ),
)
# fmt: on
"""Constants added in the first half of each round."""

# fmt: off
ARK2: tuple[tuple[int, ...], ...] = (
    (
        6077062762357204287, 15277620170502011191, 5358738125714196705, 14233283787297595718,
        13792579614346651365, 11614812331536767105, 14871063686742261166, 10148237148793043499,
        4457428952329675767, 15590786458219172475, 10063319113072092615, 14200078843431360086,
    ),
    (
        6202948458916099932, 17690140365333231091, 3595001575307484651, 373995945117666487,
        1235734395091296013, 14172757457833931602, 707573103686350224, 15453217512188187135,
        219777875004506018, 17876696346199469008, 17731621626449383378, 2897136237748376248,
    ),
    (
        8023374565629191455, 15013690343205953430, 4485500052507912973, 12489737547229155153,
        9500452585969030576, 2054001340201038870, 12420704059284934186, 355990932618543755,
        9071225051243523860, 12766199826003448536, 9045979173463556963, 12934431667190679898,
    ),
    (
        18389244934624494276, 16731736864863925227, 4440209734760478192, 17208448209698888938,
        8739495587021565984, 17000774922218161967, 13533282547195532087, 525402848358706231,
        16987541523062161972, 5466806524462797102, 14512769585918244983, 10973956031244051118,
    ),
    (
        6982293561042362913, 14065426295947720331, 16451845770444974180, 7139138592091306727,
        9012006439959783127, 14619614108529063361, 1394813199588124371, 4635111139507788575,
        16217473952264203365, 10782018226466330683, 6844229992533662050, 7446486531695178711,
    ),
    (
        3736792340494631448, 577852220195055341, 6689998335515779805, 13886063479078013492,
        14358505101923202168, 7744142531772274164, 16135070735728404443, 12290902521256031137,
        12059913662657709804, 16456018495793751911, 4571485474751953524, 17200392109565783176,
    ),
    (
        17130398059294018733, 519782857322261988, 9625384390925085478, 1664893052631119222,
        7629576092524553570, 3485239601103661425, 9755891797164033838, 15218148195153269027,
        16460604813734957368, 9643968136937729763, 3611348709641382851, 18256379591337759196,
    ),
)
# fmt: on
"""Constants added in the second half of each round."""

BYTES_PER_ELEMENT = 7
"""Bytes that `hash_bytes` packs into one element: seven always stay below p, with the end marker too."""

MERGE_INT_DOMAIN = 5
"""Capacity element 0 of `merge_with_int` for an integer below p; one more for a larger one."""

BYTES_DOMAIN = 8
"""Added to capacity element 0 by `hash_bytes`, which keeps it apart from `hash_elements`."""

_MATRIX = tuple(tuple(MDS_ROW[(column - row) % STATE_WIDTH] for column in range(STATE_WIDTH)) for row in range(STATE_WIDTH))


def permute(state: Sequence[int]) -> list[int]:
    """Apply the permutation to twelve felts and return the new state.

    >>> permute(range(12))[:2]
    [15056646954853821376, 594518210294093573]
    """
    current = list(state)
    for first, second in zip(ARK1, ARK2, strict=True):
        current = [pow(x + c, ALPHA, P) for x, c in zip(_apply_mds(current), first, strict=True)]
        current = [pow(x + c, INV_ALPHA, P) for x, c in zip(_apply_mds(current), second, strict=True)]
    return current


def _apply_mds(state: list[int]) -> list[int]:
    """Multiply the state by the matrix; the sums are not reduced, the S-box does that."""
    return [sum(map(mul, row, state)) for row in _MATRIX]


def hash_elements(elements: Iterable[int]) -> Word:
    """Hash felts: overwrite the rate eight at a time, permute after each block; no felts give the zero word.

    >>> hash_elements([0]).to_hex()[:18]
    '0xc302cad976168ffb'
    """
    values = list(elements)
    return _absorb(values, len(values) % RATE_WIDTH)


def hash_bytes(data: bytes) -> Word:
    """Hash bytes: seven to a felt, little-endian, a one byte after the last; no bytes give the zero word.

    >>> hash_bytes(b"\x01\x02\x03")[0]
    11363645553654678022
    """
    if not data:
        return Word()
    values = [int.from_bytes(data[i : i + BYTES_PER_ELEMENT], "little") for i in range(0, len(data), BYTES_PER_ELEMENT)]
    values[-1] += 1 << (8 * (len(data) - BYTES_PER_ELEMENT * (len(values) - 1)))
    return _absorb(values, BYTES_DOMAIN + len(values) % RATE_WIDTH)


def _absorb(values: list[int], tag: int) -> Word:
    state = [0] * STATE_WIDTH
    state[0] = tag
    for start in range(0, len(values), RATE_WIDTH):
        block = values[start : start + RATE_WIDTH]
        state[RATE_START:] = block + [0] * (RATE_WIDTH - len(block))
        state = permute(state)
    return Word(state[RATE_START : RATE_START + 4])


def merge(left: Sequence[int], right: Sequence[int]) -> Word:
    """Hash two words to one.

    >>> merge((1, 2, 3, 4), (5, 6, 7, 8))[0]
    15975159621759139720
    """
    return merge_in_domain(left, right, 0)


def merge_in_domain(left: Sequence[int], right: Sequence[int], domain: int) -> Word:
    """Hash two words to one, with `domain` in capacity element 1; domain 0 is `merge`.

    >>> merge_in_domain((1, 2, 3, 4), (5, 6, 7, 8), 87)[0]
    4516052034307490073
    """
    return Word(permute((0, domain, 0, 0, *left, *right))[RATE_START : RATE_START + 4])


def merge_with_int(seed: Sequence[int], value: int) -> Word:
    """Hash a word and an unsigned 64-bit integer, which need not be below p.

    >>> merge_with_int((1, 2, 3, 4), 2**64 - 1)[0]
    11760743757470960339
    """
    high, low = divmod(value, P)
    tag = MERGE_INT_DOMAIN + (1 if high else 0)
    return Word(permute((tag, 0, 0, 0, *seed, low, high, 0, 0))[RATE_START : RATE_START + 4])
