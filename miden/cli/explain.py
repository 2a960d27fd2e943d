"""`miden explain`: what an error code means and what to do about it."""

from __future__ import annotations

from miden.cli.parameters import argument
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb(
    "explain",
    argument("code"),
)
def command(console: Console, code: str) -> int:
    """Explain an error CODE such as E0117, or the kind of an error such as FailedAssertion."""
    from miden.assembly.explain import explain

    explanation = explain(code)
    if console.json:
        console.document(explanation.to_dict())
    else:
        console.print(str(explanation))
    return 0
