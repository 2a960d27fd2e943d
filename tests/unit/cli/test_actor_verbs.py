"""`miden actor`: what the guide does not show, and what is refused."""

from __future__ import annotations

import base64
import gzip
import io
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from miden.actors.address import Address
from miden.actors.interfaces import Interface, parse_interface
from miden.actors.interfaces.carried import SECTION
from miden.actors.messages import Message
from miden.actors.methods import method_number
from miden.actors.runtimes.masm.library import assemble_actor
from miden.ipld import dagcbor
from miden.ipld.car import CarReader
from miden.ipld.cid import RAW, Cid
from miden.ipld.objects import StoreBlocks, key_of
from miden.package.package import Package, Section
from miden.store.opening import open_store
from tests.support.ipld_data import files, needs_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.cli.conftest import Outcome

    Cli = Callable[..., Outcome]

EXAMPLES = Path(__file__).parents[3] / "examples" / "actors"

ECHO = """
from __future__ import annotations

from dataclasses import dataclass

from miden.actors.address import Address
from miden.actors.runtimes.native import Actor, method
from miden.ipld.cid import Cid


@dataclass
class Pair:
    one: int
    two: int = 2


class Echo(Actor):
    name = "echo"

    @method
    def all(self, text: str, data: bytes, link: Cid, who: Address, numbers: list[int], flag: bool) -> list[object]:
        return [text, data, str(link), who.to_bytes(), numbers, flag]

    @method
    def log_it(self, text: str) -> None:
        self.log(text)


class Other(Actor):
    name = "other"
"""


