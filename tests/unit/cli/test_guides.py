"""The commands of the guides: run in their order, in an empty directory, with the files that the guide shows."""

from __future__ import annotations

import doctest
import re
import shlex
from typing import TYPE_CHECKING

import pytest

from tests.support.programs import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Outcome

GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def whole(word: str, roots: list[str]) -> str:
    """Return a word of a command; of a root that the guide shortens, the one that was printed."""
    if not word.endswith("..."):
        return word
    return next(root for root in roots if root.startswith(word[:-3]))


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_the_commands_of_a_guide_do_what_it_says(
    guide: Path, cli: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIDEN_STORE", str(tmp_path / "default"))
    (tmp_path / "config.toml").touch()
    monkeypatch.setenv("MIDEN_CONFIG", str(tmp_path / "config.toml"))
    text = guide.read_text(encoding="utf-8")
    for name, content in re.findall(r"^```masm (\S+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    roots: list[str] = []
    checker = doctest.OutputChecker()
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, expected = step.partition("\n")
            words = [whole(word, roots) for word in shlex.split(command)]
            assert words[0] == "miden"
            outcome = cli(*words[1:])
            roots += re.findall(r"0x[0-9a-f]{64}", outcome.out)
            found = outcome.out + outcome.err + (f"[exit {outcome.code}]\n" if outcome.code else "")
            assert checker.check_output(expected, found, FLAGS), f"$ {command}\nexpected:\n{expected}\nfound:\n{found}"
