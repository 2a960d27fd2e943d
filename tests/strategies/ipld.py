"""Values of dag-cbor and dag-json."""

from __future__ import annotations

from hypothesis import strategies as st

from miden.ipld.cid import RAW, Cid

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.binary(max_size=40)
    | st.builds(lambda data: Cid.of(data, RAW), st.binary(max_size=3))
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12)