MULTISIG = """
actor multisig
method Propose = 2 (to Address, value TokenAmount, method Int, params Bytes) -> (id Int, applied Bool, code Int, result Bytes)
state (signers [Address], threshold Int, nextId Int, initial TokenAmount, start Int, duration Int, pending &Any)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIDEN_STORE", str(tmp_path / "store"))
    config = tmp_path / "user.toml"
    config.touch()
    monkeypatch.setenv("MIDEN_CONFIG", str(config))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("MIDEN_MACHINE", raising=False)
    monkeypatch.chdir(tmp_path)
    for path in EXAMPLES.glob("*"):
        if path.is_file():
            shutil.copy(path, tmp_path)
    return tmp_path


@pytest.fixture
def counter(cli: Cli) -> str:
    """A machine with a counter at 5; its address."""
    cli("actor", "init")
    made: str = cli("actor", "deploy", "counter.py", "start=5", "--interface", "counter.interface", "--json").json["address"]
    return made


def settings(name: str = "machine.json") -> dict[str, object]:
    facts: dict[str, object] = json.loads(Path(name).read_text(encoding="utf-8"))
    return facts


def error(outcome: Outcome, code: int) -> str:
    """Return the kind of the error that a command with --json ended with."""
    assert outcome.code == code
    return str(outcome.json["error"]["kind"])


def test_a_machine_begins_once(cli: Cli) -> None:
    assert error(cli("actor", "state", "--json"), 4) == "MachineNotFound"
    made = cli("actor", "init", "--json").json
    assert made["account"] == "f0100"
    assert settings()["root"] == made["root"]
    assert error(cli("actor", "init", "--json"), 3) == "MachineExists"
    again = cli("actor", "init", "--force", "--prices", "unit", "--profile", "fvm", "--epoch", "9", "--json").json
    assert again["root"] == made["root"], "a beginning is always the same"
    assert (settings()["prices"], settings()["profile"], settings()["epoch"]) == ("unit", "fvm", 9)


def test_machines_are_apart(cli: Cli, counter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other = cli("actor", "init", "--machine", "other.json", "--json").json
    assert len(cli("actor", "state", "--machine", "other.json", "--json").json["actors"]) == 5
    assert len(cli("actor", "state", "--json").json["actors"]) == 6
    monkeypatch.setenv("MIDEN_MACHINE", "other.json")
    assert cli("actor", "state", "--json").json["root"] == other["root"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "no json",
        "\ud800".encode("utf-16", "surrogatepass").decode("latin-1"),
        '{"machine": 2}',
        '{"machine": 1, "root": 7}',
        " " * (1 << 20 | 1),
    ],
    ids=range(8),
)
def test_files_that_are_no_machine(cli: Cli, text: str) -> None:
    Path("machine.json").write_text(text, encoding="utf-8")
    assert error(cli("actor", "state", "--json"), 3) == "InvalidMachine"


def test_values_of_a_machine_file_are_checked(cli: Cli, counter: str) -> None:
    good = settings()
    for name, value in (
        ("root", "bafy"),
        ("prices", "none"),
        ("profile", "none"),
        ("epoch", -1),
        ("python", {"counter.py": 1}),
        ("epoch", 0.5),
    ):
        Path("machine.json").write_text(json.dumps({**good, name: value}), encoding="utf-8")
        outcome = cli("actor", "state", "--json")
        assert outcome.code in (3, 4), name
        assert outcome.json["error"]["kind"]
    Path("machine.json").write_text(json.dumps({**good, "root": str(Cid.of(b"absent"))}), encoding="utf-8")
    assert cli("actor", "state", "--json").code == 4


def test_a_call_changes_the_state_and_a_failed_one_only_the_nonce(cli: Cli, counter: str) -> None:
    before = settings()["root"]
    outcome = cli("actor", "call", counter, "Increment", "by=2", "--json").json
    assert outcome["result"] == {"count": 7}
    assert outcome["root"] == settings()["root"] != before
    assert outcome["receipt"]["events"][0]["entries"][0]["key"] == "count"
    nonce = nonce_of(cli, "f0100")
    assert error(cli("actor", "call", counter, "Increment", f"by={2**63 - 1}", "--json"), 1) == "Overflow"
    assert nonce_of(cli, "f0100") == nonce + 1
    assert cli("actor", "state", counter, "--json").json["value"] == {"count": 7}
    failed = cli("actor", "call", counter, "Increment", f"by={2**63 - 1}")
    assert (failed.code, failed.out) == (1, "")
    assert "the count is at its end" in failed.err
    assert "error[Overflow]" in failed.err


def nonce_of(cli: Cli, address: str) -> int:
    return int(cli("actor", "state", address, "--json").json["nonce"])


def test_calls_that_do_not_fit_are_not_sent(cli: Cli, counter: str) -> None:
    before = settings()["root"]
    for words, code, kind in (
        ([counter, "Increment", "by=-1"], 3, "SchemaMismatch"),
        ([counter, "Increment"], 3, "SchemaMismatch"),
        ([counter, "Increment", "by=1", "to=2"], 3, "SchemaMismatch"),
        ([counter, "Increment", "by=one"], 3, "InvalidValue"),
        ([counter, "Steal"], 4, "UnknownMethod"),
        (["f0999", "Increment", "by=1"], 4, "ActorNotFound"),
        (["f0100", "Increment", "by=1"], 4, "NoInterface"),
        (["x0100", "Increment", "by=1"], 3, "UnknownNetwork"),
        ([counter, "Increment", "by=1", "--from", "f0999"], 1, "SYS_SENDER_INVALID"),
        ([counter, "Increment", "by=1", "--from", counter], 1, "SYS_SENDER_INVALID"),
        ([counter, "Increment", "by=1", "--gas", "1"], 1, "SYS_OUT_OF_GAS"),
    ):
        assert error(cli("actor", "call", *words, "--json"), code) == kind
    assert settings()["root"] == before
    for words in (
        [counter, "Increment", "by"],
        [counter, "Increment", "by=1", "by=1"],
        [counter, "Get", "--params", "xy"],
        [counter, "0", "a=1"],
    ):
        assert cli("actor", "call", *words).code == 2, words
    assert cli("actor", "call", counter, "Get", "--value", "one").code == 2


def test_methods_by_number_and_parameters_as_bytes(cli: Cli, counter: str) -> None:
    number = cli("actor", "inspect", counter, "--json").json["numbers"]["Increment"]
    assert cli("actor", "call", counter, number, "by=1", "--json").json["result"] == {"count": 6}
    assert cli("actor", "call", counter, number, "--params", "8101", "--json").json["result"] == [7]
    assert cli("actor", "call", counter, "Increment", "--params", "0x8101", "--json").json["result"] == [8]
    assert error(cli("actor", "call", counter, "99", "--json"), 1) == "UnknownMethod"
    assert error(cli("actor", "call", counter, "Increment", "by=1", "--read-only", "--json"), 1) == "USR_READ_ONLY"


def test_a_bare_transfer_moves_value_and_makes_accounts(cli: Cli, counter: str) -> None:
    assert cli("actor", "call", counter, "0", "--value", "30").code == 0
    key = Address.from_secp256k1(bytes(65))
    sent = cli("actor", "call", key, "0", "--value", "12", "--json")
    assert sent.json["result"] is None
    assert cli("actor", "state", key, "--json").json["balance"] == "12"
    assert cli("actor", "state", counter, "--json").json["balance"] == "30"
    second = cli("actor", "account", "--balance", "77", "--json").json["account"]
    assert cli("actor", "call", counter, "0", "--from", second, "--value", "77").code == 0
    assert error(cli("actor", "call", counter, "0", "--from", second, "--value", "1", "--json"), 1) == "SYS_INSUFFICIENT_FUNDS"
    assert error(cli("actor", "account", "--address", str(key), "--json"), 3) == "AccountExists"


def test_a_python_file_runs_as_it_was_deployed_or_not_at_all(cli: Cli, counter: str, folder: Path) -> None:
    with (folder / "counter.py").open("a", encoding="utf-8") as file:
        file.write("\n# one more line\n")
    assert error(cli("actor", "call", counter, "Get", "--json"), 5) == "CodeChanged"
    assert cli("actor", "deploy", "counter.py").code == 0
    assert cli("actor", "call", counter, "Get", "--json").json["result"] is not None
    shutil.copy("counter.py", "copy.py")
    assert error(cli("actor", "deploy", "copy.py", "--json"), 3) == "ActorExists"
    (folder / "counter.py").unlink()
    assert cli("actor", "call", counter, "Get", "--json").code == 4


def test_files_that_are_no_code(cli: Cli, folder: Path) -> None:
    cli("actor", "init")
    for name, text, code, kind in (
        ("a.txt", "", 3, "UnknownCode"),
        ("a.wasm", "no wasm", 3, "InvalidWasm"),
        ("none.py", "x = 1", 3, "NoActor"),
        ("broken.py", "x = ", 3, "InvalidPython"),
        ("raises.py", "raise KeyError('x')", 3, "InvalidPython"),
    ):
        (folder / name).write_text(text, encoding="utf-8")
        assert error(cli("actor", "deploy", name, "--json"), code) == kind
    (folder / "echo.py").write_text(ECHO, encoding="utf-8")
    assert error(cli("actor", "deploy", "echo.py", "--json"), 3) == "SeveralActors"
    assert error(cli("actor", "deploy", "echo.py:Nobody", "--json"), 3) == "NoActor"
    assert cli("actor", "deploy", "missing.py", "--json").code == 4
    assert cli("actor", "deploy", "missing.masl", "--json").code == 4
    (folder / "bad.interface").write_text("actor", encoding="utf-8")
    outcome = cli("actor", "deploy", "echo.py:Echo", "--interface", "bad.interface", "--json")
    assert error(outcome, 3) == "InvalidInterface"
    assert "bad.interface: line 1, column 6" in outcome.json["error"]["message"]
    (folder / "bad.interface").write_bytes(b"a\xff")
    assert error(cli("actor", "deploy", "echo.py:Echo", "--interface", "bad.interface", "--json"), 3) == "InvalidText"
    assert settings()["python"] == {}


def test_values_are_read_as_their_types_are_written(cli: Cli, folder: Path) -> None:
    cli("actor", "init")
    (folder / "echo.py").write_text(ECHO, encoding="utf-8")
    echo = cli("actor", "deploy", "echo.py:Echo", "--json").json["address"]
    link = Cid.of(b"x", RAW)
    words = ["text=5 apples", "data=0x0aff", f"link={link}", "who=f0100", "numbers=[1,2]", "flag=true"]
    result = cli("actor", "call", echo, "All", *words, "--json").json["result"]
    assert result == ["5 apples", "0aff", str(link), "0064", [1, 2], True]
    for wrong in ("data=zz", "data=f"):
        assert cli("actor", "call", echo, "All", *words[:1], wrong, *words[2:]).code == 2
    for index, wrong in ((2, "link=x"), (3, "who=100"), (4, "numbers=1"), (4, "numbers=[-1]"), (5, "flag=1"), (5, "flag=yes")):
        assert cli("actor", "call", echo, "All", *words[:index], wrong, *words[index + 1 :]).code == 3, wrong


def test_a_trace_changes_nothing_unless_it_is_kept(cli: Cli, counter: str) -> None:
    before = settings()["root"]
    traced = cli("actor", "trace", counter, "Increment", "by=2", "--json", "--charges").json
    assert settings()["root"] == before
    kinds = {entry["entry"] for entry in traced["entries"]}
    assert kinds == {"gas", "call", "invoke", "ipld", "return"}
    milligas = sum(entry["compute"] + entry["other"] for entry in traced["entries"] if entry["entry"] == "gas")
    assert -(-milligas // 1000) == traced["receipt"]["gas_used"], "the charges are all that was used"
    lines = [json.loads(line) for line in cli("actor", "trace", counter, "Increment", "by=2", "--lines").out.splitlines()]
    assert lines[0]["entry"] == "message"
    assert lines[-1]["entry"] == "receipt"
    assert lines[-1]["gas_used"] == traced["receipt"]["gas_used"]
    assert not any(line["entry"] == "gas" for line in lines)
    assert any(
        json.loads(line)["entry"] == "gas" for line in cli("actor", "trace", counter, "Get", "--lines", "--charges").out.splitlines()
    )
    failed = cli("actor", "trace", counter, "Increment", f"by={2**63 - 1}")
    assert failed.code == 1
    assert "return USR_ILLEGAL_STATE" in failed.out
    assert "the count is at its end" in failed.err
    assert settings()["root"] == before
    assert cli("actor", "trace", counter, "Increment", "by=2", "--keep").code == 0
    assert cli("actor", "state", counter, "--json").json["value"] == {"count": 7}
    assert cli("actor", "trace", counter, "Get", "--lines", "--json").code == 2
    assert "gas OnBlockOpenBase 187,740" in cli("actor", "trace", counter, "Get", "--charges").out


def test_a_trace_names_calls_between_actors(cli: Cli) -> None:
    cli("actor", "init")
    address = cli("actor", "deploy", "approvals.py", "threshold=1", "signers=[100]", "--interface", "approvals.interface", "--json").json[
        "address"
    ]
    cli("actor", "call", address, "0", "--value", "5")
    out = cli("actor", "trace", address, "Propose", "to=f0100", "value=5").out
    assert f"call f0100 -> {address} Propose(to=100, value=5)" in out
    assert f"  call {address} -> f0100 method 0 value 5" in out


def test_interfaces_are_shown_and_written(cli: Cli, counter: str, folder: Path) -> None:
    shown = cli("actor", "inspect", counter, "-o", "counter.block")
    assert "method Increment(by Uint) -> (count Uint)" in shown.out
    block = (folder / "counter.block").read_bytes()
    facts = cli("actor", "inspect", "counter.interface", "--json").json
    assert str(Interface.from_block(block).cid) == facts["cid"]
    assert cli("actor", "inspect", "counter.block", "--json").json == facts
    assert cli("actor", "deploy", "counter.py", "start=1", "--interface", "counter.block").code == 0
    assert "method Get() -> [Uint]" in cli("actor", "inspect", "counter.py:Counter").out
    assert error(cli("actor", "inspect", "f0100", "--json"), 4) == "NoInterface"


def test_states_are_shown_as_their_interface_says(cli: Cli, counter: str) -> None:
    assert cli("actor", "state", counter, "--raw", "--json").json["value"] == [5]
    assert '"count": 5' in cli("actor", "state", counter).out
    listed = cli("actor", "state").out
    assert [line.split()[1] for line in listed.splitlines()[1:]] == ["system", "init", "purse", "purse", "account", "counter"]
    assert error(cli("actor", "state", "f0999", "--json"), 4) == "ActorNotFound"
    some = cli("actor", "state", "--limit", "2")
    assert len(some.out.splitlines()) == 3
    assert "more than 2 actors" in some.err
    assert [cli("actor", "state", "--limit", limit, "--json").json["complete"] for limit in (5, 6)] == [False, True]


def test_a_state_is_pinned_and_goes_whole_to_another_store(cli: Cli, counter: str, folder: Path) -> None:
    """Only the present state is pinned; a CAR file of it has code and interface; from there, the machine runs elsewhere."""
    cli("actor", "call", counter, "Increment", "by=1")
    root = str(settings()["root"])
    with open_store(folder / "store") as store:
        pinned = {owner: keys for owner, keys in store.pins.all().items() if owner.startswith("machine ")}
        assert list(pinned.values()) == [{key_of(Cid.parse(root))}]
    assert cli("store", "gc", "--grace", "0").code == 0
    assert cli("actor", "call", counter, "Get", "--json").json["result"] == {"count": 6}
    assert cli("car", "export", root, "-o", "state.car").code == 0
    cli("store", "init", "elsewhere")
    assert cli("car", "import", "state.car", "--store", "elsewhere").code == 0
    assert cli("actor", "call", counter, "Increment", "by=1", "--store", "elsewhere", "--json").json["result"] == {"count": 7}


def test_code_in_masm_takes_what_it_links_to_along(cli: Cli) -> None:
    cli("actor", "init")
    address = cli("actor", "deploy", "token.masm", "supply=7", "owner=f0100", "--interface", "token.interface", "--json").json["address"]
    assert cli("car", "export", settings()["root"], "-o", "state.car").code == 0
    cli("store", "init", "elsewhere")
    assert cli("car", "import", "state.car", "--store", "elsewhere", "--json").json["missing"] == []
    assert cli("actor", "call", address, "Transfer", "to=f01", "amount=3", "--store", "elsewhere").code == 0
    assert cli("actor", "call", address, "BalanceOf", "id=f0100", "--store", "elsewhere", "--json").json["result"] == {"balance": 4}


@needs_data
def test_a_state_of_mainnet_is_looked_into(cli: Cli, folder: Path) -> None:
    """The blocks that one message needs of the state of the main network, with actors that nothing here runs."""
    vector = json.loads(next(path for path in files("fvm-vectors", "*multisig-Propose*")).read_text(encoding="utf-8"))
    to = Message.from_cbor(base64.b64decode(vector["apply_messages"][0]["bytes"])).to
    root = Cid.parse(vector["preconditions"]["state_tree"]["root_cid"]["/"])
    reader = CarReader(io.BytesIO(gzip.decompress(base64.b64decode(vector["car"]))))
    with open_store(folder / "store", create=True) as store:
        StoreBlocks(store).put_many([(section.cid, section.data) for section in reader])
    facts = {"machine": 1, "root": str(root), "sender": "f0100", "profile": "fvm", "prices": "nv18", "epoch": 2797212, "python": {}}
    Path("machine.json").write_text(json.dumps(facts), encoding="utf-8")
    shown = cli("actor", "state", to, "--json").json
    assert (shown["kind"], shown["value"][1:3]) == ("multisig", [2, 534])
    with open_store(folder / "store") as store:
        state = parse_interface(MULTISIG).decode_state(StoreBlocks(store).get(Cid.parse(shown["state"])) or b"")
    assert (len(state.signers), state.threshold, state.initial, str(state.signers[0])) == (82, 2, 0, "f01858411")
    traced = cli("actor", "trace", to, "2", "--read-only")
    assert traced.code == 1
    assert "no runtime runs code" in traced.out
    assert error(cli("actor", "state", "f04", "--json"), 1) == "BlockNotFound"
    assert settings() == facts


def test_parameters_need_an_interface(cli: Cli, folder: Path) -> None:
    cli("actor", "init")
    start = dagcbor.encode([9]).hex()
    made = cli("actor", "deploy", "counter.py", "--params", start, "--json").json
    assert cli("actor", "state", made["address"], "--raw", "--json").json["value"] == [9]
    assert cli("actor", "deploy", "counter.py", "start=1", "--params", start).code == 2
    (folder / "bare.interface").write_text("actor bare", encoding="utf-8")
    bare = cli("actor", "deploy", "counter.py", "--interface", "bare.interface", "--json").json
    assert cli("actor", "state", bare["address"], "--raw", "--json").json["value"] == [0]
    assert error(cli("actor", "deploy", "counter.py", "start=-1", "--json"), 3) == "SchemaMismatch"
    failed = cli("actor", "deploy", "counter.py", "--params", "ff")
    assert failed.code == 1
    assert "USR_SERIALIZATION" in failed.err


@pytest.mark.parametrize("name", ["counter", "approvals", "token"])
def test_the_samples_are_the_same_in_three_languages(cli: Cli, name: str) -> None:
    """Deployed and called from the command line: equal results, events and states, whatever they are written in."""
    pytest.importorskip("wasmtime", reason="actors in WebAssembly need wasmtime: pip install 'miden[wasm]'")
    start = {"counter": ["start=5"], "approvals": ["threshold=1", "signers=[100]", "--value", "9"], "token": ["supply=90", "owner=f0100"]}
    call = {
        "counter": ["Increment", "by=3"],
        "approvals": ["Propose", "to=f0100", "value=2"],
        "token": ["Transfer", "to=f0777", "amount=8"],
    }
    seen = []
    for kind in ("masm", "wat", "py"):
        cli("actor", "init", "--force")
        made = cli("actor", "deploy", f"{name}.{kind}", *start[name], "--interface", f"{name}.interface", "--json").json
        sent = cli("actor", "call", made["address"], *call[name], "--json").json
        state = cli("actor", "state", made["address"], "--json").json
        seen.append((sent["result"], sent["receipt"]["events_root"], state["state"], state["value"], state["balance"]))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][1] is not None


def test_code_that_does_not_assemble(cli: Cli, folder: Path) -> None:
    pytest.importorskip("wasmtime", reason="actors in WebAssembly need wasmtime: pip install 'miden[wasm]'")
    cli("actor", "init")
    (folder / "bad.wat").write_text("(module (func", encoding="utf-8")
    outcome = cli("actor", "deploy", "bad.wat", "--json")
    assert error(outcome, 3) == "InvalidWat"
    assert "bad.wat does not assemble" in outcome.json["error"]["message"]
    (folder / "bad.wat").write_bytes(b"(module) \xff")
    assert error(cli("actor", "deploy", "bad.wat", "--json"), 3) == "InvalidText"
    (folder / "bad.masm").write_text("pub proc invoke nonsense end", encoding="utf-8")
    assert cli("actor", "deploy", "bad.masm", "--json").code == 3
    (folder / "bad.wasm").write_bytes(b"\0asm\1\0\0\0\xff")
    assert error(cli("actor", "deploy", "bad.wasm", "--json"), 3) == "InvalidWasm"
    (folder / "bad.wasm").write_bytes(b"\0asm\1\0\0\0\1\1\xff")
    assert cli("actor", "deploy", "bad.wasm", "--json").code == 1
    (folder / "bad.masl").write_bytes(b"no library")
    assert cli("actor", "deploy", "bad.masl", "--json").code in (1, 3)
    assert cli("actor", "state", "--json").code == 0


def test_wasm_is_kept_ready_to_run(cli: Cli, folder: Path) -> None:
    pytest.importorskip("wasmtime", reason="actors in WebAssembly need wasmtime: pip install 'miden[wasm]'")
    cli("actor", "init")
    cli("actor", "deploy", "counter.wat", "--interface", "counter.interface")
    assert len(list((folder / "cache" / "miden" / "wasm").iterdir())) == 1
    assert cli("actor", "call", "f0101", "Increment", "by=1", "--json").json["result"] == {"count": 1}


def test_a_package_carries_its_interface(cli: Cli, folder: Path) -> None:
    packed = cli("actor", "package", "counter.masm", "--interface", "counter.interface", "--json").json
    assert packed["output"] == "counter.masp"
    interface = parse_interface((folder / "counter.interface").read_text(encoding="utf-8"))
    assert packed["interface"] == str(interface.cid)
    (folder / "counter.interface").unlink()
    assert cli("actor", "inspect", "counter.masp", "--json").json["cid"] == str(interface.cid)
    assert "actor_interface" in cli("inspect", "counter.masp").out
    cli("actor", "init")
    made = cli("actor", "deploy", "counter.masp", "start=5", "--json").json
    assert (made["code"], made["interface"]) == (packed["code"], str(interface.cid))
    assert cli("actor", "call", made["address"], "Increment", "by=2", "--json").json["result"] == {"count": 7}


def test_a_module_carries_its_interface(cli: Cli, folder: Path) -> None:
    pytest.importorskip("wasmtime", reason="actors in WebAssembly need wasmtime: pip install 'miden[wasm]'")
    cli("actor", "package", "counter.wat", "--interface", "counter.interface")
    cli("actor", "init")
    address = cli("actor", "deploy", "counter.wasm", "start=5", "--json").json["address"]
    assert cli("actor", "call", address, "Increment", "by=2", "--json").json["result"] == {"count": 7}
    assert cli("actor", "inspect", "counter.wasm").out.startswith("actor counter")


def test_code_that_comes_without_a_directory_is_called_by_what_it_carries(cli: Cli, folder: Path) -> None:
    """The state knows no interface: somebody else put the actor there, by a message alone."""
    cli("actor", "package", "counter.masm", "--interface", "counter.interface", "-o", "with.masp")
    cli("actor", "init")
    code = cli("block", "put", "with.masp", "--codec", "mast-forest", "--json").json["put"][0]["cid"]
    first = dagcbor.encode([Cid.parse(code), b"\x81\x05"]).hex()
    receipt = cli("actor", "call", "f01", "2", "--params", first, "--json").json
    assert receipt["receipt"]["exit_code"] == 0
    assert cli("actor", "call", "f0101", "Get", "--json").json["result"] == {"count": 5}
    assert "counter" in cli("actor", "state").out
    assert cli("actor", "inspect", "f0101", "--json").json["numbers"]["Get"] == method_number("Get")


def test_an_interface_that_code_carries_and_is_none(cli: Cli, folder: Path) -> None:
    library = assemble_actor((folder / "counter.masm").read_text(encoding="utf-8"))
    (folder / "bad.masp").write_bytes(Package("bad", library, sections=[Section(SECTION, b"\x80")]).to_bytes())
    assert error(cli("actor", "inspect", "bad.masp", "--json"), 3) == "InvalidInterface"
    cli("actor", "init")
    code = cli("block", "put", "bad.masp", "--codec", "mast-forest", "--json").json["put"][0]["cid"]
    cli("actor", "call", "f01", "2", "--params", dagcbor.encode([Cid.parse(code), b"\x81\x05"]).hex())
    assert "mast-forest" in cli("actor", "state").out
    assert error(cli("actor", "call", "f0101", "Get", "--json"), 3) == "InvalidInterface"


def test_what_cannot_be_packaged(cli: Cli, folder: Path) -> None:
    assert error(cli("actor", "package", "counter.py", "--interface", "counter.interface", "--json"), 3) == "UnknownCode"
    assert error(cli("actor", "inspect", "counter.masm", "--json"), 4) == "NoInterface"
    cli("actor", "package", "counter.masm", "--interface", "counter.interface")
    again = cli("actor", "package", "counter.masm", "--interface", "counter.interface", "--json")
    assert error(again, 3) == "FileExists"
