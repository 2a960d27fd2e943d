"""Paths of items: plain ones are told at a glance, and must be told as the full grammar does."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from miden.errors import InputError
from miden.mast import paths

texts = st.lists(
    st.sampled_from(["::", ":", "a", "Z_9", "$kernel", "a.b", "x-y", '"', '"q::r"', "#", " ", "é", "a" * 254, "a" * 255]), max_size=7
).map("".join)


def outcome(text: str) -> tuple[str, ...] | str:
    try:
        return paths.split_path(text)
    except InputError as error:
        return error.message


@given(texts)
@example("a::::b")
@example("::::a")
@example("a::")
@example("::a:::b")
@example("::")
@example("")
@example("a" * 255)
@example("a" * 256)
@example("x::" + "a" * 255)
def test_a_plain_path_is_split_as_any_other(text: str) -> None:
    found = outcome(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "_is_plain", lambda text: False)
        assert outcome(text) == found


@given(texts)
def test_what_is_checked_can_be_split(text: str) -> None:
    try:
        paths.check_path(text)
    except InputError as error:
        assert outcome(text) == error.message
    else:
        assert isinstance(outcome(text), tuple)
