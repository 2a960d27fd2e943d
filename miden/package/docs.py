"""Documentation of libraries: from the doc comments of sources, or from what a package carries.

`miden build` puts the documentation of a library into its section ``docs``, so that it travels with the package; a
library file alone has names and signatures.
"""

from __future__ import annotations

import re

from miden.errors import FormatError
from miden.mast.exports import ProcedureExport, TypeExport
from miden.mast.paths import item_name, parent_path
from miden.package.package import ManifestProcedure, Package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from miden.assembly.source import SourceFile
    from miden.package.artifacts import Loaded

SECTION = "docs"
FORMAT = 1
_LABEL = re.compile(r"[A-Z][A-Za-z ]*:")
KINDS = ("procedure", "constant", "type")


class DocItem:
    """A public item: `head` is its declaration, `docs` its doc comment or the empty string."""

    __slots__ = ("digest", "docs", "head", "kind", "name")

    def __init__(self, kind: str, name: str, head: str, docs: str = "", digest: str = "") -> None:
        self.kind = kind
        self.name = name
        self.head = head
        self.docs = docs
        self.digest = digest

    def to_dict(self) -> dict[str, str]:
        """Return it ready for JSON, without what is empty."""
        return {name: getattr(self, name) for name in self.__slots__ if getattr(self, name)}


class DocModule:
    """A module with its public items, in the order of the source."""

    __slots__ = ("docs", "items", "path")

    def __init__(self, path: str, docs: str, items: Sequence[DocItem]) -> None:
        self.path = path.removeprefix("::")
        self.docs = docs
        self.items = list(items)

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {"path": self.path, "docs": self.docs, "items": [item.to_dict() for item in self.items]}


def source_docs(modules: Mapping[str, SourceFile]) -> list[DocModule]:
    """Return the documentation of modules, given by their paths; `ParseError` for what is no MASM.

    >>> from miden.assembly.source import SourceFile
    >>> [module] = source_docs({"demo": SourceFile("#! Doubles.\\npub proc double(a: felt) -> felt\\n dup add\\nend")})
    >>> module.items[0].head
    'pub proc double(a: felt) -> (felt)'
    """
    from miden.assembly import ast
    from miden.assembly.parser import parse_module
    from miden.assembly.printer import expression_text, form_text, name_source, signature_text

    found: list[DocModule] = []
    for path, source in modules.items():
        module = parse_module(source)
        items: list[DocItem] = []
        for form in module.forms:
            if not getattr(form, "public", False):
                continue
            docs = _tidy(getattr(form, "docs", None))
            if isinstance(form, ast.Procedure):
                signature = "" if form.signature is None else signature_text(form.signature)
                items.append(DocItem("procedure", form.name, f"pub proc {name_source(form.name)}{signature}", docs))
            elif isinstance(form, ast.Constant):
                items.append(DocItem("constant", form.name, f"pub const {form.name} = {expression_text(form.expr)}", docs))
            elif isinstance(form, ast.TypeDecl):
                form.docs = None
                items.append(DocItem("type", form.name, form_text(form).strip(), docs))
            elif isinstance(form, ast.Alias):
                form.docs = None
                items.append(DocItem("procedure", form.name, form_text(form).strip(), docs))
        found.append(DocModule(path, _tidy(module.docs), items))
    return found


def artifact_docs(loaded: Loaded) -> list[DocModule]:
    """Return the documentation that a package carries, with digests, else names and signatures of exports."""
    exports = _exports(loaded)
    data = loaded.content.section(SECTION) if isinstance(loaded.content, Package) else None
    if data is None:
        grouped: dict[str, list[DocItem]] = {}
        for path, item in exports.items():
            grouped.setdefault(parent_path(path), []).append(item)
        return [DocModule(path, "", items) for path, items in grouped.items()]
    modules = decode_docs(data)
    for module in modules:
        for item in module.items:
            known = exports.get(f"::{module.path}::{item.name}")
            item.digest = known.digest if known else ""
    return modules


def _exports(loaded: Loaded) -> dict[str, DocItem]:
    found: dict[str, DocItem] = {}
    listed: Iterable[Any] = ()
    if loaded.library is not None:
        listed = loaded.library.items.values()
    elif isinstance(loaded.content, Package):
        listed = loaded.content.exports.values()
    for item in listed:
        name = item_name(item.path)
        if isinstance(item, (ProcedureExport, ManifestProcedure)):
            digest = item.digest.to_bytes() if isinstance(item, ManifestProcedure) else loaded.forest.digest_bytes(item.node)
            signature = "" if item.signature is None else repr(item.signature).removeprefix("fn").removesuffix(" -> ()")
            found[item.path] = DocItem("procedure", name, f"pub proc {name}{signature}", digest="0x" + digest.hex())
        elif isinstance(item, TypeExport):
            found[item.path] = DocItem("type", name, f"pub type {name} = {item.type!r}")
        else:
            found[item.path] = DocItem("constant", name, f"pub const {name} = {item.value.value}")
    return found


