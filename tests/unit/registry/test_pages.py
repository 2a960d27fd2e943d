"""R43: whatever stands in names, descriptions and documentation, pages show it as text and never as markup."""

from __future__ import annotations

from html.parser import HTMLParser
from itertools import product
from typing import TYPE_CHECKING

import httpx
import pytest

from miden.package.docs import SECTION, DocItem, DocModule, encode_docs
from miden.package.package import Package, Section
from miden.registry.server import html, pages
from miden.registry.server.html import element
from tests.support.packages import library, make_package, package_bytes
from tests.support.registry_server import RunningRegistry, running_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

TAGS = {
    *("html", "head", "meta", "title", "link", "body", "header", "a", "form", "input", "main"),
    *("h1", "h2", "h3", "p", "pre", "table", "tr", "th", "td", "code", "span"),
}
ATTRIBUTES = {"lang", "charset", "name", "content", "rel", "href", "action", "role", "type", "placeholder", "aria-label", "class"}

CLOSERS = ("", '"', "'", "'>", '">', "</p>", "</title>", "</pre>", "-->", "]]>", "</script>", "</style>", "`", "\\")
VECTORS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    " onmouseover=alert(1) x=",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<style>@import'//evil'</style>",
    "<base href=//evil/>",
    "<meta http-equiv=refresh content='0;url=//evil'>",
    "<form action=//evil><input name=x>",
    "<math><mi xlink:href=javascript:alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)",
    "<<script>alert(1)//<</script>",
    "\u202e<script>\u2066",
)
PAYLOADS = [closer + vector for closer, vector in product(CLOSERS, VECTORS)]


class Reader(HTMLParser):
    """Notes every element, attribute and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.odd: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.odd.append(data)

    def unknown_decl(self, data: str) -> None:
        self.odd.append(data)

    def handle_pi(self, data: str) -> None:
        self.odd.append(data)


def harmless(text: str) -> Reader:
    """Return what a page says, having seen that it is made of our elements alone and leads nowhere else."""
    seen = Reader(text)
    assert seen.tags <= TAGS, seen.tags - TAGS
    assert {name for name, _ in seen.attributes} <= ATTRIBUTES
    assert seen.odd == []
    for name, value in seen.attributes:
        if name in ("href", "action"):
            assert value.startswith("/")
            assert not value.startswith("//")
    return seen


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with running_registry(tmp_path_factory.mktemp("pages")) as running:
        yield running


@pytest.fixture(scope="module")
def web(server: RunningRegistry) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url) as client:
        yield client


def poisoned(payloads: list[str]) -> Package:
    """Return a package with payloads wherever one can stand."""
    items = [DocItem("procedure", payload, f"pub proc {payload}", payload) for payload in payloads]
    docs = encode_docs([DocModule(payloads[0], payloads[1], items)])
    base = make_package("evil", description=payloads[0].replace("\n", " "), artifact=library("evil"))
    return Package("evil", base.artifact, version="1.0.0", description=base.description, sections=[Section(SECTION, docs)])


def test_two_hundred_payloads_stay_text(server: RunningRegistry, web: httpx.Client) -> None:
    assert len(PAYLOADS) >= 200
    server.catalog.publish(poisoned(PAYLOADS).to_bytes())
    server.catalog.yank("evil", "1.0.0", PAYLOADS[2])
    page = web.get("/packages/evil").text
    seen = harmless(page)
    shown = [html._visible(payload) for payload in PAYLOADS]
    assert [payload for payload in shown if payload not in seen.text] == []


def test_without_escaping_the_payloads_would_be_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "escape", lambda text, quote=True: text)
    assert "script" in Reader(element("p", PAYLOADS[0])).tags
    with pytest.raises(AssertionError):
        harmless(element("p", PAYLOADS[0]))


@pytest.mark.parametrize("at", range(0, len(PAYLOADS), 7))
def test_a_search_shows_what_was_searched_as_text(web: httpx.Client, at: int) -> None:
    answer = web.get("/", params={"q": PAYLOADS[at]})
    assert html._visible(PAYLOADS[at]) in harmless(answer.text).text


def test_names_of_packages_that_are_none_are_text_too(web: httpx.Client) -> None:
    for payload in PAYLOADS[::5]:
        answer = web.get(f"/packages/{httpx.URL(path='/' + payload).raw_path.decode()[1:]}")
        assert answer.status_code in (404, 422)
        assert answer.headers["content-type"].startswith("application/json")


def test_quoted_names_of_procedures_are_text(server: RunningRegistry, web: httpx.Client) -> None:
    """A procedure can really be called so: its path is in the index and on the page."""
    import miden

    payload = "<script>alert(1)</script>"
    made = miden.Assembler().assemble_library({"quoted": f'pub proc "{payload}" push.1 swap drop end'})
    server.catalog.publish(package_bytes("quoted", artifact=made))
    assert payload in harmless(web.get("/packages/quoted").text).text


def test_pages_forbid_what_they_do_not_need(web: httpx.Client) -> None:
    answer = web.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy  # so none may run
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_the_page_of_a_package_tells_all_of_it(server: RunningRegistry, web: httpx.Client) -> None:
    made = make_package("whole", "1.1.0", {"acme/base": "^2"}, description="Sums & more", value=5)
    docs = encode_docs([DocModule("whole", "All of it.", [DocItem("procedure", "value", "pub proc value", "Pushes five.")])])
    package = Package("whole", made.artifact, version="1.1.0", description="Sums & more", sections=[*made.sections, Section(SECTION, docs)])
    server.catalog.publish(package_bytes("whole", "1.0.0"))
    entry, _ = server.catalog.publish(package.to_bytes())
    text = harmless(web.get("/packages/whole").text).text
    for expected in ("Sums & more", "acme/base", "^2", "Pushes five.", "1.0.0", "1.1.0", "::whole::value", "miden add whole@1.1.0"):
        assert expected in text, expected
    for digest in (entry.code.to_hex(), entry.roots.to_hex(), entry.content.to_hex(), entry.sha256):
        assert digest in text
    assert "packages-" in text  # the role that signed it
    old = harmless(web.get("/packages/whole?version=1.0.0").text).text
    assert "whole 1.0.0" in old
    assert web.get("/packages/whole?version=9.9.9").status_code == 404
    assert web.get("/packages/nothing").status_code == 404


def test_damaged_documentation_is_left_out(server: RunningRegistry, web: httpx.Client) -> None:
    broken = Package("broken", library("broken"), version="1.0.0", sections=[Section(SECTION, b"[[[")])
    server.catalog.publish(broken.to_bytes())
    assert "broken 1.0.0" in harmless(web.get("/packages/broken").text).text
    facts = pages.gather(server.catalog, "broken")
    assert facts is not None and facts.docs == ()
