"""`miden block` and `miden car`: what the guide does not show, and what is refused."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from miden.assembly import assemble
from miden.ipld import dagcbor
from miden.ipld.car import CarReader, write_car
from miden.ipld.cid import DAG_CBOR, MAST_FOREST, RAW, Cid
from miden.ipld.mast import node_cid
from miden.ipld.multihash import RPO_256, SHA2_256
from miden.ipld.objects import StoreBlocks
from miden.store.opening import open_store
from tests.support.ipld_data import files, needs_data

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Outcome

    Cli = Callable[..., Outcome]
    Masm = Callable[..., Path]

LEAF = Cid.of(b"leaf", RAW)
ROOT_DATA = dagcbor.encode({"leaf": LEAF, "more": [1, b"x"]})
ROOT = Cid.of(ROOT_DATA)
ABSENT = Cid.of(b"absent", RAW)


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDEN_STORE", str(tmp_path / "store"))
    config = tmp_path / "user.toml"
    config.touch()
    monkeypatch.setenv("MIDEN_CONFIG", str(config))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    blocks = StoreBlocks(open_store(tmp_path / "store", create=True))
    blocks.put_many([(LEAF, b"leaf"), (ROOT, ROOT_DATA)], pin=[ROOT])
    return tmp_path


def car(*blocks: tuple[Cid, bytes], roots: tuple[Cid, ...] = (), version: int = 1) -> bytes:
    file = io.BytesIO()
    write_car(file, roots, blocks, version=version)
    return file.getvalue()


def test_files_are_put_as_they_are_or_as_told(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "elements").write_bytes(bytes(range(8)))
    (tmp_path / "program").write_bytes(assemble("begin add end").to_bytes())
    rows = cli("block", "put", "elements", "program", "--json", "--no-pin").json["put"]
    assert [row["cid"] for row in rows] == [
        str(Cid.of(bytes(range(8)), RAW)),
        str(Cid.of((tmp_path / "program").read_bytes(), MAST_FOREST)),
    ]
    row = cli("block", "put", "elements", "--hash", "rpo256", "--json").json["put"][0]
    assert row["cid"] == str(Cid.of(bytes(range(8)), RAW, RPO_256))
    assert cli("block", "ls", "-l", "--json").json["blocks"][0].keys() >= {"codec", "hash", "bytes", "links", "pins"}
    (tmp_path / "value.json").write_text('{"a":[{"/":{"bytes":"aGk"}},1.5]}')
    cbor, text = (
        cli("block", "put", "value.json", "--json-value", *more, "--json").json["put"][0]["cid"] for more in ((), ("--codec", "dag-json"))
    )
    assert cli("block", "cat", cbor).out == cli("block", "cat", text).out == '{"a":[{"/":{"bytes":"aGk"}},1.5]}\n'
    assert cli("block", "cat", cbor, "--indent").out.count("\n") > 3


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (("put", "junk", "--codec", "dag-cbor"), 3, "InvalidHead"),
        (("put", "junk", "--codec", "mast-node"), 3, "InvalidNode"),
        (("put", "junk", "--hash", "rpo256"), 3, "NotElements"),
        (("put", "junk", "--json-value"), 3, "InvalidText"),
        (("get", str(ABSENT)), 4, "BlockNotFound"),
        (("cat", "0x" + "00" * 32), 4, "BlockNotFound"),
        (("cat", "0x" + "ff" * 32), 3, "InvalidRoot"),
        (("cat", "bafy"), 3, None),
        (("pin", str(ABSENT)), 4, "ObjectNotFound"),
        (("rm", str(ROOT)), 3, "Pinned"),
        (("ls", "--store", "nowhere"), 4, "StoreNotFound"),
    ],
)
def test_what_is_wrong_is_told_with_its_exit_code(cli: Cli, filled: Path, arguments: tuple[str, ...], code: int, kind: str | None) -> None:
    (filled / "junk").write_bytes(b"\xff\xff\xff")
    outcome = cli("block", *arguments, "--json")
    assert outcome.code == code
    assert kind is None or outcome.json["error"]["kind"] == kind


def test_misuse_is_answered_with_the_usage(cli: Cli, filled: Path) -> None:
    (filled / "f").write_bytes(b"f")
    assert cli("block", "put", "f", "--hash", "md5").code == 2
    assert cli("block", "put", "f", "--json-value", "--codec", "raw").code == 2
    (filled / "a.car").write_bytes(car((LEAF, b"leaf")))
    assert cli("car", "extract", "a.car", "-o", "x").code == 2


def test_blocks_are_described_pinned_and_forgotten(cli: Cli, filled: Path) -> None:
    assert cli("block", "ls").out.split() == sorted(map(str, (LEAF, ROOT)))
    stat = cli("block", "stat", ROOT, "--deep", "--json").json
    assert (stat["codec"], stat["links"], stat["pins"], stat["reaches"], stat["missing"]) == ("dag-cbor", 1, ["manual"], 2, [])
    assert cli("block", "links", ROOT, "--json").json["links"] == [str(LEAF)]
    assert cli("block", "pin", LEAF, "--owner", "me").code == 0
    assert cli("store", "pin", "--json").json["pins"].keys() == {"manual", "me"}
    assert cli("store", "ls", "-l", "--json").json["roots"][0]["kind"] == "block"
    key = stat["key"]
    assert cli("store", "stat", key, "--json").json["kind"] == "block"
    assert cli("store", "cat", key, "--json").json["error"]["kind"] == "InvalidRoot"
    assert cli("block", "unpin", LEAF, "--owner", "me").code == 0
    assert cli("block", "unpin", LEAF, "--owner", "me").code == 4
    assert cli("block", "rm", LEAF).code == 0
    assert cli("block", "rm", LEAF, "--json").code == 4
    assert cli("block", "stat", ROOT, "--deep", "--json").json["missing"] == [str(LEAF)]
    assert cli("car", "export", ROOT, "-o", "out.car", "--json").json["error"]["kind"] == "BlockNotFound"
    assert not (filled / "out.car").exists()
    assert cli("car", "export", ROOT, "-o", "out.car", "--partial", "--json").json["blocks"] == 1
    assert cli("car", "export", ROOT, "-o", "out.car", "--json").json["error"]["kind"] == "FileExists"
    assert cli("car", "verify", "out.car").code == 0
    assert cli("car", "verify", "out.car", "--complete", "--json").json["error"]["kind"] == "CarIncomplete"
    done = cli("car", "import", "out.car", "--store", "other", "--json").json
    assert (done["blocks"], done["missing"]) == (1, [str(LEAF)])
    assert cli("block", "rm", ROOT, "--force").code == 0


@pytest.mark.parametrize("version", ["1", "2"])
def test_files_travel_in_files(cli: Cli, tmp_path: Path, version: str) -> None:
    (tmp_path / "one").write_bytes(b"one")
    (tmp_path / "two").write_bytes(b"two")
    made = cli("car", "create", "one", "two", "one", "-o", "a.car", "--car-version", version, "--json").json
    assert (made["blocks"], made["version"], made["bytes"]) == (2, int(version), (tmp_path / "a.car").stat().st_size)
    assert cli("car", "ls", "a.car", "--roots").out.split() == made["roots"]
    assert [row["bytes"] for row in cli("car", "ls", "-l", "a.car", "--json").json["blocks"]] == [3, 3]
    assert cli("car", "extract", "a.car", "-d", "out").code == 0
    assert [(tmp_path / "out" / root).read_bytes() for root in made["roots"]] == [b"one", b"two"]
    assert cli("car", "extract", "a.car", made["roots"][1], "-o", "-").out == "two"
    assert cli("car", "extract", "a.car", str(ABSENT), "--json").json["error"]["kind"] == "BlockNotFound"
    assert cli("car", "verify", "a.car", "--json").json["indexed"] == (version == "2")


@pytest.mark.parametrize(
    ("data", "kind", "code"),
    [
        (b"", "UnexpectedEnd", 3),
        (b"junk", "UnexpectedEnd", 3),
        (car((LEAF, b"leaf"))[:-1], "UnexpectedEnd", 3),
        (car((LEAF, b"fake")), "BlockMismatch", 5),
        (car((Cid.of(b"\xff", DAG_CBOR), b"\xff")), "InvalidHead", 3),
        (car((LEAF, b"leaf"), version=2)[:-1], "InvalidIndex", 3),
        (car((LEAF, b"leaf"), version=2)[:-8] + bytes(8), "WrongIndex", 5),
        (car((node_cid(bytes(32)), b"\x00" + bytes(64))), "BlockMismatch", 5),
    ],
)
def test_files_that_are_wrong_change_nothing(cli: Cli, tmp_path: Path, data: bytes, kind: str, code: int) -> None:
    good = (Cid.of(b"good", RAW), b"good")
    (tmp_path / "bad.car").write_bytes(data)
    open_store(tmp_path / "store", create=True)
    for arguments in (("verify", "bad.car"), ("import", "bad.car")):
        outcome = cli("car", *arguments, "--json")
        assert (outcome.code, outcome.json["error"]["kind"]) == (code, kind)
    assert cli("block", "ls").out == ""
    assert good[0] not in StoreBlocks(open_store(tmp_path / "store"))


def test_blocks_of_unknown_codecs_are_listed_and_not_imported(cli: Cli, tmp_path: Path) -> None:
    strange = Cid.of(b"strange", 0x78, SHA2_256)
    (tmp_path / "strange.car").write_bytes(car((LEAF, b"leaf"), (strange, b"strange"), roots=(strange,)))
    assert cli("car", "verify", "strange.car", "--json").json["unknown"] == 1
    assert cli("car", "ls", "-l", "strange.car").code == 0
    assert cli("car", "import", "strange.car", "--json").json["error"]["kind"] == "UnknownCodec"


def test_the_code_of_a_library_travels_node_by_node(cli: Cli, masm: Masm, tmp_path: Path) -> None:
    path = masm("begin push.1 push.2 if.true add else mul end dyncall end")
    made = cli("car", "create", path, "--nodes", "-o", "p.car", "--json").json
    program = assemble(path.read_text())
    assert made["roots"] == [str(node_cid(program.hash))]
    assert cli("car", "import", "p.car").code == 0
    assert cli("block", "ls").out == "", "nodes are code"
    assert str(node_cid(program.hash)) in cli("block", "ls", "--code").out
    assert cli("car", "export", program.hash.to_hex(), "-o", "q.car").code == 0
    with (tmp_path / "p.car").open("rb") as one, (tmp_path / "q.car").open("rb") as two:
        assert {section.cid for section in CarReader(one)} == {section.cid for section in CarReader(two)}


@needs_data
def test_real_files_are_verified_and_imported(cli: Cli, tmp_path: Path) -> None:
    refused = 0
    for path in files("car", "**/*.car"):
        outcome = cli("car", "verify", path, "--json")
        assert outcome.code in (0, 3, 5), path
        refused += outcome.code != 0
    assert refused >= 5
    [fixtures] = files("codec-fixtures", "fixtures.car")
    done = cli("car", "import", fixtures, "--json")
    assert done.json["blocks"] == 273
    assert len(cli("block", "ls").out.split()) > 200
    assert json.loads(cli("store", "fsck", "--json").out)["findings"] == []
