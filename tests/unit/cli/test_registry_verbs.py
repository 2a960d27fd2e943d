"""`miden publish`, `search`, `audit`, and `miden registry` with a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from miden.registry.backends.indexed import IndexedRegistry
from tests.support.packages import package_bytes
from tests.support.programs import ROOT
from tests.support.registry_server import RunningRegistry, offline_keys, running_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.unit.cli.conftest import Outcome

    Cli = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDEN_HOME", str(tmp_path / "home"))
    for name in ("MIDEN_REGISTRY", "MIDEN_TOKEN", "MIDEN_STORE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningRegistry]:
    with running_registry(tmp_path) as running:
        monkeypatch.setenv("MIDEN_REGISTRY", running.url)
        monkeypatch.setenv("MIDEN_TOKEN", running.token)
        yield running


@pytest.fixture
def package(tmp_path: Path) -> Callable[..., str]:
    """Return a function that writes a package and returns its path."""

    def write(name: str, version: str = "1.0.0", **more: object) -> str:
        path = tmp_path / f"{name.replace('/', '-')}-{version}.masp"
        path.write_bytes(package_bytes(name, version, **more))
        return str(path)

    return write


def trust(cli: Cli, server: RunningRegistry) -> None:
    outcome = cli("registry", "trust", server.url, server.catalog.folder / "root.json", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["origin"] == server.catalog.origin


def test_publishing_needs_the_root_first_and_then_works(cli: Cli, server: RunningRegistry, package: Callable[..., str]) -> None:
    first, second = package("acme/math", description="sums"), package("acme/math", "1.1.0", value=2, description="sums and more")
    refused = cli("publish", first, "--json")
    assert (refused.code, refused.json["error"]["kind"]) == (3, "RootNeeded")
    trust(cli, server)
    assert cli("publish", first, "--dry-run").code == 0
    assert server.catalog.counts() == (0, 0)
    outcome = cli("publish", first, second, "--json")
    assert outcome.code == 0, outcome.err
    assert [(row["name"], row["version"]) for row in outcome.json["published"]] == [("acme/math", "1.0.0"), ("acme/math", "1.1.0")]
    assert cli("publish", first).code == 0  # the same bytes again
    conflict = cli("publish", package("acme/math", value=9), "--json")
    assert (conflict.code, conflict.json["error"]["kind"]) == (5, "VersionExists")
    assert "acme/math" in cli("search", "SUM").out
    assert cli("search", "nothing like it").out == "nothing was found\n"
    found = cli("search", "math", "--json").json["packages"]
    assert [(row["name"], row["version"]) for row in found] == [("acme/math", "1.1.0")]


@pytest.mark.parametrize("where", ["none", "revoked", "file"])
def test_a_token_comes_from_a_variable_or_a_file(
    cli: Cli, server: RunningRegistry, package: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str
) -> None:
    trust(cli, server)
    monkeypatch.delenv("MIDEN_TOKEN")
    made = cli("registry", "token", "new", server.catalog.folder, "--scope", "publish:*", "--note", "test", "--json").json
    (tmp_path / "token").write_text(made["token"] + "\n")
    if where == "revoked":
        assert cli("registry", "token", "revoke", server.catalog.folder, made["id"]).code == 0
        assert cli("registry", "token", "revoke", server.catalog.folder, made["id"]).code == 4
    listed = cli("registry", "token", "list", server.catalog.folder, "--json").json["tokens"]
    assert {row["note"]: row["state"] for row in listed}["test"] == ("revoked" if where == "revoked" else "valid")
    assert made["token"] not in json.dumps(listed)
    options = [] if where == "none" else ["--token-file", tmp_path / "token"]
    outcome = cli("publish", package("math"), *options, "--json")
    expected = {"none": "TokenNeeded", "revoked": "TokenRevoked", "file": None}[where]
    assert outcome.json.get("error", {}).get("kind") == expected
    assert outcome.code == (0 if expected is None else 3)


def test_scopes_have_to_make_sense(cli: Cli, server: RunningRegistry) -> None:
    for scope in ("publish", "delete:*", "publish:../x", "publish:a/b/*"):
        outcome = cli("registry", "token", "new", server.catalog.folder, "--scope", scope)
        assert outcome.code == 3, scope
    assert cli("registry", "token", "new", server.catalog.folder).code == 3


def test_a_claimed_name_is_published_with_its_key(cli: Cli, server: RunningRegistry, package: Callable[..., str], tmp_path: Path) -> None:
    trust(cli, server)
    assert cli("registry", "keys", "new", tmp_path / "acme.pem").code == 0
    assert (tmp_path / "acme.pem").stat().st_mode & 0o777 == 0o600
    assert cli("registry", "keys", "new", tmp_path / "acme.pem").code == 3  # never overwritten
    claimed = cli("registry", "keys", "claim", server.catalog.folder, "acme/*", "--key", tmp_path / "acme.pem.pub", "--json")
    assert claimed.json["role"] == "ns-acme"
    refused = cli("publish", package("acme/math"), "--json")
    assert (refused.code, refused.json["error"]["kind"]) == (3, "Claimed")
    outcome = cli("publish", package("acme/math"), "--key", tmp_path / "acme.pem")
    assert outcome.code == 0, outcome.err
    yanked = cli("registry", "yank", "acme/math@1.0.0", "--reason", "unsound", "--key", tmp_path / "acme.pem", "--json")
    assert yanked.json["yanked"] == "unsound"
    assert cli("registry", "yank", "acme/math@1.0.0", "--undo", "--key", tmp_path / "acme.pem").code == 0
    assert cli("registry", "yank", "acme/math@1.0.0").code == 3
    rows = {row["role"]: row for row in cli("registry", "keys", "list", server.catalog.folder, "--json").json["roles"]}
    assert (rows["ns-acme"]["here"], rows["root"]["here"]) == (0, 1)
    assert "ns-acme" in cli("registry", "keys", "list", server.catalog.folder).out


@pytest.mark.parametrize("role", ["root", "targets", "timestamp", "snapshot", "registry", "packages"])
def test_keys_can_be_rotated_under_a_running_server(cli: Cli, server: RunningRegistry, package: Callable[..., str], role: str) -> None:
    trust(cli, server)
    assert cli("publish", package("math")).code == 0
    before = sorted(path.name for path in offline_keys(server.catalog).parent.rglob("*.pem"))
    assert cli("registry", "keys", "rotate", server.catalog.folder, "--role", role).code == 0
    after = sorted(path.name for path in offline_keys(server.catalog).parent.rglob("*.pem"))
    assert len(before) == len(after) and before != after
    assert cli("publish", package("math", "1.1.0", value=2)).code == 0
    assert cli("search", "math", "--json").json["packages"][0]["version"] == "1.1.0"
    assert cli("registry", "verify", server.catalog.folder).code == 0


def test_a_rotation_that_stops_half_way_leaves_a_registry_that_works(
    cli: Cli, server: RunningRegistry, package: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """New keys are there before the metadata names them, and old ones until it no longer does."""
    from miden.registry.server.keys import RoleKeys

    trust(cli, server)
    monkeypatch.setattr(RoleKeys, "retire", stop)  # killed after the metadata was changed
    with pytest.raises(KeyboardInterrupt):
        server.catalog.rotate("timestamp", offline_keys(server.catalog))
    assert cli("publish", package("math")).code == 0
    monkeypatch.setattr("miden.registry.server.catalog.SignedRepository.rotate", stop)  # and before, with the new keys there
    with pytest.raises(KeyboardInterrupt):
        server.catalog.rotate("timestamp", offline_keys(server.catalog))
    assert cli("publish", package("math", "1.1.0", value=2)).code == 0
    assert cli("registry", "verify", server.catalog.folder).code == 0


def stop(*_arguments: object) -> None:
    raise KeyboardInterrupt


def test_advisories_reach_those_who_use_what_is_affected(
    cli: Cli, server: RunningRegistry, package: Callable[..., str], tmp_path: Path
) -> None:
    trust(cli, server)
    cli("publish", package("acme/math"), package("other"))
    assert cli("install", "acme/math", "other").code == 0
    clean = cli("audit", "--json")
    assert (clean.code, clean.json["findings"], clean.json["packages"]) == (0, [], 2)
    item = {"id": "X-1", "package": "Acme/Math", "affected": ["<1.0.1"], "severity": "high", "summary": "wrong [sum]"}
    path = tmp_path / "advisories.json"
    path.write_text(json.dumps({"format": 1, "advisories": [item]}))
    assert cli("audit", "--advisories", path).code == 5
    server.catalog.advise(path.read_bytes())
    assert cli("registry", "advise", server.catalog.folder, path).code == 0
    server.catalog.yank("other", "1.0.0", "withdrawn")
    outcome = cli("audit", "--json")
    assert outcome.code == 5
    assert [(row["name"], row["yanked"]) for row in outcome.json["findings"]] == [("acme/math", None), ("other", "withdrawn")]
    text = cli("audit").out
    assert "acme/math 1.0.0: high: wrong [sum] [X-1]" in text
    assert "other 1.0.0: yanked: withdrawn" in text
    path.write_text("{}")
    assert cli("registry", "advise", server.catalog.folder, path).code == 3


def test_audit_of_a_project_looks_at_its_lock(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    IndexedRegistry.create(tmp_path / "folder", "folder").publish(package_bytes("math"))
    monkeypatch.setenv("MIDEN_REGISTRY", str(tmp_path / "folder"))
    assert cli("new", "app").code == 0
    monkeypatch.chdir(tmp_path / "work" / "app")
    assert cli("add", "math").code == 0
    advisory = {"id": "X-1", "package": "math", "affected": ["*"], "severity": "low", "summary": "old"}
    (tmp_path / "folder" / "advisories.json").write_text(json.dumps({"format": 1, "advisories": [advisory]}))
    assert cli("audit", "--json").json["findings"][0]["advisory"]["id"] == "X-1"
    monkeypatch.setenv("MIDEN_HOME", str(tmp_path / "another home"))
    assert cli("audit", "--installed", "--json").json["packages"] == 0


@pytest.mark.parametrize("kind", ["indexed", "directory", "server"])
def test_every_kind_of_registry_can_be_made_and_checked(cli: Cli, tmp_path: Path, kind: str, package: Callable[..., str]) -> None:
    folder = tmp_path / "made"
    outcome = cli("registry", "init", folder, "--kind", kind, "--json")
    assert outcome.code == 0, outcome.err
    if kind == "indexed":
        assert cli("publish", package("math"), "--registry", folder).code == 0
        assert cli("search", "math", "--registry", folder, "--json").json["packages"][0]["name"] == "math"
    elif kind == "directory":
        refused = cli("publish", package("math"), "--registry", folder, "--json")
        assert (refused.code, refused.json["error"]["kind"]) == (3, "ReadOnlyRegistry")
        (folder / "math.masp").write_bytes(package_bytes("math"))
    checked = cli("registry", "verify", folder, "--json")
    assert (checked.code, checked.json["problems"]) == (0, [])
    assert checked.json["versions"] == (0 if kind == "server" else 1)
    if kind != "server":
        [file] = folder.rglob("*.masp")
        file.chmod(0o644)
        data = bytearray(file.read_bytes())
        data[-40] ^= 1
        file.write_bytes(data)
        damaged = cli("registry", "verify", folder, "--json")
        assert (damaged.code, len(damaged.json["problems"])) == (5, 1)
        assert "1 problems" in cli("registry", "verify", folder).out


def test_offline_keys_can_be_elsewhere(cli: Cli, tmp_path: Path, package: Callable[..., str]) -> None:
    folder, vault = tmp_path / "made", tmp_path / "vault"
    assert cli("registry", "init", folder, "--kind", "server", "--offline", vault, "--root-keys", 3, "--threshold", 2).code == 0
    assert len(list(vault.glob("root-*.pem"))) == 3
    assert not list(folder.rglob("root-*.pem"))
    missing = cli("registry", "keys", "rotate", folder, "--role", "root", "--json")
    assert (missing.code, missing.json["error"]["kind"]) == (3, "MissingKey")
    assert cli("registry", "keys", "rotate", folder, "--role", "root", "--offline", vault).code == 0
    rows = {row["role"]: row for row in cli("registry", "keys", "list", folder, "--offline", vault, "--json").json["roles"]}
    assert (rows["root"]["threshold"], len(rows["root"]["keys"]), rows["root"]["here"]) == (2, 3, 3)
    assert cli("registry", "verify", folder).code == 0


def test_what_is_no_registry_is_told(cli: Cli, tmp_path: Path) -> None:
    assert cli("registry", "serve", tmp_path).code == 4
    assert cli("registry", "verify", tmp_path / "nothing").code == 4
    (tmp_path / "registry.db").write_bytes(b"x" * 5000)
    assert cli("registry", "verify", tmp_path, "--json").json["error"]["kind"] == "DamagedDatabase"
    assert cli("registry", "init", tmp_path, "--kind", "server").code == 3
    assert cli("registry", "trust", str(tmp_path), tmp_path / "registry.db").code == 3
    assert cli("publish", "--json").json["error"]["kind"] == "ProjectNotFound"


def test_a_library_that_is_missing_is_named_with_its_extra(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from miden.registry import extras

    def nothing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(extras, "import_module", nothing)
    outcome = cli("registry", "serve", tmp_path, "--json")
    assert (outcome.code, outcome.json["error"]["kind"]) == (2, "MissingExtra")
    assert outcome.json["error"]["hint"] == "pip install 'miden[server]'"


def test_serving_from_the_command_line(cli: Cli, tmp_path: Path, package: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("registry", "init", tmp_path / "made", "--kind", "server").code == 0
    token = cli("registry", "token", "new", tmp_path / "made", "--scope", "publish:*").out.strip()
    command = [sys.executable, "-m", "miden", "registry", "serve", str(tmp_path / "made"), "--bind", "127.0.0.1:0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            text = process.stdout.readline() + process.stdout.readline() + process.stdout.readline()
            url = json.loads(text)["url"]
            assert cli("registry", "trust", url, tmp_path / "made" / "root.json").code == 0
            monkeypatch.setenv("MIDEN_TOKEN", token)
            assert cli("publish", package("math"), "--registry", url).code == 0
        finally:
            process.terminate()
    assert process.returncode in (0, -15)


@pytest.mark.parametrize("bind", ["nonsense", "127.0.0.1:99999", ":80"])
def test_a_place_to_listen_has_to_be_one(cli: Cli, tmp_path: Path, bind: str) -> None:
    assert cli("registry", "serve", tmp_path, "--bind", bind).code == 2
