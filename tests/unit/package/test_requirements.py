"""Requirements on versions, with the meaning they have in Cargo."""

from __future__ import annotations

import pytest

import miden
from miden.errors import InputError
from miden.package.requirements import Requirement

DIGEST = miden.Word((1, 2, 3, 4))


@pytest.mark.parametrize(
    ("text", "accepted", "refused"),
    [
        ("1.2.3", ["1.2.3", "1.9.0"], ["1.2.2", "2.0.0", "1.3.0-rc.1", "2.0.0-rc.1"]),
        ("^1.2.3", ["1.2.3", "1.9.0"], ["1.2.2", "2.0.0"]),
        ("^1.2", ["1.2.0", "1.9.0"], ["1.1.9", "2.0.0"]),
        ("^1", ["1.0.0", "1.9.0"], ["0.9.0", "2.0.0"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0", "0.2.2"]),
        ("^0.0.3", ["0.0.3"], ["0.0.4", "0.0.2"]),
        ("^0.0", ["0.0.0", "0.0.9"], ["0.1.0"]),
        ("^0", ["0.0.0", "0.9.0"], ["1.0.0"]),
        ("~1.2.3", ["1.2.3", "1.2.9"], ["1.3.0", "1.2.2"]),
        ("~1.2", ["1.2.0", "1.2.9"], ["1.3.0"]),
        ("~1", ["1.0.0", "1.9.0"], ["2.0.0"]),
        ("~> 0.1.0", ["0.1.5"], ["0.2.0"]),
        ("=1.2.3", ["1.2.3"], ["1.2.4", "1.2.3-rc.1"]),
        ("=1.2", ["1.2.0", "1.2.9"], ["1.3.0"]),
        ("=1", ["1.0.0", "1.9.9"], ["2.0.0"]),
        (">1.2.3", ["1.2.4", "2.0.0"], ["1.2.3"]),
        (">1.2", ["1.3.0"], ["1.2.9"]),
        (">=1.2", ["1.2.0", "3.0.0"], ["1.1.9"]),
        ("<2", ["1.9.9"], ["2.0.0", "2.0.0-rc.1"]),
        ("<=2", ["2.9.9"], ["3.0.0"]),
        (">=1.2, <1.5", ["1.2.0", "1.4.9"], ["1.5.0"]),
        ("*", ["0.0.1", "9.9.9"], []),
        ("1.*", ["1.0.0", "1.9.0"], ["2.0.0"]),
        ("1.2.*", ["1.2.0", "1.2.9"], ["1.3.0"]),
        ("0.*", ["0.9.0"], ["1.0.0"]),
        ("1.2.3-rc.2", ["1.2.3-rc.2", "1.2.3-rc.10", "1.2.3", "1.3.0"], ["1.2.3-rc.1", "1.3.0-rc.3"]),
    ],
)
def test_requirements_accept_what_cargo_accepts(text: str, accepted: list[str], refused: list[str]) -> None:
    requirement = Requirement(text)
    assert [version for version in accepted if not requirement.accepts(version)] == []
    assert [version for version in refused if requirement.accepts(version)] == []


def test_a_digest_is_a_requirement() -> None:
    requirement = Requirement(DIGEST.to_hex())
    assert requirement.accepts("1.0.0", DIGEST)
    assert requirement.accepts(None, DIGEST)
    assert not requirement.accepts("1.0.0", miden.Word((1, 2, 3, 5)))
    assert not requirement.accepts("1.0.0")


def test_a_version_and_its_digest_are_a_requirement() -> None:
    requirement = Requirement(f"1.2.3#{DIGEST.to_hex()}")
    assert requirement.accepts("1.2.3", DIGEST)
    assert not requirement.accepts("1.2.4", DIGEST)
    assert not requirement.accepts("1.2.3")


def test_a_package_without_a_version_meets_no_requirement_on_one() -> None:
    assert not Requirement("1").accepts(None)
    assert Requirement("*").accepts(None)


@pytest.mark.parametrize(
    "text",
    ["", "a", "1..2", "1.2.3.4", "1,", ",1", "^", "1 2", "=>1", "0x12", "1.2#", "1.2.3#0x00", "1.2-rc", "1" * 25, "9" * 300, "1.*-a"],
)
def test_what_is_no_requirement_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        Requirement(text)
    assert caught.value.kind == "InvalidRequirement"
