"""Processes that install at once, and processes that are killed while they do. Run as a script: WHAT COUNT SEED FOLDER.

It prints one JSON document of figures, or fails. Children are forked, so that a kill costs milliseconds and can come at any
moment of the work, not of the start of an interpreter.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from miden.package.package import Dependency
from miden.registry.backends.indexed import IndexedRegistry
from miden.registry.index import check_package
from miden.registry.install import Installer
from miden.registry.installed import Home
from miden.registry.sources import Sources
from miden.store import open_store
from tests.support.packages import make_package

if TYPE_CHECKING:
    from collections.abc import Callable

    State = frozenset[tuple[str, str]]

LIBRARIES = 4
READERS = 8


def fill(registry: IndexedRegistry) -> None:
    """Publish libraries in two versions, and tools in two versions, each linked with all libraries of its version."""
    for version, value in (("1.0.0", 10), ("1.1.0", 20)):
        linked = []
        for number in range(LIBRARIES):
            package = make_package(f"lib-{number}", version, value=value + number)
            registry.publish(package.to_bytes())
            linked.append(Dependency(package.name, package.digest))
        for tool in range(READERS):
            wanted = linked[: 1 + tool % LIBRARIES]
            registry.publish(make_package(f"tool-{tool}", version, value=value * 7 + tool, linked=wanted).to_bytes())


def open_all(folder: Path) -> tuple[Installer, IndexedRegistry]:
    registry = IndexedRegistry.create(folder / "registry", "local")
    return Installer(Home(folder / "home"), open_store(folder / "store", create=True), Sources.of(registry)), registry


def packages(installer: Installer) -> State:
    return frozenset(installer.home.read().packages)


def closure(tool: int, version: str) -> State:
    return frozenset({(f"tool-{tool}", version), *((f"lib-{number}", version) for number in range(1 + tool % LIBRARIES))})


def in_child(work: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001  the child of a fork reports and ends, whatever happened
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def check(installer: Installer, registry: IndexedRegistry) -> None:
    """Everything that is installed or published is whole, and everything that is installed can be had from the store."""
    assert installer.home.check() == []
    assert installer.store is not None
    findings = installer.store.fsck().findings
    assert not findings, findings
    for item in installer.home.read().packages.values():
        for root in item.entry.exports.values():
            assert installer.store.contains(root)
    for name in registry.names():
        for entry in registry.versions(name):
            check_package(entry, registry.fetch(entry))


def work(folder: Path, what: str, tool: str, data: bytes) -> None:
    """Do one thing, with everything opened anew: locks are not inherited by children."""
    installer, registry = open_all(folder)
    if what == "install":
        installer.install([f"{tool}@=1.0.0"])
    elif what == "upgrade":
        installer.install([f"{tool}@^1"])
    elif what == "publish":
        registry.publish(data)
    else:
        installer.uninstall([tool])
        installer.home.collect(grace=0)
        if installer.store is not None:
            installer.store.gc(grace=0)


def kill(count: int, random: Random, folder: Path) -> dict[str, object]:
    """Kill installs, upgrades, uninstalls and publishes at random moments; look at what is left each time."""
    _, registry = open_all(folder)
    fill(registry)
    published = 0
    kills = finished = 0
    states = {"old": 0, "new": 0}
    took = 0.05
    step = 0
    while kills < count:
        installer, registry = open_all(folder)
        old = packages(installer)
        names = registry.names()
        what = ("install", "upgrade", "publish", "uninstall")[step % 4]
        tool = (step // 4) % READERS
        new, new_names = old, names
        data = make_package(f"new-{published}", value=1000 + published).to_bytes()
        if what == "publish":
            new_names = sorted([*names, f"new-{published}"])
        else:
            new = {"install": closure(tool, "1.0.0"), "upgrade": closure(tool, "1.1.0"), "uninstall": frozenset()}[what]
        started = time.perf_counter()
        child = in_child(lambda what=what, tool=tool, data=data: work(folder, what, f"tool-{tool}", data))  # type: ignore[misc]
        time.sleep(random.random() * took * 1.2)
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            assert status == 0
            finished += 1
            took = (took * 3 + time.perf_counter() - started) / 4
        else:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            kills += 1
        installer, registry = open_all(folder)
        now, now_names = packages(installer), registry.names()
        assert now in (old, new), (what, sorted(now))
        assert now_names in (names, new_names), what
        check(installer, registry)
        done = (now, now_names) == (new, new_names)
        states["new" if done else "old"] += 1
        if done:
            published += what == "publish"
            step += 1
        elif random.random() < 0.5:
            took *= 1.1
    return {"kills": kills, "finished": finished, **states}


def readers(count: int, folder: Path) -> dict[str, object]:
    """Upgrade back and forth under the eyes of readers, who must never see parts of two states."""
    installer, registry = open_all(folder)
    fill(registry)
    installer.install(["tool-3@=1.0.0"])
    stop = folder / "stop"
    whole = {closure(3, "1.0.0"), closure(3, "1.1.0")}

    def read(number: int) -> None:
        home = Home(folder / "home")
        views = 0
        while not stop.exists():
            state = home.read()
            assert frozenset(state.packages) in whole, sorted(state.packages)
            for item in state.packages.values():
                home.data(item.entry)
            views += 1
        (folder / f"views-{number}").write_text(str(views))

    children = [in_child(lambda number=number: read(number)) for number in range(READERS)]  # type: ignore[misc]
    for number in range(count):
        installer.install([f"tool-3@=1.{1 - number % 2}.0"])
    stop.touch()
    failed = sum(os.waitpid(child, 0)[1] != 0 for child in children)
    views = sum(int((folder / f"views-{number}").read_text()) for number in range(READERS)) if not failed else 0
    return {"upgrades": count, "readers": READERS, "views": views, "failed": failed}


def writers(count: int, random: Random, folder: Path) -> dict[str, object]:
    """Install and uninstall packages that overlap from many processes, one of which is killed while it holds the lock."""
    installer, registry = open_all(folder)
    fill(registry)

    def hold() -> None:
        with Home(folder / "home").writing():
            (folder / "held").touch()
            time.sleep(60)

    holder = in_child(hold)
    while not (folder / "held").exists():
        time.sleep(0.001)
    os.kill(holder, signal.SIGKILL)
    os.waitpid(holder, 0)

    def write(number: int) -> None:
        mine, _ = open_all(folder)
        for turn in range(count):
            mine.install([f"tool-{number}@=1.{turn % 2}.0"])
            if turn % 3 == 2 and turn < count - 1:
                mine.uninstall([f"tool-{number}"])

    started = time.perf_counter()
    children = [in_child(lambda number=number: write(number)) for number in range(READERS)]  # type: ignore[misc]
    failed = sum(os.waitpid(child, 0)[1] != 0 for child in children)
    elapsed = time.perf_counter() - started
    installer, registry = open_all(folder)
    last = f"1.{(count - 1) % 2}.0"
    expected = frozenset().union(*(closure(number, last) for number in range(READERS)))
    assert failed or packages(installer) == expected, sorted(packages(installer) ^ expected)
    check(installer, registry)
    return {"processes": READERS, "installs": READERS * count, "failed": failed, "seconds": round(elapsed, 3)}


def main() -> None:
    what, count, seed, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    random = Random(seed)
    figures = {"kill": lambda: kill(count, random, folder), "readers": lambda: readers(count, folder)}
    figures["writers"] = lambda: writers(count, random, folder)
    print(json.dumps(figures[what]()))  # noqa: T201


if __name__ == "__main__":
    main()
