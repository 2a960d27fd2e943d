"""`miden new`: a project to start from."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, flag, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console

PROGRAM = """\
#! Adds the two values on top of the stack.
#!
#! Inputs:  [a, b]
#! Outputs: [a + b]
begin
    add
end
"""
INPUTS = """\
{
    "operand_stack": ["5", "3"]
}
"""
LIBRARY = """\
#! What {name} can do.

#! Doubles the value on top of the stack.
#!
#! Inputs:  [a]
#! Outputs: [2 * a]
pub proc double(a: felt) -> felt
    dup add
end
"""
KERNEL = """\
#! The kernel {name}: procedures that programs reach by syscall.

#! Tells who called: the hash of the calling procedure.
#!
#! Inputs:  []
#! Outputs: [CALLER]
pub proc whoami
    caller
end
"""


def project_files(name: str, kind: str) -> dict[str, str]:
    """Return the files of a new project of kind program, library or kernel: path -> text."""
    head = f'[package]\nname = "{name}"\nversion = "0.1.0"\n'
    ignored = {".gitignore": "/target/\n"}
    if kind == "program":
        manifest = f'{head}\n[[bin]]\npath = "src/main.masm"\n'
        return {"miden-project.toml": manifest, "src/main.masm": PROGRAM, "src/main.inputs": INPUTS, **ignored}
    if kind == "kernel":
        return {
            "miden-project.toml": f'{head}\n[lib]\nkind = "kernel"\npath = "src/mod.masm"\n',
            "src/mod.masm": KERNEL.format(name=name),
            **ignored,
        }
    namespace = name.replace("-", "_")
    manifest = f'{head}\n[lib]\nnamespace = "{namespace}"\npath = "src/mod.masm"\n'
    return {"miden-project.toml": manifest, "src/mod.masm": LIBRARY.format(name=name), **ignored}


@verb(
    "new",
    argument("path", FilePath()),
    flag("--lib", name="kind", flag_value="library", help="Make a library."),
    flag("--kernel", name="kind", flag_value="kernel", help="Make a kernel."),
    option("--name", metavar="NAME", help="Name of the package; by default the last part of PATH."),
)
def command(console: Console, path: str, kind: str | None, name: str | None) -> int:
    """Make a new project in the folder PATH: a program, unless --lib or --kernel asks for something else.

    The folder must not exist, or be empty.
    """
    from pathlib import Path

    from miden.errors import InputError
    from miden.package.project import valid_name

    folder = Path(path)
    name = folder.resolve().name if name is None else name
    if not valid_name(name):
        raise InputError(
            f"{name[:80]!r} cannot be the name of a package",
            kind="InvalidName",
            hint="start with a letter, go on with letters, digits, - and _; or give a --name",
        )
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{path} is not empty", kind="FileExists", hint="choose a folder that is new or empty")
    files = project_files(name, kind or "program")
    for relative, text in files.items():
        target = folder / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    if console.json:
        console.document({"name": name, "kind": kind or "program", "folder": path, "files": list(files)})
        return 0
    console.print(f"made the {kind or 'program'} {name} in {path}:")
    for relative in files:
        console.print(f"  {relative}")
    console.print(f"next: cd {path} && miden build" + (" && miden run src/main.masm" if kind is None else " && miden doc"))
    return 0
