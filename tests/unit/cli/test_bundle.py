"""`miden bundle`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import miden
from miden.package.package import Package

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Outcome

    Cli = Callable[..., Outcome]


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    folder = tmp_path / "modules"
    (folder / "deep").mkdir(parents=True)
    (folder / "math.masm").write_text("pub proc double dup.0 add end", encoding="utf-8")
    (folder / "deep/mod.masm").write_text("use lib::math\npub proc quad exec.math::double exec.math::double end", encoding="utf-8")
    return folder


def test_a_directory_becomes_a_library(cli: Cli, modules: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.masl"
    outcome = cli("bundle", modules, "-o", out, "--namespace", "lib")
    assert outcome.code == 0
    library = miden.Library.from_bytes(out.read_bytes())
    assert list(library.exports) == ["::lib::deep::quad", "::lib::math::double"]
    assert library == miden.Assembler().assemble_library(miden.read_modules(modules, "lib"))
    assert "2 items of 2 modules" in outcome.out


def test_a_file_is_not_replaced_without_force(cli: Cli, modules: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.masl"
    out.write_bytes(b"precious")
    outcome = cli("bundle", modules, "-o", out, "--namespace", "lib")
    assert outcome.code == 3
    assert "--force" in outcome.err
    assert out.read_bytes() == b"precious"
    assert cli("bundle", modules, "-o", out, "--namespace", "lib", "--force").code == 0


def test_the_names_come_from_the_directory(cli: Cli, modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (modules / "deep/mod.masm").unlink()
    assert cli("bundle", "modules").code == 0
    assert list(miden.Library.from_bytes((tmp_path / "modules.masl").read_bytes()).exports) == ["::modules::math::double"]


def test_a_package_has_a_version_and_dependencies(cli: Cli, modules: Path, tmp_path: Path) -> None:
    base = tmp_path / "base.masl"
    cli("bundle", modules, "-o", base, "--namespace", "lib")
    user = tmp_path / "user"
    user.mkdir()
    (user / "a.masm").write_text("use lib::math\npub proc f exec.math::double end", encoding="utf-8")
    assert cli("bundle", user, "-o", tmp_path / "user.masp", "--version", "1.0.0", "--link", base).code == 0
    package = Package.from_bytes((tmp_path / "user.masp").read_bytes())
    assert (package.name, package.version_text) == ("user", "1.0.0")
    assert [item.name for item in package.dependencies] == ["base"]
    assert cli("bundle", user, "-o", tmp_path / "static.masp", "--static", base).code == 0
    assert Package.from_bytes((tmp_path / "static.masp").read_bytes()).dependencies == ()


@pytest.mark.parametrize("arguments", [("-o", "x.txt"), ("-o", "x.masl", "--version", "1.0.0")])
def test_a_wrong_output_is_a_usage_error(cli: Cli, modules: Path, arguments: tuple[str, ...]) -> None:
    assert cli("bundle", modules, *arguments).code == 2


def test_a_kernel_can_be_called(cli: Cli, modules: Path, tmp_path: Path) -> None:
    kernel = tmp_path / "k.masl"
    kernel.write_bytes(miden.Assembler().assemble_kernel("pub proc k caller end").to_bytes())
    (modules / "deep/mod.masm").write_text("pub proc f syscall.k end", encoding="utf-8")
    assert cli("bundle", modules, "-o", tmp_path / "x.masl", "--namespace", "lib").code == 3
    assert cli("bundle", modules, "-o", tmp_path / "x.masl", "--namespace", "lib", "--kernel", kernel).code == 0


def test_what_is_no_library_is_not_linked(cli: Cli, modules: Path, tmp_path: Path) -> None:
    program = tmp_path / "p.masm"
    program.write_text("begin nop end", encoding="utf-8")
    outcome = cli("bundle", modules, "-o", tmp_path / "x.masl", "--link", program)
    assert outcome.code == 3
    assert "holds no library" in outcome.err


def test_a_directory_that_is_not_there_is_an_error(cli: Cli, tmp_path: Path) -> None:
    assert cli("bundle", tmp_path / "none", "-o", tmp_path / "x.masl", "--namespace", "lib").code in (4, 7)
