"""Every test here runs on both machines."""

from __future__ import annotations

import pytest

from tests.support.machines import BACKENDS, Backend


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return Backend(request.param)
