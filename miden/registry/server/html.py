"""HTML in which nothing from outside can become markup: text is escaped unless this module made it."""

from __future__ import annotations

from html import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Html(str):
    """Text that is markup already; only `element` and `page` make it."""

    __slots__ = ()


def element(name: str, /, *children: str, **attributes: str) -> Html:
    """Return an element; children and values of attributes that are no `Html` are escaped.

    A trailing ``_`` of an attribute is dropped, so that ``class_`` can be written.

    >>> element("p", "a < b", class_='"')
    '<p class="&quot;">a &lt; b</p>'
    """
    shown = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value, quote=True)}"' for key, value in attributes.items())
    if name in ("input", "meta", "link"):
        return Html(f"<{name}{shown}>")
    return Html(f"<{name}{shown}>{''.join(_text(child) for child in children)}</{name}>")


def _text(value: str) -> str:
    return value if isinstance(value, Html) else escape(_visible(value), quote=True)


def _visible(text: str) -> str:
    """Return text with its invisible and direction-changing characters shown as what they are."""
    return "".join(char if char.isprintable() or char in "\n\t" else f"\\u{{{ord(char):x}}}" for char in text)


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Html:
    """Return a table."""
    head = element("tr", *(element("th", cell) for cell in header))
    return element("table", head, *(element("tr", *(element("td", cell) for cell in row)) for row in rows))


def page(title: str, *body: str) -> Html:
    """Return a whole page with a search field."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width"),
        element("title", title),
        element("link", rel="stylesheet", href="/style.css"),
    )
    field = element("input", name="q", type="search", placeholder="Search", aria_label="Search")
    search = element("form", field, action="/", role="search")
    header = element("header", element("a", "Miden packages", href="/"), search)
    return Html("<!doctype html>\n" + element("html", head, element("body", header, element("main", *body)), lang="en"))
