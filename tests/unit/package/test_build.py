"""Building projects: targets, dependencies, kernels, the cache, and what goes wrong."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

import miden
from miden.corelib import core_library
from miden.errors import AssemblyError, ProjectError
from miden.package.cache import BuildCache
from miden.package.linked import CORE_NAME
from miden.package.package import Dependency, Package, PackageKind
from miden.registry.index import describe_package

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]


def manifest(name: str, *parts: str, version: str = "0.1.0") -> str:
    return "\n".join((f'[package]\nname = "{name}"\nversion = "{version}"', *parts))


def depends(*entries: str) -> str:
    return "\n".join(("[dependencies]", *entries))


LIB = '[lib]\npath = "src/mod.masm"'
BIN = '[[bin]]\npath = "src/main.masm"'
MATH = {
    "src/mod.masm": "#! Numbers.\n\npub proc double dup.0 add end\n",
    "src/more.masm": "use mathx::double\npub proc quad exec.double exec.double end\n",
}


@pytest.fixture
def mathx(project: Write) -> Path:
    return project(manifest("mathx", LIB), MATH, name="mathx")


def test_a_library_is_written_as_package_and_library(mathx: Path) -> None:
    [built] = miden.build_project(mathx)
    assert built.paths == [mathx / "target/mathx.masp", mathx / "target/mathx.masl"]
    package = Package.from_bytes(built.paths[0].read_bytes())
    library = miden.Library.from_bytes(built.paths[1].read_bytes())
    assert package.artifact == library
    assert (package.name, package.version_text) == ("mathx", "0.1.0")
    assert list(library.exports) == ["::mathx::double", "::mathx::more::quad"]
    assert built.facts["digest"] == library.digest.to_hex()


def test_a_program_is_an_executable_package(project: Write) -> None:
    folder = project(
        manifest("hello", BIN),
        {"src/main.masm": "use hello::help begin exec.help::f end", "src/help.masm": "pub proc f push.7 swap drop end"},
    )
    [built] = miden.build_project(folder)
    assert built.package.kind is PackageKind.EXECUTABLE
    assert miden.execute(built.package.to_program()).stack[0] == 7
    assert [path.name for path in built.paths] == ["hello.masp"]


@pytest.mark.parametrize("linkage", ["static", "dynamic"])
def test_a_project_links_another(project: Write, mathx: Path, linkage: str) -> None:
    folder = project(
        manifest("hello", BIN, depends(f'mathx = {{ path = "../mathx", version = "^0.1", linkage = "{linkage}" }}')),
        {"src/main.masm": "use mathx::more begin push.3 exec.more::quad swap drop end"},
    )
    [built] = miden.build_project(folder)
    package = built.package
    [mathx_built] = miden.build_project(mathx)
    host = miden.Host()
    if linkage == "dynamic":
        assert [(item.name, item.digest) for item in package.dependencies] == [("mathx", mathx_built.package.digest)]
        host.add_library(mathx_built.package.to_library())
    else:
        assert package.dependencies == ()
    assert miden.execute(package.to_program(), host=host).stack[0] == 12


def test_a_package_file_is_a_dependency(project: Write, mathx: Path) -> None:
    [built] = miden.build_project(mathx)
    for file, version in (
        ("mathx.masp", ', version = "0.1.0"'),
        ("mathx.masl", ""),
        ("mathx.masp", f', digest = "{built.facts["digest"]}"'),
    ):
        entry = f'mathx = {{ path = "../mathx/target/{file}", linkage = "static"{version} }}'
        folder = project(
            manifest("hello", BIN, depends(entry)), {"src/main.masm": "use mathx::double begin push.2 exec.double swap drop end"}
        )
        [hello] = miden.build_project(folder)
        assert miden.execute(hello.package.to_program()).stack[0] == 4


def test_programs_are_built_on_the_library_of_their_project(project: Write) -> None:
    folder = project(
        manifest("demo", LIB, '[[bin]]\nname = "one"\npath = "src/one.masm"', '[[bin]]\nname = "two"\npath = "bin/two.masm"'),
        {
            "src/mod.masm": "pub proc f push.5 end",
            "src/one.masm": "use demo::f begin exec.f swap drop end",
            "bin/two.masm": "use demo::f begin exec.f add.1 swap drop end",
        },
    )
    library, one, two = miden.build_project(folder)
    assert list(library.package.exports) == ["::demo::f"]
    assert [miden.execute(item.package.to_program()).stack[0] for item in (one, two)] == [5, 6]
    assert [path.name for item in (one, two) for path in item.paths] == ["demo-one.masp", "demo-two.masp"]


def test_a_kernel_serves_its_own_programs_and_those_of_others(project: Write) -> None:
    kernel = '[lib]\nkind = "kernel"\npath = "kernel/mod.masm"'
    texts = {
        "kernel/mod.masm": "use $kernel::deep::nine\npub proc nine_or_so exec.nine end",
        "kernel/deep.masm": "pub proc nine push.9 swap drop end",
        "src/main.masm": "begin syscall.nine_or_so end",
    }
    system = project(manifest("system", kernel, BIN), texts, name="system")
    library, own = miden.build_project(system)
    assert library.package.is_kernel
    assert (system / "target/system.masl").is_file()
    user = project(
        manifest("user", BIN, depends('system = { path = "../system" }')), {"src/main.masm": texts["src/main.masm"]}, name="user"
    )
    [other] = miden.build_project(user)
    for built in (own, other):
        program = built.package.to_program()
        assert len(program.kernel) == 1
        assert [item.name for item in built.package.dependencies] == ["system"]
        host = miden.Host()
        host.add_library(library.package.to_library())
        assert miden.execute(program, host=host).stack[0] == 9


def test_what_a_static_library_needs_is_needed_by_its_user(project: Write, mathx: Path) -> None:
    project(
        manifest("middle", LIB, depends('mathx = { path = "../mathx" }')),
        {"src/mod.masm": "use mathx::double\npub proc g exec.double end"},
        name="middle",
    )
    folder = project(
        manifest("top", BIN, depends('middle = { path = "../middle", linkage = "static" }')),
        {"src/main.masm": "use middle::g begin exec.g end"},
    )
    [built] = miden.build_project(folder)
    assert [item.name for item in built.package.dependencies] == ["mathx"]


def test_a_package_that_calls_the_core_library_says_which_one(project: Write) -> None:
    library = project(
        manifest("wide", LIB), {"src/mod.masm": "use miden::core::math::u64\npub proc add exec.u64::wrapping_add end"}, name="wide"
    )
    [wide] = miden.build_project(library)
    core = core_library()
    assert wide.package.dependencies == (Dependency(CORE_NAME, core.digest),)
    folder = project(
        manifest("hello", BIN, depends('wide = { path = "../wide", linkage = "static" }')),
        {"src/main.masm": "begin exec.::wide::add swapw dropw end"},
    )
    [hello] = miden.build_project(folder)
    assert hello.package.dependencies == wide.package.dependencies
    assert miden.execute(hello.package.to_program(), stack=[0, 1, 0, 2]).stack[1] == 3
    assert describe_package(hello.package, b"").linked == ()
    other = miden.Assembler().assemble_library({"miden::core::math::u64": "pub proc wrapping_add add drop drop end"})
    [wide] = miden.build_project(library, core=other)
    assert wide.package.dependencies == (Dependency(CORE_NAME, other.digest),)


def test_profiles_decide_about_debug_information(mathx: Path) -> None:
    [dev], [release] = miden.build_project(mathx), miden.build_project(mathx, profile="release")
    assert not dev.package.forest.debug_info.is_empty
    assert release.package.forest.debug_info.is_empty
    assert dev.facts["digest"] == release.facts["digest"]
    assert release.paths[0] == mathx / "target/release/mathx.masp"


def test_trimmed_paths_say_nothing_of_the_machine(project: Write) -> None:
    folder = project(manifest("mathx", LIB, "[profile.dev]\ntrim-paths = true"), MATH)
    [built] = miden.build_project(folder)
    assert b"src/more.masm" in built.data
    assert str(folder).encode() not in built.data


def test_a_package_carries_its_documentation(mathx: Path) -> None:
    [built] = miden.build_project(mathx)
    data = built.package.section("docs")
    assert data is not None
    assert b"Numbers." in data


def test_an_unchanged_build_is_a_lookup(mathx: Path, tmp_path: Path) -> None:
    cache = BuildCache(tmp_path / "cache")
    [first], [second] = miden.build_project(mathx, cache=cache), miden.build_project(mathx, cache=cache)
    assert (first.cached, second.cached) == (False, True)
    assert first.data == second.data
    assert first.facts == second.facts


def test_a_lookup_writes_what_is_missing_and_nothing_else(mathx: Path, tmp_path: Path) -> None:
    cache = BuildCache(tmp_path / "cache")
    [built] = miden.build_project(mathx, cache=cache)
    before = built.paths[0].stat().st_mtime_ns
    built.paths[1].unlink()
    miden.build_project(mathx, cache=cache)
    assert built.paths[1].is_file()
    assert built.paths[0].stat().st_mtime_ns == before


def test_any_change_is_built_again(project: Write, mathx: Path, tmp_path: Path) -> None:
    cache = BuildCache(tmp_path / "cache")
    entry = depends('mathx = { path = "../mathx", linkage = "static" }')
    folder = project(manifest("hello", BIN, entry), {"src/main.masm": "use mathx::double begin exec.double end"})

    def cached() -> bool:
        return miden.build_project(folder, cache=cache)[0].cached

    assert not cached()
    assert cached()
    (folder / "src/other.masm").write_text("pub proc f nop end", encoding="utf-8")
    assert not cached()
    (mathx / "src/mod.masm").write_text("pub proc double dup.0 add nop end", encoding="utf-8")
    assert not cached()
    project(manifest("hello", BIN, entry, version="0.1.1"))
    assert not cached()
    project(manifest("hello", BIN, entry.replace("static", "dynamic"), version="0.1.1"))
    assert not cached()
    assert cached()


def test_a_damaged_cache_is_built_over(mathx: Path, tmp_path: Path) -> None:
    cache = BuildCache(tmp_path / "cache")
    [first] = miden.build_project(mathx, cache=cache)
    for path in cache.directory.rglob("*"):
        if path.is_file():
            path.write_bytes(b"damage")
    [second] = miden.build_project(mathx, cache=cache)
    assert not second.cached
    assert second.data == first.data


def test_the_second_build_of_a_large_tree_takes_a_twentieth_of_the_first(project: Write, tmp_path: Path) -> None:
    body = "\n".join(
        f"pub proc p{index}\n" + "    dup.1 add swap mul push.7 u32wrapping_add movup.3 drop\n" * 12 + "end" for index in range(10)
    )
    files = {f"src/group{index // 10}/m{index}.masm": body.replace("push.7", f"push.{index + 7}") for index in range(100)}
    folder = project(manifest("tree", LIB), {"src/mod.masm": "pub proc top nop end", **files})
    cache = BuildCache(tmp_path / "cache")
    times = []
    for _ in range(4):
        started = time.perf_counter()
        [built] = miden.build_project(folder, cache=cache)
        times.append(time.perf_counter() - started)
    assert built.facts["exports"] == 1001
    assert times[0] >= 20 * min(times[1:]), times


def test_warnings_come_with_the_build_and_with_the_lookup(project: Write, mathx: Path, tmp_path: Path) -> None:
    folder = project(manifest("hello", BIN, depends('mathx = { path = "../mathx" }')), {"src/main.masm": "use mathx::double begin nop end"})
    cache = BuildCache(tmp_path / "cache")
    [first], [second] = miden.build_project(folder, cache=cache), miden.build_project(folder, cache=cache)
    assert first.facts["warnings"] == second.facts["warnings"] != []
    with pytest.raises(AssemblyError):
        miden.build_project(folder, cache=cache, warnings_as_errors=True)


def problem(folder: Path, **options: str) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        miden.build_project(folder, **options)  # type: ignore[arg-type]
    return caught.value


def test_projects_that_need_each_other_are_refused_with_the_circle(project: Write) -> None:
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        project(manifest(name, LIB, depends(f'{other} = {{ path = "../{other}" }}')), {"src/mod.masm": "pub proc f nop end"}, name=name)
    error = problem(project(manifest("a", LIB, depends('b = { path = "../b" }')), name="a"))
    assert error.kind == "DependencyCycle"
    assert "a -> b -> c -> a" in error.message
    assert error.field == "dependencies.a"


def test_a_long_chain_of_projects_is_no_depth(project: Write) -> None:
    for index in range(300):
        needs = depends(f'p{index + 1} = {{ path = "../p{index + 1}" }}') if index < 299 else ""
        project(manifest(f"p{index}", LIB, needs), {"src/mod.masm": f"pub proc f push.{index} drop end"}, name=f"p{index}")
    [built] = miden.build_project(project(manifest("p0", LIB, depends('p1 = { path = "../p1" }')), name="p0"))
    assert [item.name for item in built.package.dependencies] == [f"p{index}" for index in range(1, 300)]


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ('mathx = { path = "../nowhere" }', "DependencyNotFound"),
        ('mathx = { path = "../mathx/src" }', "DependencyNotFound"),
        ('mathx = "1.0"', "DependencyNotFound"),
        ('other = { path = "../mathx" }', "DependencyMismatch"),
        ('mathx = { path = "../mathx", version = "2" }', "DependencyMismatch"),
        ('mathx = { path = "../mathx", digest = "0x' + "00" * 32 + '" }', "DependencyMismatch"),
        ('mathx = { path = "../mathx/target/mathx.masp", version = "2" }', "DependencyMismatch"),
        ('mathx = { path = "../mathx/target/mathx.masl", version = "0.1.0" }', "DependencyMismatch"),
        ('mathx = { path = "../mathx/target/mathx.masp", digest = "0x' + "00" * 32 + '" }', "DependencyMismatch"),
    ],
)
def test_a_dependency_that_cannot_be_had_is_named(project: Write, mathx: Path, entry: str, kind: str) -> None:
    miden.build_project(mathx)
    folder = project(manifest("hello", BIN, depends(entry)), {"src/main.masm": "begin nop end"})
    error = problem(folder)
    assert (error.kind, error.line) == (kind, 7)


def test_a_program_is_no_dependency(project: Write) -> None:
    project(manifest("tool", BIN), {"src/main.masm": "begin nop end"}, name="tool")
    folder = project(manifest("hello", BIN, depends('tool = { path = "../tool" }')), {"src/main.masm": "begin nop end"})
    assert problem(folder).kind == "NoLibrary"


def test_two_kernels_are_one_too_many(project: Write) -> None:
    for name in ("k1", "k2"):
        project(manifest(name, '[lib]\nkind = "kernel"\npath = "mod.masm"'), {"mod.masm": f"pub proc {name} nop end"}, name=name)
    folder = project(
        manifest("hello", BIN, depends('k1 = { path = "../k1" }', 'k2 = { path = "../k2" }')), {"src/main.masm": "begin nop end"}
    )
    assert problem(folder).kind == "SeveralKernels"


def test_an_unknown_profile_is_refused(mathx: Path) -> None:
    assert problem(mathx, profile="fast").kind == "UnknownProfile"


def test_a_missing_root_module_is_named(project: Write) -> None:
    error = problem(project(manifest("demo", LIB)))
    assert (error.kind, error.field) == ("FileNotFound", "lib.path")


def test_two_files_of_one_module_are_refused(project: Write) -> None:
    folder = project(
        manifest("demo", LIB),
        {"src/mod.masm": "pub proc f nop end", "src/a.masm": "pub proc f nop end", "src/a/mod.masm": "pub proc f nop end"},
    )
    error = problem(folder)
    assert error.kind == "DuplicateModule"
    assert "a.masm" in error.message
    assert "mod.masm" in error.message


def test_a_source_that_leads_out_of_the_project_is_refused(project: Write, tmp_path: Path) -> None:
    (tmp_path / "secret.masm").write_text("pub proc f nop end", encoding="utf-8")
    folder = project(manifest("demo", LIB), {"src/mod.masm": "pub proc f nop end"})
    (folder / "src/link.masm").symlink_to(tmp_path / "secret.masm")
    assert problem(folder).kind == "InvalidPath"


def test_hidden_folders_and_other_projects_are_not_entered(project: Write) -> None:
    folder = project(
        manifest("demo", LIB),
        {"src/mod.masm": "pub proc f nop end", "src/.git/x.masm": "???", "src/inner/miden-project.toml": "", "src/inner/y.masm": "???"},
    )
    assert len(miden.build_project(folder)) == 1


def test_source_that_does_not_assemble_shows_its_place(project: Write) -> None:
    folder = project(manifest("demo", LIB), {"src/mod.masm": "pub proc f push.x end"})
    with pytest.raises(AssemblyError) as caught:
        miden.build_project(folder)
    assert "mod.masm:1" in str(caught.value)
