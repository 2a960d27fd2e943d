"""Project files: what they say, and what is wrong with them, by line and field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from miden.errors import ProjectError
from miden.package.project import Project, find_project, valid_name

if TYPE_CHECKING:
    from pathlib import Path

HEAD = '[package]\nname = "demo"\nversion = "1.0.0"\n'

PROTOCOL = """\
[package]
name = "miden-protocol"
version = "0.1.0"
description = "The protocol"

[package.metadata.network]
endpoint = "local"

[lib]
namespace = "miden::protocol"
path = "lib/mod.masm"

[[bin]]
name = "entry"
path = "bin/main.masm"

[[bin]]
name = "entry-alt"
path = "bin/main-alt.masm"

[dependencies]
miden-utils = { path = "../utils", linkage = "static", version = "~0.2" }
miden-tx = { path = "../kernel.masp" }

[profile.test]
inherits = "dev"
network = "local"

[profile.release]
debug = true
trim-paths = false

[lints.miden]
unused = "error"
"""


def read(text: str | bytes, folder: Path) -> Project:
    return Project(text.encode() if isinstance(text, str) else text, folder)


def problem(text: str | bytes, folder: Path) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        read(text, folder)
    return caught.value


def test_everything_of_a_whole_file_is_read(tmp_path: Path) -> None:
    project = read(PROTOCOL, tmp_path)
    assert (project.name, project.version, project.description) == ("miden-protocol", "0.1.0", "The protocol")
    assert project.lib is not None
    assert (project.lib.kind, project.lib.namespace, project.lib.root) == ("library", "miden::protocol", tmp_path / "lib/mod.masm")
    assert [(target.name, target.file_stem) for target in project.bins] == [
        ("miden-protocol:entry", "miden-protocol-entry"),
        ("miden-protocol:entry-alt", "miden-protocol-entry-alt"),
    ]
    utils = project.dependencies["miden-utils"]
    assert utils.linkage == "static"
    assert utils.path == tmp_path.parent / "utils"
    assert utils.requirement is not None
    assert utils.requirement.accepts("0.2.5")
    assert project.dependencies["miden-tx"].linkage == "dynamic"
    assert {name: (item.debug, item.trim_paths) for name, item in project.profiles.items()} == {
        "dev": (True, False),
        "release": (True, False),
        "test": (True, False),
    }


def test_a_project_without_targets_is_a_library(tmp_path: Path) -> None:
    project = read(HEAD, tmp_path)
    assert project.lib is not None
    assert (project.lib.root, project.lib.namespace) == (tmp_path / "mod.masm", "demo")
    assert not project.bins


def test_a_program_alone_has_the_name_of_the_project(tmp_path: Path) -> None:
    project = read(HEAD + '[[bin]]\npath = "main.masm"\n', tmp_path)
    assert project.lib is None
    assert [target.name for target in project.targets] == ["demo"]


def test_a_kernel_has_the_namespace_of_kernels(tmp_path: Path) -> None:
    project = read(HEAD + '[lib]\nkind = "kernel"\npath = "k.masm"\n', tmp_path)
    assert project.lib is not None
    assert project.lib.namespace == "$kernel"


def test_a_name_with_a_dash_is_a_quoted_namespace(tmp_path: Path) -> None:
    project = read(HEAD.replace("demo", "de-mo"), tmp_path)
    assert project.lib is not None
    assert project.lib.namespace == '"de-mo"'


@pytest.mark.parametrize(
    ("text", "kind", "field", "line"),
    [
        ("", "MissingField", None, None),
        ("package = 3", "InvalidField", "package", 1),
        ('[package]\nname = "a"', "MissingField", "package", 1),
        ('[package]\nversion = "1.0.0"', "MissingField", "package", 1),
        ('[package]\nname = "a"\nversion = "1"', "InvalidVersion", "package.version", 3),
        ('[package]\nname = "a"\nversion = 1', "InvalidField", "package.version", 3),
        ('[package]\nname = "a"\nversion.workspace = true', "UnsupportedProject", "package.version", 3),
        ('[package]\nname = "a/b/c"\nversion = "1.0.0"', "InvalidName", "package.name", 2),
        ('[package]\nname = "CON"\nversion = "1.0.0"', "InvalidName", "package.name", 2),
        (HEAD + 'licence = "MIT"', "UnknownField", "package.licence", 4),
        ("[workspace]\nmembers = []", "UnsupportedProject", "workspace", 1),
        (HEAD + '[libs]\npath = "a"', "UnknownField", "libs", 4),
        (HEAD + "[lib]\npath = 3", "InvalidField", "lib.path", 5),
        (HEAD + '[lib]\nkind = "thing"', "InvalidKind", "lib.kind", 5),
        (HEAD + '[lib]\nnamespace = "$exec"', "InvalidNamespace", "lib.namespace", 5),
        (HEAD + '[bin]\npath = "a"', "InvalidProject", "bin", 4),
        (HEAD + '[[bin]]\nname = "a"', "MissingField", "bin.0", 4),
        (HEAD + '[[bin]]\nname = "a"\npath = "a"\n[[bin]]\npath = "b"', "MissingField", "bin.1", 7),
        (HEAD + '[[bin]]\nname = "a"\npath = "a"\n[[bin]]\nname = "a"\npath = "b"', "DuplicateTarget", "bin.1.name", 8),
        (HEAD + '[[bin]]\npath = "../a"', "InvalidPath", "bin.0.path", 5),
        (HEAD + "[dependencies]\nx = 3", "InvalidProject", "dependencies.x", 5),
        (HEAD + "[dependencies]\nx = {}", "MissingField", "dependencies.x", 5),
        (HEAD + '[dependencies]\nx = { git = "u", branch = "main" }', "UnsupportedProject", "dependencies.x", 5),
        (HEAD + "[dependencies]\nx.workspace = true", "UnsupportedProject", "dependencies.x", 5),
        (HEAD + '[dependencies]\nx = { path = "../x", linkage = "weak" }', "InvalidLinkage", "dependencies.x.linkage", 5),
        (HEAD + '[dependencies]\nx = { path = "/x" }', "InvalidPath", "dependencies.x.path", 5),
        (HEAD + '[dependencies]\nx = "nonsense"', "InvalidRequirement", "dependencies.x", 5),
        (HEAD + '[dependencies]\n"../x" = "1"', "InvalidName", "dependencies.../x", 5),
        (HEAD + '[profile.fast]\ninherits = "none"', "UnknownProfile", "profile.fast.inherits", 5),
        (HEAD + '[profile.fast]\ndebug = "yes"', "InvalidField", "profile.fast.debug", 5),
        (HEAD + '[profile."../x"]\ndebug = true', "InvalidName", "profile.../x", 4),
    ],
)
def test_a_wrong_field_is_named_with_its_line(tmp_path: Path, text: str, kind: str, field: str | None, line: int | None) -> None:
    error = problem(text, tmp_path)
    assert (error.kind, error.field) == (kind, field)
    assert error.line == line
    assert error.to_dict()["path"] == str(tmp_path / "miden-project.toml")
    assert error.exit_code == 3


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x.masm", "a/../../x.masm", "C:/x.masm", "a\\\\b.masm", "a\\u0000b"])
def test_paths_of_targets_stay_inside(tmp_path: Path, path: str) -> None:
    assert problem(HEAD + f'[[bin]]\npath = "{path}"', tmp_path).kind == "InvalidPath"


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "src").symlink_to(outside)
    assert problem(HEAD + '[lib]\npath = "src/mod.masm"', folder).kind == "InvalidPath"


@pytest.mark.parametrize(
    "text",
    [
        b"[package",
        b'name = "\xff"',
        b"x = " + b"[" * 5000,
        b"x = " + b"9" * 5000,
        b"a = 1\na = 2",
        b"#" * (2**20 + 1),
    ],
    ids=["syntax", "utf8", "nesting", "number", "twice", "size"],
)
def test_what_is_not_toml_is_refused(tmp_path: Path, text: bytes) -> None:
    assert problem(text, tmp_path).kind == "InvalidToml"


def test_an_error_shows_the_line(tmp_path: Path) -> None:
    error = problem(HEAD + '[lib]\nkind = "thing"', tmp_path)
    assert error.diagnostic is not None
    assert error.diagnostic.source is not None
    assert error.diagnostic.source.text[error.diagnostic.start : error.diagnostic.end] == 'kind = "thing"'


def test_an_unknown_field_suggests_the_nearest(tmp_path: Path) -> None:
    assert problem(HEAD + '[lib]\nnamspace = "a"', tmp_path).hint == "did you mean namespace?"


@pytest.mark.parametrize("name", ["a", "_", "a-b_c9", "A" * 64])
def test_plain_names_are_names(name: str) -> None:
    assert valid_name(name)


@pytest.mark.parametrize("name", ["", "9a", "-a", "a.b", "a b", "é", "..", "nul", "COM1", "a" * 65, "a\n"])
def test_names_that_are_no_files_are_no_names(name: str) -> None:
    assert not valid_name(name)


def test_the_nearest_project_above_is_found(tmp_path: Path) -> None:
    (tmp_path / "miden-project.toml").write_text(HEAD, encoding="utf-8")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert find_project(deep) == tmp_path
