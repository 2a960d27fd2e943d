"""Sets of versions as masks say what requirements say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.errors import InputError
from miden.field import Word
from miden.package.requirements import Requirement
from miden.registry.versions import MAX_VERSION, VersionTable, check_release

numbers = st.integers(0, 3)
pre = st.sampled_from(["", "", "", "-alpha", "-alpha.1", "-alpha.2", "-rc.1", "-1"])
versions = st.builds(lambda a, b, c, tail: f"{a}.{b}.{c}{tail}", numbers, numbers, numbers, pre)


@st.composite
def comparators(draw: st.DrawFn) -> str:
    op = draw(st.sampled_from(["", "^", "~", "=", ">", ">=", "<", "<="]))
    whole = draw(versions)
    core = whole.partition("-")[0].split(".")
    return op + draw(st.sampled_from([whole, ".".join(core[:2]), core[0], f"{core[0]}.*", f"{core[0]}.{core[1]}.*"]))


requirements = st.one_of(st.just("*"), st.lists(comparators(), min_size=1, max_size=3).map(", ".join))


@given(st.lists(versions, unique=True, max_size=12), requirements)
def test_a_mask_holds_what_the_requirement_accepts(listed: list[str], text: str) -> None:
    table, requirement = VersionTable(listed), Requirement(text)
    mask = table.mask(requirement)
    assert [version for i, version in enumerate(table.versions) if mask >> i & 1] == [v for v in table.versions if requirement.accepts(v)]


@given(st.lists(versions, unique=True, min_size=1, max_size=12))
def test_the_bits_of_a_set_come_highest_first(listed: list[str]) -> None:
    table = VersionTable(listed)
    assert list(table.within(table.everything)) == list(reversed(range(len(listed))))
    assert table.highest(table.everything) == len(listed) - 1


def test_a_digest_accepts_any_version() -> None:
    table = VersionTable(["1.0.0", "2.0.0-rc.1"])
    assert table.mask(Requirement(Word((1, 2, 3, 4)).to_hex())) == 0b11
    assert table.mask(Requirement("*")) == 0b01


WRONG = ["1.0", "v1.0.0", "1.0.0/..", "01.0.0", "", "1.0.0-", "1.0.0\n", "１.0.0", f"1.0.{2**64}", f"1.0.0-{'a' * MAX_VERSION}"]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        check_release(text)
    assert caught.value.kind == "InvalidVersion"
