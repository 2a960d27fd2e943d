"""Interfaces inside of packages and modules."""

from __future__ import annotations

import pytest

from miden.actors.interfaces import parse_interface
from miden.actors.interfaces.carried import SECTION, carried_interface, with_interface
from miden.actors.runtimes.masm.library import assemble_actor
from miden.actors.runtimes.wasm.binary import MAGIC, sized
from miden.assembly import assemble
from miden.errors import FormatError, InputError
from miden.package.container import Container
from miden.package.package import Package, Section

ONE, TWO = parse_interface("actor one method Go()"), parse_interface("actor two type Side enum { | Left } method Go(side Side)")
LIBRARY = assemble_actor("pub proc invoke drop push.0 end")
NOTE = Section("note", b"hi")
CODES = {
    "a library": LIBRARY.to_bytes(),
    "a package": Package("own", LIBRARY, version="1.2.3", sections=[NOTE]).to_bytes(),
    "a program": assemble("begin nop end").to_bytes(),
    "a module": MAGIC,
    "a module with sections": MAGIC + b"\0" + sized(sized(b"name") + b"xyz") + b"\x01" + sized(b"\0") + b"\0" + sized(sized(b"more")),
}


@pytest.mark.parametrize("name", CODES)
def test_code_carries_one_interface(name: str) -> None:
    code = CODES[name]
    assert carried_interface(code) is None
    first = with_interface(code, ONE)
    second = with_interface(first, TWO)
    for made, interface in ((first, ONE), (second, TWO)):
        found = carried_interface(made)
        assert found is not None
        assert found.cid == interface.cid
    assert with_interface(second, ONE) == first, "the same interface makes the same code, whatever was there before"
    assert len(second) - len(first) == len(TWO.to_block()) - len(ONE.to_block()) or name in ("a library", "a program")


def test_the_rest_of_a_package_and_of_a_module_stays() -> None:
    package = Package.from_bytes(with_interface(CODES["a package"], ONE))
    assert (package.name, package.version_text, package.artifact) == ("own", "1.2.3", LIBRARY)
    assert package.sections == (NOTE, Section(SECTION, ONE.to_block()))
    assert with_interface(CODES["a module with sections"], ONE).startswith(CODES["a module with sections"])


@pytest.mark.parametrize(
    "code",
    [
        MAGIC + b"\0" + sized(sized(SECTION.encode()) + b"\x80"),
        MAGIC + b"\0\xff",
        MAGIC + b"\0\x01\x05",
        MAGIC + b"\x01\xff\xff\xff\xff\xff",
        Package("bad", LIBRARY, sections=[Section(SECTION, b"")]).to_bytes(),
        CODES["a package"][:-9],
    ],
)
def test_code_that_does_not_decode_is_refused(code: bytes) -> None:
    with pytest.raises(FormatError):
        carried_interface(code)


def test_what_carries_none() -> None:
    for code in (LIBRARY.forest.to_bytes(), Container.wrap(LIBRARY).to_bytes()):
        assert carried_interface(code) is None
        with pytest.raises(InputError, match="carries no interface"):
            with_interface(code, ONE)
    within = Container.wrap(Package.from_bytes(with_interface(CODES["a package"], ONE)))
    found = carried_interface(within.to_bytes())
    assert found is not None
    assert found.cid == ONE.cid
    assert carried_interface(b"native:counter") is None
    with pytest.raises(FormatError):
        with_interface(b"begin end", ONE)
