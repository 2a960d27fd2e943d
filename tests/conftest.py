"""Settings and fixtures that all tests share."""

from __future__ import annotations

import hypothesis
import pytest

from tests.support.programs import BACKENDS, require_backend

# Machines that run these tests are shared and slow at times: a deadline for one example would only measure them.
hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("long", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("default")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Each backend in turn: every machine test runs on both."""
    name: str = request.param
    require_backend(name)
    return name
