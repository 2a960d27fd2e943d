"""R35: the attacks that The Update Framework names, on every role, over HTTP. None is accepted, and each would be without its defence.

An attack has the keys that its text says, and no others. It is run twice: first it must be refused, with an error of its
kind; then the one defence that is to stop it is switched off, and it must succeed, so that nobody can take a defence away
and not hear of it. Where several defences stand one behind the other, none is switched off.
"""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tuf.api.metadata import MetaFile, Root, Signed, TargetFile, Targets, VerificationResult
from tuf.ngclient import FetcherInterface

from miden.errors import IntegrityError, MidenError, NetworkError
from miden.registry.http import Budget, HttpClient
from miden.registry.trust import client as client_module
from miden.registry.trust.client import TrustedRegistry
from miden.registry.trust.log import MerkleLog, leaf_hash
from miden.registry.trust.repository import CHECKPOINT
from tests.support.loopback import Reply, serve_replies
from tests.support.signed_registry import CLAIMED, FREE, World, key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

CALM = Budget(connect=10, idle=10, total=60, minimum_rate=1, grace=60)
IMPATIENT = Budget(connect=10, idle=10, total=60, minimum_rate=2000, grace=0.15)
ROLES = ("root", "timestamp", "snapshot", "targets", "registry", "packages", "packages-bin", "ns-acme")
DELEGATED = ROLES[3:]


class Scene:
    """A world, its server, and one client with a state that lasts."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.budget = CALM
        self.world = World()
        self.current: World = self.world
        self._context = serve_replies(self._answer)
        self.url = self._context.__enter__()
        self.pinned = self.world.pinned

    def _answer(self, path: str, headers: Mapping[str, str]) -> Reply:
        return self.current.answer(path, headers)

    def start(self, threshold: int = 1) -> None:
        if threshold > 1:
            self.current = self.world = World(threshold)
            self.pinned = self.world.pinned

    def look(self) -> list[bytes | None]:
        """Return what a client finds that starts anew with the state from before."""
        transport = HttpClient(self.url, budget=self.budget)
        try:
            trusted = TrustedRegistry(transport, self.state, self.pinned)
            trusted.refresh()
            return [trusted.download(CLAIMED), trusted.download(FREE)]
        finally:
            transport.close()

    def close(self) -> None:
        self._context.__exit__(None, None, None)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.close()


def actual(world: World, role: str) -> str:
    return world.repository.role_of(FREE) if role == "packages-bin" else role


# Attacks: what happens to the world between two looks of a client.


def tamper(world: World, role: str) -> None:
    """Change what is signed, keep the signatures; keys above the role were stolen, so that hashes fit."""
    facts = json.loads(world.newest(role))
    facts["signed"]["x-evil"] = True
    world.force(role, json.dumps(facts).encode())


def sign_with_another_key(world: World, role: str) -> None:
    metadata = world.metadata(role)
    metadata.signed.unrecognized_fields["x-evil"] = True
    world.force(role, world.sign(role, metadata, [key("stranger")]))


def sign_in_the_name_of_a_key(world: World, role: str) -> None:
    """Sign with another key, but say it was the right one."""
    metadata = world.metadata(role)
    metadata.signed.unrecognized_fields["x-evil"] = True
    facts = json.loads(world.sign(role, metadata, [key("stranger")]))
    facts["signatures"][0]["keyid"] = world.keys(role)[0].public_key.keyid
    world.force(role, json.dumps(facts).encode())


def sign_with_one_key_of_two(world: World, role: str) -> None:
    metadata = world.metadata(role)
    metadata.signed.unrecognized_fields["x-evil"] = True
    world.force(role, world.sign(role, metadata, world.keys(role)[:1]))


def sign_twice_with_one_key_of_two(world: World, role: str) -> None:
    metadata = world.metadata(role)
    facts = json.loads(world.sign(role, metadata, world.keys(role)[:1]))
    facts["signatures"] *= 2
    world.override(role, Reply(json.dumps(facts).encode()))


def let_expire(world: World, role: str) -> None:
    """Freeze: hold back what is newer than this role's end of life."""
    metadata = world.metadata(role)
    metadata.signed.expires = world.clock() - timedelta(hours=1)
    world.force(role, world.sign(role, metadata))


def roll_back(world: World, role: str) -> None:
    """Bring back an old version, with the keys of timestamp and snapshot where they are needed."""
    repository = world.repository
    if role == "root":
        world.store.save("root", world.store.newest["root"] + 1, world.newest("root"))
    elif role == "timestamp":
        world.override("timestamp", Reply(world.store.files["timestamp"][world.store.newest["timestamp"] - 1]))
    elif role == "snapshot":
        old = world.store.newest["snapshot"] - 1
        world.store.save("snapshot", old, world.store.files["snapshot"][old])
        repository._timestamp()
    else:
        old = world.store.newest[role] - 1
        world.force(role, world.store.files[role][old], old)


