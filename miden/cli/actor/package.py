"""`miden actor package`: code and its interface in one file."""

from __future__ import annotations

from miden.cli.parameters import FilePath, argument, flag, option
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "package",
    argument("code", FilePath()),
    option("--interface", type=FilePath(), metavar="FILE", required=True, help="The interface of the code, as text or as a block."),
    option("-o", "--output", type=FilePath(), metavar="OUT", help="File to write; by default CODE as .masp, or .wasm."),
    flag("--force", help="Replace OUT if it is there."),
)
def command(console: Console, code: str, interface: str, output: str | None, force: bool) -> int:
    """Write the code of an actor with its interface inside: MASM (.masm, .masl, .masp) as a package, WebAssembly (.wasm, .wat) as a module.

    Whoever gets the file needs no other: deploy and inspect find the interface in it. Code with an interface is other code than
    without, so the two have different CIDs.
    """
    import os

    from miden.actors.interfaces.carried import with_interface
    from miden.cli.actor.code import WASM_MAGIC, read_code
    from miden.cli.actor.deploy import read_interface
    from miden.cli.artifacts import plural, write_new
    from miden.errors import InputError
    from miden.ipld.cid import Cid

    described, found = read_interface(interface), read_code(code)
    if found.python is not None:
        raise InputError(f"{code} is Python, whose interface follows from its methods", kind="UnknownCode")
    data = with_interface(found.data, described)
    suffix = ".wasm" if data.startswith(WASM_MAGIC) else ".masp"
    output = os.path.splitext(code)[0] + suffix if output is None else output  # noqa: PTH122
    write_new(output, data, force=force)
    cid = Cid.of(data, found.cid.codec)
    facts = {"output": output, "bytes": len(data), "code": str(cid), "interface": str(described.cid)}
    if console.json:
        console.document(facts)
    else:
        console.facts([("code", str(cid)), ("interface", str(described.cid)), ("wrote", f"{output} ({plural(len(data), 'byte')})")])
    return 0
