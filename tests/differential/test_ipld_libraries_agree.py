"""dag-cbor and links as independent libraries have them: cbrrr and cbor2 (both in C), and the slow and strict dag-cbor.

The blocks are those of recorded mainnet states (`../shared/data`); MIDEN_FVM_VECTORS names a folder with more recordings of the same
form. MIDEN_EXAMPLES sets how many of them the slow library reads (60 otherwise).
"""

from __future__ import annotations

import os
from typing import Any

import cbor2
import cbrrr
import dag_cbor
import multiformats
from hypothesis import given

from miden.ipld import dagcbor
from miden.ipld.cid import DAG_CBOR, Cid
from miden.ipld.links import dagcbor_link_bytes, links, scan_dagcbor
from tests.strategies.ipld import VALUES
from tests.support.ipld_data import needs_data, state_blocks

SLOW = int(os.environ.get("MIDEN_EXAMPLES", "60"))


def links_by_cbrrr(data: bytes) -> list[bytes]:
    return _walk(cbrrr.decode_dag_cbor(data), cbrrr.CID, bytes)


def links_by_cbor2(data: bytes) -> list[bytes]:
    return _walk(cbor2.loads(data), cbor2.CBORTag, lambda tag: tag.value[1:])


def links_by_dag_cbor(data: bytes) -> list[bytes]:
    return _walk(dag_cbor.decode(data), multiformats.CID, bytes)


def _walk(value: Any, kind: type, read: Any) -> list[bytes]:
    found, pending = [], [value]
    while pending:
        item = pending.pop()
        if isinstance(item, kind):
            found.append(read(item))
        elif isinstance(item, list):
            pending += reversed(item)
        elif isinstance(item, dict):
            pending += reversed(list(item.values()))
    return found


@needs_data
def test_links_of_real_state_are_those_of_other_libraries() -> None:
    count = found = slow = refused = 0
    for cid, data in {section.cid: section.data for section in state_blocks()}.items():
        ours, fields = dagcbor_link_bytes(data)
        assert ours == links_by_cbrrr(data) == links_by_cbor2(data), cid
        scan = scan_dagcbor(data)
        assert ([raw for raw, _ in scan.links], scan.fields, scan.error) == (ours, fields, None)
        count, found = count + 1, found + len(ours)
        if slow < SLOW:
            slow += 1
            try:
                assert links_by_dag_cbor(data) == ours
            except (ValueError, KeyError):  # it does not know the hash functions of all links
                refused += 1
    assert count >= 1200
    assert found > 20 * count
    assert refused < slow / 20


@needs_data
def test_real_state_is_encoded_as_another_library_does() -> None:
    for section in state_blocks():
        value = dagcbor.decode(section.data)
        assert dagcbor.encode(value) == section.data == cbrrr.encode_dag_cbor(cbrrr.decode_dag_cbor(section.data))


@given(VALUES)
def test_values_are_encoded_as_other_libraries_do(value: Any) -> None:
    raw = dagcbor.encode(value)
    assert cbrrr.encode_dag_cbor(_with_links(value, cbrrr.CID)) == raw
    assert dag_cbor.encode(_with_links(value, multiformats.CID.decode)) == raw
    assert sorted(links_by_cbrrr(raw)) == sorted(links_by_dag_cbor(raw)) == sorted(cid.to_bytes() for cid in links(DAG_CBOR, raw))


def _with_links(value: Any, make: Any) -> Any:
    if isinstance(value, Cid):
        return make(value.to_bytes())
    if isinstance(value, list):
        return [_with_links(item, make) for item in value]
    return {key: _with_links(item, make) for key, item in value.items()} if isinstance(value, dict) else value