def mix(world: World, role: str) -> None:
    """Sign two files of one version with the stolen key of a role, and serve the one that the snapshot does not mean."""
    metadata = world.metadata(role)
    metadata.signed.expires += timedelta(days=1)  # of the same length
    world.override(role, Reply(world.sign(role, metadata)))


def send_without_end(world: World, role: str) -> None:
    """Send a good file and then go on; blanks, so that it would still decode."""
    world.override(role, Reply(world.newest(role) + b" " * 5_000_000))


def send_slowly(world: World, role: str) -> None:
    world.override(role, Reply(world.newest(role), pause=0.001))


def hold_back(world: World, role: str) -> None:
    world.override(role, Reply(status=404))


def swap_types(world: World, role: str) -> None:
    """Serve a well-signed file of another role."""
    other = "snapshot" if role != "snapshot" else "timestamp"
    world.override(role, Reply(world.newest(other)))


def serve_rubbish(world: World, role: str) -> None:
    world.override(role, Reply(b'{"signed": []'))


# Defences: each returns a world to attack in which this one check is missing.


def no_signatures(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    for owner in (Root, Targets):
        patch.setattr(owner, "verify_delegate", lambda self, *rest: None)


def no_thresholds(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    patch.setattr(VerificationResult, "verified", property(lambda self: bool(self.signed)))


def no_expiry(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    patch.setattr(Signed, "is_expired", lambda self, reference_time=None: False)


def no_memory(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    shutil.rmtree(scene.state)


def no_hashes(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    patch.setattr(MetaFile, "verify_length_and_hashes", lambda self, data: None)


def no_lengths(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    patch.setattr(MetaFile, "verify_length_and_hashes", lambda self, data: None)
    patch.setattr(FetcherInterface, "download_bytes", lambda self, url, most: b"".join(self.fetch(url)))


def no_impatience(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    scene.budget = CALM


class Attack(NamedTuple):
    act: Callable[[World, str], None]
    roles: tuple[str, ...]
    kinds: tuple[str, ...]
    defence: Callable[[pytest.MonkeyPatch, Scene], None] | None
    threshold: int = 1


ATTACKS = (
    Attack(tamper, ROLES, ("UnsignedMetadata",), no_signatures),
    Attack(sign_with_another_key, ROLES, ("UnsignedMetadata",), no_signatures),
    Attack(sign_in_the_name_of_a_key, ROLES, ("UnsignedMetadata",), no_signatures),
    Attack(sign_with_one_key_of_two, ROLES, ("UnsignedMetadata",), no_thresholds, 2),
    Attack(sign_twice_with_one_key_of_two, ROLES, ("InvalidMetadata", "TooLong"), None, 2),
    Attack(let_expire, ROLES, ("Expired",), no_expiry),
    Attack(roll_back, ("root",), ("Rollback",), None),
    Attack(roll_back, ROLES[1:], ("Rollback", "LogRewritten"), no_memory),
    Attack(mix, ROLES[2:], ("HashMismatch",), no_hashes),
    Attack(send_without_end, ROLES, ("TooLong",), no_lengths),
    Attack(send_slowly, ROLES, ("TooSlow",), no_impatience),
    Attack(hold_back, ROLES[1:], ("HttpError",), None),
    Attack(swap_types, ROLES, ("InvalidMetadata", "HashMismatch", "TooLong"), None),
    Attack(serve_rubbish, ROLES, ("InvalidMetadata", "HashMismatch"), None),
)
CASES = [pytest.param(attack, role, id=f"{attack.act.__name__}-{role}") for attack in ATTACKS for role in attack.roles]


def attacked(scene: Scene, attack: Attack, role: str) -> None:
    """Let a client look, let time pass, then attack."""
    scene.start(attack.threshold)
    assert scene.look() == [b"first", b"first"]
    scene.world.renew()
    if attack.act is roll_back:
        assert scene.look() == [b"second", b"second"]
    if role == "root" and attack.act not in (roll_back, send_without_end, send_slowly, swap_types, serve_rubbish):
        scene.world.repository._renew("root", scene.world.metadata("root"))
    attack.act(scene.world, actual(scene.world, role))
    if attack.act is send_slowly:
        scene.budget = IMPATIENT


@pytest.mark.parametrize(("attack", "role"), CASES)
def test_an_attack_is_refused_by_its_defence(scene: Scene, attack: Attack, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    attacked(scene, attack, role)
    with pytest.raises(MidenError) as caught:
        scene.look()
    assert caught.value.kind in attack.kinds, caught.value
    assert isinstance(caught.value, (IntegrityError, NetworkError))
    for path in scene.state.rglob("*.json"):  # what was kept is still something that was signed
        assert json.loads(path.read_bytes())["signatures"], path
    if attack.defence is not None:
        attack.defence(monkeypatch, scene)
        assert None not in scene.look()


def test_after_an_attack_the_honest_registry_is_accepted(scene: Scene) -> None:
    """None of the attacks that need no stolen key leaves anything behind that keeps a client from the real registry."""
    assert scene.look() == [b"first", b"first"]
    scene.world.renew()
    for act in (mix, send_without_end, hold_back, swap_types, serve_rubbish):
        for role in ROLES[2:]:
            act(scene.world, actual(scene.world, role))
            with suppress(MidenError):  # what was fetched in an earlier round is not fetched again
                scene.look()
            scene.world.overrides.clear()
    assert scene.look() == [b"second", b"second"]


# Attacks on the whole.


@pytest.mark.parametrize("role", ROLES[1:])
def test_fast_forward_is_recovered_from_by_new_keys(scene: Scene, role: str) -> None:
    """A thief of the online keys signs version 2**31: the registry is out of reach until its root names other keys."""
    world = scene.world
    role = actual(world, role)
    assert scene.look() == [b"first", b"first"]
    metadata, honest, version = world.metadata(role), world.newest(role), world.store.newest[role]
    metadata.signed.version = 2**31
    world.force(role, world.sign(role, metadata), 2**31)
    assert scene.look() == [b"first", b"first"]
    world.force(role, honest, version)
    world.publish(b"second")
    with pytest.raises(IntegrityError) as caught:  # without new keys nothing helps
        scene.look()
    assert caught.value.kind == "Rollback"
    for online in ("timestamp", "snapshot"):
        world.repository.rotate(online, [key(f"new {online}")])
    assert scene.look() == [b"second", b"second"]


@pytest.mark.parametrize("role", [role for role in ROLES if role not in ("packages-bin", "ns-acme")])
def test_keys_can_be_changed_and_the_old_ones_are_refused(scene: Scene, role: str) -> None:
    world = scene.world
    assert scene.look() == [b"first", b"first"]
    old = list(world.keys(role))
    world.repository.rotate(role, [key(f"another {role}")])
    world.publish(b"second")
    assert scene.look() == [b"second", b"second"]
    if role == "root":
        world.repository._renew("root", world.metadata("root"))
    metadata = world.metadata(role)
    metadata.signed.unrecognized_fields["x-evil"] = True
    world.force(role, world.sign(role, metadata, old))
    shutil.rmtree(scene.state)  # a new client: nothing is remembered
    with pytest.raises(IntegrityError) as caught:
        scene.look()
    assert caught.value.kind == "UnsignedMetadata"


def test_a_client_walks_through_many_roots(scene: Scene) -> None:
    for number in range(20):
        scene.world.repository.rotate("root", [key(f"root {number}")])
    assert scene.look() == [b"first", b"first"]


def test_a_root_that_only_its_own_keys_signed_is_refused(scene: Scene) -> None:
    """Somebody who takes over the server cannot bring keys of their own."""
    world = scene.world
    metadata = world.metadata("root")
    metadata.signed.version = 2
    for keyid in list(metadata.signed.roles["root"].keyids):
        metadata.signed.revoke_key(keyid, "root")
    metadata.signed.add_key(key("evil").public_key, "root")
    world.store.save("root", 2, world.sign("root", metadata, [key("evil")]))
    with pytest.raises(IntegrityError) as caught:
        scene.look()
    assert caught.value.kind == "UnsignedMetadata"


def test_the_thief_of_all_online_keys_cannot_speak_for_a_publisher(scene: Scene) -> None:
    """A claimed name that the registry's own key signs does not exist; one that nobody claimed would be taken."""
    world = scene.world
    evil = world.put(CLAIMED, b"evil")
    packages = world.metadata("packages").signed.delegations
    role, _ = next(iter(packages.get_roles_for_target(CLAIMED)))
    metadata = world.metadata(role)
    metadata.signed.targets[CLAIMED] = TargetFile(evil.size, {"sha256": evil.sha256}, CLAIMED)
    world.force(role, world.sign(role, metadata))
    assert scene.look() == [b"first", b"first"]
    empty = world.metadata(world.claim)
    empty.signed.targets.clear()
    world.force(world.claim, world.sign(world.claim, empty))  # even if the publishers took it back
    assert scene.look() == [None, b"first"]
    targets = world.metadata("targets")  # without the claim being the last word, it would be served
    targets.signed.delegations.roles[world.claim].terminating = False
    world.force("targets", world.sign("targets", targets))
    assert scene.look() == [b"evil", b"first"]


def test_a_target_that_was_changed_is_refused(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    world = scene.world
    for name in [name for name, data in world.targets.items() if data == b"first"]:
        world.targets[name] = b"evil!"
    with pytest.raises(IntegrityError) as caught:
        scene.look()
    assert caught.value.kind == "HashMismatch"
    monkeypatch.setattr(TargetFile, "verify_length_and_hashes", lambda self, data: None)
    assert scene.look() == [b"evil!", b"evil!"]


def test_a_registry_that_rewrites_its_history_is_found_out(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """All keys of the registry were stolen, root and all; the log still gives it away to who looked before."""
    world = scene.world
    assert scene.look() == [b"first", b"first"]
    world.publish(b"second")
    world.log = MerkleLog()
    for text in (b"evil", b"second", b"third"):
        world.log.append(leaf_hash(text))
    world.repository.set_targets({CHECKPOINT: world.put(CHECKPOINT, world.checkpoint().to_bytes())})
    world.repository.commit()
    with pytest.raises(IntegrityError) as caught:
        scene.look()
    assert caught.value.kind == "LogRewritten"
    monkeypatch.setattr(client_module, "verify_consistency", lambda *proof: None)
    assert scene.look() == [b"second", b"second"]


def test_two_clients_that_were_shown_different_logs_cannot_both_go_on(scene: Scene, tmp_path: Path) -> None:
    """A split view: whoever was shown the other history refuses the first that is consistent with this one."""
    world = scene.world
    other = MerkleLog()
    other.append(leaf_hash(b"for your eyes only"))
    honest = world.log
    world.log = other
    world.repository.set_targets({CHECKPOINT: world.put(CHECKPOINT, world.checkpoint().to_bytes())})
    world.repository.commit()
    assert scene.look() == [b"first", b"first"]
    world.log = honest
    world.publish(b"second")
    with pytest.raises(IntegrityError) as caught:
        scene.look()
    assert caught.value.kind == "LogRewritten"
    scene.state = tmp_path / "another client"
    assert scene.look() == [b"second", b"second"]


def test_what_is_not_in_the_log_is_found_out(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.look()
    transport = HttpClient(scene.url, budget=CALM)
    trusted = TrustedRegistry(transport, scene.state, scene.pinned)
    trusted.check_logged(b"first")
    with pytest.raises(IntegrityError) as caught:
        trusted.check_logged(b"never published")
    assert caught.value.kind == "NotInLog"
    scene.world.overrides["inclusion"] = Reply(json.dumps({"index": 0, "proof": []}).encode())
    with pytest.raises(IntegrityError) as caught:
        trusted.check_logged(b"never published")
    assert caught.value.kind == "NotInLog"
    monkeypatch.setattr(client_module, "verify_inclusion", lambda *proof: None)
    trusted.check_logged(b"never published")
    transport.close()


def test_what_was_seen_survives_a_wiped_cache(scene: Scene, tmp_path: Path) -> None:
    """Index files may be thrown away; what protects from rollback is kept elsewhere."""
    world = scene.world
    old = {**world.store.newest}
    transport = HttpClient(scene.url, budget=CALM)
    cache = tmp_path / "cache" / "math"
    trusted = TrustedRegistry(transport, scene.state, scene.pinned)
    assert trusted.download(CLAIMED, cache) == b"first"
    assert cache.read_bytes() == b"first"
    world.publish(b"second")
    trusted.refresh()
    assert trusted.download(CLAIMED, cache) == b"second"
    shutil.rmtree(cache.parent)
    world.store.newest.update(old)
    with pytest.raises(IntegrityError) as caught:
        TrustedRegistry(transport, scene.state, scene.pinned).refresh()
    assert caught.value.kind == "Rollback"
    transport.close()


def test_a_damaged_cache_is_fetched_again(scene: Scene, tmp_path: Path) -> None:
    transport = HttpClient(scene.url, budget=CALM)
    trusted = TrustedRegistry(transport, scene.state, scene.pinned)
    cache = tmp_path / "math"
    cache.write_bytes(b"evil!")
    assert trusted.download(CLAIMED, cache) == b"first"
    assert cache.read_bytes() == b"first"
    transport.close()
