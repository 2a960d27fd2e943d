"""Every command of a guide runs, in its order, and prints what the guide says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.guides import run_guide

GUIDES = sorted((Path(__file__).parents[2] / "docs" / "guides").glob("*.md"))


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_the_commands_of_a_guide_print_what_it_says(guide: Path, tmp_path: Path) -> None:
    for step in run_guide(guide, tmp_path):
        assert step.agrees, f"$ {step.command}\nexpected:\n{step.expected}\nprinted:\n{step.printed}"
