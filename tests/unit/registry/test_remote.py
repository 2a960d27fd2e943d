"""A registry behind a server: publishing, looking up, fetching, yanking, and working from the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from miden.errors import InputError, IntegrityError, MidenError, NetworkError, NotFoundError
from miden.field import Word
from miden.registry.backends import WritableRegistry, open_registry
from miden.registry.backends.remote import RemoteRegistry
from miden.registry.http import HttpClient
from miden.registry.index import check_package
from miden.registry.server.serving import serving
from miden.registry.trust import client as trust_client
from miden.registry.trust.signing import generate_key, public_pem
from tests.support.loopback import Reply, serve_replies
from tests.support.packages import package_bytes
from tests.support.registry_server import QUICK, RunningRegistry, offline_keys, running_registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from securesystemslib.signer import CryptoSigner


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningRegistry]:
    with running_registry(tmp_path) as running:
        yield running


def claim(server: RunningRegistry, scope: str, *signers: CryptoSigner, threshold: int = 1) -> None:
    paths = []
    for number, signer in enumerate(signers):
        path = server.folder / f"publisher-{number}.pem"
        path.write_bytes(public_pem(signer.public_key))
        paths.append(path)
    server.catalog.claim(scope, paths, threshold, offline_keys(server.catalog))


def test_what_is_published_can_be_fetched(server: RunningRegistry) -> None:
    data = package_bytes("acme/math", "1.2.0", {"acme/base": "^1"}, description="Sums and more")
    publisher, reader = server.client("publisher"), server.client("reader", token=None)
    entry = publisher.publish(data)
    assert entry.id == ("acme/math", "1.2.0")
    [found] = reader.versions("acme/math")
    assert found == entry
    assert check_package(found, reader.fetch(found)).to_bytes() == data
    assert reader.names() == ["acme/math"]
    assert reader.names("SUMS") == ["acme/math"]
    assert reader.search("more") == [("acme/math", "1.2.0", "Sums and more")]
    assert [item.id for item in reader.provides(next(iter(found.exports.values())))] == [entry.id]
    assert reader.provides(Word.from_hex("0x" + "11" * 32)) == []


def test_it_is_a_registry_of_the_protocol(server: RunningRegistry) -> None:
    opened = open_registry(
        server.url, "mine", root=server.root, state=server.folder / "state", cache=server.folder / "cache", budget=QUICK
    )
    assert isinstance(opened, WritableRegistry)
    assert (opened.name, opened.location, opened.versions("nothing")) == ("mine", server.url, [])
    opened.close()


def test_a_version_never_changes(server: RunningRegistry) -> None:
    """R36, on the side of the server: the same bytes again are no error, others are refused, and nothing changes."""
    client = server.client()
    first = client.publish(package_bytes("math", value=1))
    assert client.publish(package_bytes("math", value=1)) == first
    with pytest.raises(IntegrityError) as caught:
        client.publish(package_bytes("math", value=2))
    assert caught.value.kind == "VersionExists"
    with pytest.raises(IntegrityError):  # nor one that differs in its build metadata alone
        client.publish(package_bytes("math", "1.0.0+other", value=2))
    [entry] = server.client("another").versions("math")
    assert entry == first
    assert server.catalog.counts() == (1, 1)
    assert server.catalog.checkpoint().size == 1


@pytest.mark.parametrize(("name", "kind"), [("Math", "NameClash"), ("ma-th", "NameTooSimilar"), ("rnath", "NameTooSimilar")])
def test_names_that_could_be_mistaken_are_refused(server: RunningRegistry, name: str, kind: str) -> None:
    client = server.client()
    client.publish(package_bytes("math"))
    with pytest.raises(InputError) as caught:
        client.publish(package_bytes(name))
    assert caught.value.kind == kind
    assert client.names() == ["math"]


def test_a_yanked_version_stays_and_says_why(server: RunningRegistry) -> None:
    client, reader = server.client(), server.client("reader")
    for version in ("1.0.0", "1.1.0"):
        client.publish(package_bytes("math", version))
    client.yank("math", "1.1.0", "unsound")
    assert [(entry.version, entry.yanked) for entry in reader.versions("math")] == [("1.0.0", None), ("1.1.0", "unsound")]
    reader.fetch(reader.versions("math")[1])
    client.yank("math", "1.1.0", None)
    reader.refresh()
    assert [entry.yanked for entry in reader.versions("math")] == [None, None]
    with pytest.raises(NotFoundError):
        client.yank("math", "9.0.0", "no")
    assert [line.split('"')[3] for line in server.catalog.log_entries(0, 10)] == ["publish", "publish", "yank", "unyank"]


TOKENS = {
    None: "TokenNeeded",
    "nonsense": "TokenNeeded",
    "miden_" + "x" * 43: "TokenUnknown",
}


@pytest.mark.parametrize("token", TOKENS)
def test_without_a_good_token_nothing_is_published(server: RunningRegistry, token: str | None) -> None:
    with pytest.raises(InputError) as caught:
        server.client(token=token).publish(package_bytes("math"))
    assert caught.value.kind == TOKENS[token]
    assert server.catalog.counts() == (0, 0)


def test_a_token_opens_only_its_scope(server: RunningRegistry) -> None:
    server.token = server.make_token("publish:acme/*")
    client = server.client()
    client.publish(package_bytes("acme/math"))
    for name in ("math", "acme", "acme2/math", "other/acme"):
        with pytest.raises(InputError) as caught:
            client.publish(package_bytes(name))
        assert caught.value.kind == "NotAllowed"
    with pytest.raises(InputError) as caught:
        client.yank("acme/math", "1.0.0", "no")
    assert caught.value.kind == "NotAllowed"
    assert client.names() == ["acme/math"]


def test_a_token_ends(server: RunningRegistry) -> None:
    from miden.registry.server.tokens import make_token, revoke_token

    with server.catalog.database.writing() as connection:
        number, token = make_token(connection, ["publish:*"])
        _, old = make_token(connection, ["publish:*"], seconds=-1)
    server.client("a", token=token).publish(package_bytes("math"))
    with server.catalog.database.writing() as connection:
        assert revoke_token(connection, number)
        assert not revoke_token(connection, number)
    for given, kind in ((token, "TokenRevoked"), (old, "TokenExpired")):
        with pytest.raises(InputError) as caught:
            server.client("b", token=given).publish(package_bytes("math", "2.0.0"))
        assert caught.value.kind == kind


def test_publishers_sign_for_what_they_claimed(server: RunningRegistry) -> None:
    """A token is not enough for a claimed name: the key is needed; and with two of three keys, two."""
    one, two, three = (generate_key() for _ in range(3))
    claim(server, "acme/*", one, two, three, threshold=2)
    with pytest.raises(InputError) as caught:
        server.client("a").publish(package_bytes("acme/math"))
    assert caught.value.kind == "Claimed"
    with pytest.raises(MidenError) as refused:
        server.client("b", signers=[one]).publish(package_bytes("acme/math"))
    assert refused.value.kind == "UnsignedMetadata"
    assert server.catalog.counts() == (0, 0)
    both = server.client("c", signers=[one, three])
    both.publish(package_bytes("acme/math"))
    both.publish(package_bytes("acme/math", "1.1.0"))
    both.publish(package_bytes("acme/more"))
    server.client("e").publish(package_bytes("free"))
    reader = server.client("d")
    assert [entry.version for entry in reader.versions("acme/math")] == ["1.0.0", "1.1.0"]
    both.yank("acme/math", "1.1.0", "unsound")
    reader.refresh()
    assert [entry.yanked for entry in reader.versions("acme/math")] == [None, "unsound"]


def test_names_published_before_a_claim_are_signed_by_the_publishers(server: RunningRegistry) -> None:
    server.catalog.publish(package_bytes("acme/math"))
    key = generate_key()
    claim(server, "acme/*", key)
    with pytest.raises(IntegrityError):  # nobody speaks for it now
        server.client("b").versions("acme/math")
    with pytest.raises(InputError) as caught:
        server.client("c", signers=[key]).publish(package_bytes("acme/math", "1.1.0"))
    assert caught.value.kind == "AdoptionNeeded"
    server.client("e", signers=[key], adopt=True).publish(package_bytes("acme/math", "1.1.0"))
    assert [entry.version for entry in server.client("d").versions("acme/math")] == ["1.0.0", "1.1.0"]


def test_https_with_a_certificate_that_is_trusted(server: RunningRegistry, tmp_path: Path) -> None:
    """The same over TLS; a client that does not know the certificate sends nothing, not even its token."""
    certificate, key = self_signed(tmp_path)
    with serving(server.catalog, certificate=certificate, key=key) as url:
        assert url.startswith("https://")
        server.url = url
        known = server.client("known", certificates=str(certificate))
        entry = known.publish(package_bytes("math"))
        assert check_package(entry, known.fetch(entry))
        stranger = server.client("stranger")
        with pytest.raises(NetworkError) as caught:
            stranger.publish(package_bytes("other"))
        assert caught.value.kind == "Unreachable"
        assert "certificate" in caught.value.message
        known.close()
        stranger.close()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Return files of a certificate for this machine and of its key."""
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(datetime.now(UTC)).not_valid_after(datetime.now(UTC) + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    made = builder.sign(key, hashes.SHA256())
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(private)
    return folder / "certificate.pem", folder / "key.pem"


def test_offline_works_from_what_was_seen(server: RunningRegistry) -> None:
    client = server.client()
    client.publish(package_bytes("math"))
    entry = client.versions("math")[0]
    data = client.fetch(entry)
    offline = server.client(offline=True)
    assert offline.versions("math") == [entry]
    assert offline.fetch(entry) == data
    for ask in (lambda: offline.versions("other"), lambda: offline.publish(data), offline.names, lambda: offline.search("x")):
        with pytest.raises(NetworkError) as caught:
            ask()
        assert caught.value.kind == "Offline"


def test_a_damaged_package_in_the_cache_is_fetched_again(server: RunningRegistry) -> None:
    client = server.client()
    client.publish(package_bytes("math"))
    entry = client.versions("math")[0]
    data = client.fetch(entry)
    [file] = (server.folder / "client" / "cache" / "files").iterdir()
    file.chmod(0o644)
    file.write_bytes(b"x" * len(data))
    assert client.fetch(entry) == data
    assert file.read_bytes() == data


def test_a_root_has_to_be_pinned_first(server: RunningRegistry, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        RemoteRegistry(server.url, "new", state=tmp_path / "s", cache=tmp_path / "c", budget=QUICK)
    assert caught.value.kind == "RootNeeded"
    pinned = server.client("pinning")
    pinned.pin(server.root)
    again = server.client("pinning", root=None)
    assert again.names() == []


def test_another_registry_under_the_same_url_is_refused(server: RunningRegistry, tmp_path: Path) -> None:
    with running_registry(tmp_path / "other") as other, pytest.raises(IntegrityError) as caught:
        other.client(root=server.root).refresh()
    assert caught.value.kind == "UnsignedMetadata"


def test_a_package_that_is_not_in_the_log_is_refused(server: RunningRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    client = server.client()
    client.publish(package_bytes("math"))
    with server.catalog.database.writing() as connection:  # what a registry does that hides a version from those who watch it
        connection.execute("UPDATE log_entries SET leaf = x'00'")
    entry = client.versions("math")[0]
    with pytest.raises(IntegrityError) as caught:
        client.fetch(entry)
    assert caught.value.kind == "NotInLog"
    monkeypatch.setattr(trust_client.TrustedRegistry, "check_logged", lambda self, leaf: None)
    client.fetch(entry)


LIES = {
    "names that are none": ("v1/names", b'{"names": ["../../x"]}'),
    "names of the wrong type": ("v1/names", b'{"names": 5}'),
    "a page that never ends": ("v1/names", b'{"names": ["a"]}'),
    "no JSON": ("v1/search", b"<html>"),
    "deep JSON": ("v1/search", b"[" * 100_000),
    "a search for hostile names": ("v1/search", '{"packages": [{"name": "m\u0430th", "version": "1.0.0", "description": ""}]}'.encode()),
    "rows that are none": ("v1/search", b'{"packages": [[]]}'),
    "roots of hostile names": ("v1/provides", b'{"packages": [{"name": "/etc/passwd", "version": "1.0.0"}]}'),
    "a million names": ("v1/names", b'{"names": [' + b'"a",' * 1_000_000 + b'"a"]}'),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_a_server_says_without_signing_it_does_no_harm(server: RunningRegistry, lie: str) -> None:
    """R38: wrong types, hostile names and endless lists are refused with an error of ours, or come to nothing."""
    path, body = LIES[lie]
    client = server.client()

    def answer(asked: str, headers: Mapping[str, str]) -> Reply:
        return Reply(body) if asked.startswith(f"/{path}") else Reply(status=404)

    with serve_replies(answer) as url:
        honest, client._client = client._client, HttpClient(url, budget=QUICK)
        assert honest is not None
        honest.close()
        try:
            found = {"v1/names": client.names, "v1/search": lambda: client.search("x")}.get(
                path, lambda: client.provides(Word.from_hex("0x" + "11" * 32))
            )()
        except MidenError as error:
            assert error.kind in ("InvalidIndex", "InvalidJson", "TooLong", "TooSlow")
        else:
            assert set(found) <= {"a"}


def test_a_million_entries_in_an_index_are_refused() -> None:
    from miden.errors import FormatError
    from miden.registry.trust.entries import read_index_file

    with pytest.raises(FormatError):
        read_index_file(b"{}\n" * 1_000_000, "math")


@pytest.mark.parametrize("other", ["other", "mAth2"])
def test_the_index_file_of_another_name_is_refused(other: str) -> None:
    from miden.errors import FormatError
    from miden.registry.index import describe
    from miden.registry.trust.entries import index_file, read_index_file

    data = index_file([describe(package_bytes("math"))])
    assert len(read_index_file(data, "math")) == 1
    with pytest.raises(FormatError):
        read_index_file(data, other)
    with pytest.raises(FormatError):
        read_index_file(data + data, "math")
