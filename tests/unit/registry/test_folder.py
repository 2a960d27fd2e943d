"""Folders that are held open: no link is followed, whenever it appears. (R34.)"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from miden.errors import FormatError, IntegrityError, MidenError
from miden.registry.backends.directory import DirectoryRegistry
from miden.registry.backends.indexed import IndexedRegistry
from miden.registry.folder import TEMPORARY, Folder
from miden.registry.installed import Home
from tests.support.packages import make_package, package_bytes

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = int(os.environ.get("MIDEN_RACES", "1000"))


def test_a_link_is_refused_wherever_it_stands(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real" / "away").symlink_to("file")
    (tmp_path / "real" / "inner").symlink_to("..")
    os.mkfifo(tmp_path / "real" / "pipe")
    with pytest.raises(IntegrityError) as caught:
        Folder(tmp_path / "link")
    assert caught.value.kind == "LinkRefused"
    with Folder(tmp_path / "real") as folder:
        with pytest.raises(IntegrityError):
            folder.child("inner")
        for name in ("away", "pipe", "../x", "inner"):
            with pytest.raises(IntegrityError):
                folder.read(name)
        assert sorted(folder.names()) == ["file"]
        assert not folder.has("away")
        folder.write("away", b"y")
        assert (tmp_path / "real" / "file").read_bytes() == b"x"
        assert not (tmp_path / "real" / "away").is_symlink()


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(101))
    with Folder(tmp_path) as folder, pytest.raises(FormatError, match="more than 100 bytes"):
        folder.read("big", limit=100)


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with Folder(tmp_path) as folder:
        folder.write("file", b"old")
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space"):
            folder.write("file", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"old")]


def test_what_was_never_finished_is_not_listed_and_is_swept(tmp_path: Path) -> None:
    (tmp_path / f"{TEMPORARY}1-2").write_bytes(b"half")
    with Folder(tmp_path) as folder:
        assert list(folder.names()) == []
        assert folder.sweep(older_than=3600) == 0
        assert folder.sweep(older_than=0) == 1


def test_folders_are_private_and_packages_are_read_only(tmp_path: Path) -> None:
    registry = IndexedRegistry.create(tmp_path / "registry", "local")
    entry = registry.publish(make_package("math").to_bytes())
    home = Home(tmp_path / "home")
    home.put(entry, registry.fetch(entry))
    folders = [tmp_path / "home", *(path for path in (tmp_path / "home").rglob("*") if path.is_dir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
    files = [*(tmp_path / "home").rglob("*.masp"), *(tmp_path / "registry").rglob("*.masp")]
    assert len(files) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o444}


def test_a_directory_that_becomes_a_link_while_it_is_written_to_leads_nowhere(tmp_path: Path) -> None:
    """Somebody swaps the folders of packages for links to another place, again and again, while packages are put there."""
    outside = tmp_path / "outside"
    outside.mkdir()
    data = package_bytes("math")
    registry = IndexedRegistry.create(tmp_path / "registry", "local")
    entry = registry.publish(data)
    home = Home(tmp_path / "home")
    fan = tmp_path / "home" / "packages" / entry.blake3[:2]
    away = tmp_path / "home" / "packages" / "away"
    done = threading.Event()
    swaps = 0

    def swap() -> None:
        nonlocal swaps
        while not done.is_set():
            with contextlib.suppress(OSError):
                shutil.rmtree(away, ignore_errors=True)  # where a package was put while the link was not there yet
                fan.rename(away)
                fan.symlink_to(outside)
                swaps += 1
                fan.unlink()
                away.rename(fan)

    attacker = threading.Thread(target=swap)
    home.put(entry, data)
    attacker.start()
    refused = 0
    try:
        for _ in range(ROUNDS):
            try:
                home.put(entry, data)
                home.data(entry)
            except (MidenError, OSError):
                refused += 1
    finally:
        done.set()
        attacker.join()
    assert list(outside.iterdir()) == []
    assert swaps > ROUNDS // 100
    assert refused > 0


def test_links_in_a_folder_of_packages_are_not_packages(tmp_path: Path) -> None:
    outside = tmp_path / "outside.masp"
    outside.write_bytes(package_bytes("secret"))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.masp").symlink_to(outside)
    (folder / "b.masp").mkdir()
    (folder / "c.masp").write_bytes(package_bytes("math"))
    assert DirectoryRegistry(folder, "folder").names() == ["math"]