def _tidy(text: str | None) -> str:
    return "" if text is None else "\n".join(line.rstrip() for line in text.strip("\n").split("\n")).strip()


# the section of a package


def encode_docs(modules: Sequence[DocModule]) -> bytes:
    """Return the bytes of a package's section ``docs``: JSON."""
    import json

    document = {"format": FORMAT, "modules": [module.to_dict() for module in modules]}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def decode_docs(data: bytes) -> list[DocModule]:
    """Read the section ``docs`` of a package; `FormatError` of kind ``InvalidDocs``."""
    import json

    try:
        document = json.loads(data)
        if document["format"] != FORMAT:
            raise FormatError(f"documentation of format {document['format']!r} is unknown", kind="InvalidDocs")
        return [_module(module) for module in document["modules"]]
    except FormatError:
        raise
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise FormatError(f"the documentation of the package cannot be read: {error}", kind="InvalidDocs") from error


def _module(module: dict[str, Any]) -> DocModule:
    items = []
    for item in module["items"]:
        kind, name, head = (str(item[field]) for field in ("kind", "name", "head"))
        if kind not in KINDS:
            raise FormatError(f"documentation of a {kind[:40]!r} is unknown", kind="InvalidDocs")
        items.append(DocItem(kind, name, head, str(item.get("docs", ""))))
    return DocModule(str(module["path"]), str(module["docs"]), items)


# pages


def markdown(title: str, modules: Sequence[DocModule]) -> str:
    """Return a page of Markdown."""
    lines = [f"# {title}", ""]
    if len(modules) > 1:
        lines += [*(f"- [`{module.path}`](#{_anchor(module.path)})" for module in modules), ""]
    for module in modules:
        lines += [f"## `{module.path}`", ""]
        if module.docs:
            lines += [_broken(module.docs), ""]
        for item in module.items:
            lines += [f"### `{item.name}`", "", "```masm", item.head, "```", ""]
            if item.docs:
                lines += [_broken(item.docs), ""]
            if item.digest:
                lines += [f"Root: `{item.digest}`", ""]
    return "\n".join(lines)


def _broken(text: str) -> str:
    """Return a doc comment in which lines such as ``Inputs: [a]`` stay lines of their own in Markdown."""
    lines = text.split("\n")
    for index in range(1, len(lines)):
        if lines[index - 1] and _LABEL.match(lines[index]):
            lines[index - 1] += "  "
    return "\n".join(lines)


def html_page(title: str, modules: Sequence[DocModule]) -> str:
    """Return a page of HTML that needs nothing else; everything from outside is escaped."""
    from html import escape

    parts = [_HEAD.format(title=escape(title))]
    parts.append("<nav>" + "".join(f'<a href="#{_anchor(module.path)}">{escape(module.path)}</a>' for module in modules) + "</nav><main>")
    parts.append(f"<h1>{escape(title)}</h1>")
    for module in modules:
        parts.append(f'<section id="{_anchor(module.path)}"><h2>{escape(module.path)}</h2>')
        if module.docs:
            parts.append(f"<pre class=docs>{escape(module.docs)}</pre>")
        for item in module.items:
            anchor = _anchor(f"{module.path}::{item.name}")
            parts.append(f'<article id="{anchor}"><h3>{escape(item.name)}</h3><pre>{escape(item.head)}</pre>')
            if item.docs:
                parts.append(f"<pre class=docs>{escape(item.docs)}</pre>")
            if item.digest:
                parts.append(f"<p class=root>{escape(item.digest)}</p>")
            parts.append("</article>")
        parts.append("</section>")
    parts.append("</main></body></html>\n")
    return "\n".join(parts)


_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 0; display: flex; color: #222; background: #fff }}
nav {{ padding: 1rem; min-width: 12rem; background: #f4f4f4; display: flex; flex-direction: column }}
main {{ padding: 1rem 2rem; max-width: 60rem; overflow-x: auto }}
pre {{ background: #f7f7f7; padding: .5rem; white-space: pre-wrap }}
pre.docs {{ background: none; padding: 0 }}
.root {{ font: 12px monospace; color: #777; overflow-wrap: anywhere }}
@media (prefers-color-scheme: dark) {{ body, nav {{ background: #181818; color: #ddd }} pre {{ background: #242424 }} a {{ color: #8bf }} }}
</style></head><body>"""


def _anchor(text: str) -> str:
    return "".join(character if character.isascii() and character.isalnum() else "-" for character in text).strip("-").lower()
