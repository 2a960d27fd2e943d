"""Settings of a store: what a file may say, who wins, and errors with their line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from miden.errors import InputError, NotFoundError, ProjectError
from miden.store.cache import ArcCache, LruCache
from miden.store.config import OWN_FILE, StoreConfig, parse_size, split_place
from miden.store.providers.lmdb import LmdbProvider
from miden.store.providers.sqlite import SqliteProvider

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = b"""
[store]
path = "/srv/objects"
policy = "procedures"
cache = "64 MiB"
cache-policy = "lru"
quota = 1000000

[[store.remotes]]
kind = "http"
location = "https://one.example"
timeout = 5.0
max-bytes = 1000

[[store.remotes]]
kind = "sqlite"
location = "copy.sqlite"
"""


def test_a_whole_file() -> None:
    config = StoreConfig.from_toml(WHOLE, "c.toml")
    assert config[:5] == ("/srv/objects", "procedures", "64 MiB", "lru", 1000000)
    assert [remote.kind for remote in config.remotes] == ["http", "sqlite"]
    assert config.remotes[0].options == {"timeout": 5.0, "max_bytes": 1000}


def test_an_empty_file_and_no_file_say_nothing(tmp_path: Path) -> None:
    assert StoreConfig.from_toml(b"", "c.toml") == StoreConfig() == StoreConfig.read(tmp_path / "absent.toml")
    assert StoreConfig.from_toml(b"[other]\nx = 1", "c.toml") == StoreConfig()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[store]\n\npolicy = 'tiny'", 1, "policy is one of whole, procedures"),
        ("[store]\ncache = 'lots'", 1, "a size is"),
        ("[store]\ncache = true", 2, "cannot be a bool"),
        ("[store]\nquota = 1.5", 2, "cannot be a float"),
        ("[store]\npath = 5", 2, "cannot be a int"),
        ("[store]\nspeed = 9", 2, "no setting 'speed'"),
        ("store = 5", 1, "store is a table"),
        ("[store]\nremotes = [1]", 2, "a remote is a table"),
        ("[[store.remotes]]\nkind = 'http'", 1, "a remote has a location"),
        ("[store\n", 1, "not TOML"),
    ],
)
def test_what_is_not_understood_is_shown_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(ProjectError) as caught:
        StoreConfig.from_toml(text.encode(), "c.toml")
    assert words in caught.value.message
    assert caught.value.line == line


@pytest.mark.parametrize("text", ["path = 'x'", "remotes = []"])
def test_a_store_cannot_send_its_reader_elsewhere(text: str) -> None:
    with pytest.raises(ProjectError, match="no setting"):
        StoreConfig.from_toml(f"[store]\n{text}".encode(), "c.toml", trusted=False)


def test_settings_of_the_user_win_over_those_of_the_store(tmp_path: Path) -> None:
    own = StoreConfig(policy="procedures", cache="1 MiB", cache_policy="lru")
    StoreConfig(path=str(tmp_path)).open(create=True).close()
    (tmp_path / OWN_FILE).write_text(own.to_toml(), encoding="utf-8")
    with StoreConfig(path=str(tmp_path)).open() as store:
        assert store.policy == "procedures"
        assert isinstance(store.cache, LruCache)
        assert store.cache.budget == 2**20
    with StoreConfig(path=str(tmp_path), cache="none", cache_policy="arc").open() as store:
        assert isinstance(store.cache, ArcCache)
        assert store.cache.budget is None
        assert store.policy == "procedures"
        assert store.fsck().clean


def test_any_provider_can_be_the_store(tmp_path: Path) -> None:
    for place, kind in ((f"sqlite:{tmp_path}/a.sqlite", SqliteProvider), (f"lmdb:{tmp_path}/b", LmdbProvider)):
        with StoreConfig(path=place).open(create=True) as store:
            assert isinstance(store.home, kind)
    with pytest.raises(InputError) as caught:
        StoreConfig(path="tape:1").open()
    assert caught.value.kind == "UnknownProvider"
    with pytest.raises(InputError) as caught:
        StoreConfig().open()
    assert caught.value.kind == "NoStore"
    with pytest.raises(NotFoundError):
        StoreConfig(path=str(tmp_path / "absent")).open()


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("17", 17), ("17 B", 17), ("2KiB", 2048), ("2 kb", 2048), ("1GiB", 2**30), ("3T", 3 * 2**40), ("None", None)],
)
def test_sizes(text: str, size: int | None) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "-1", "1.5 MiB", "MiB", "1 XiB", "١", "9" * 16])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_size(text)
    assert caught.value.kind == "InvalidSize"


def test_places() -> None:
    assert split_place("http://h:1/x") == ("http", "http://h:1/x")
    assert split_place("gs://bucket/x") == ("fsspec", "gs://bucket/x")
    assert split_place("lmdb:rel/path") == ("lmdb", "rel/path")
    assert split_place("./odd:name") == ("filesystem", "./odd:name")
    assert split_place("C:\\objects") == ("filesystem", "C:\\objects")
