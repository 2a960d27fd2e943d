"""Settings and fixtures that all tests share."""

from __future__ import annotations

import os
import signal

import hypothesis
import pytest

from tests.support.programs import BACKENDS, require_backend

# Machines that run these tests are shared and slow at times: a deadline for one example would only measure them.
hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("long", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("default")


def pytest_configure() -> None:
    """Let Ctrl-C work, and under a sanitizer refuse to test a core that was built without it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what runs in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if "libasan" in os.environ.get("LD_PRELOAD", ""):
        from miden._core import processor

        if "asan" not in processor.__file__:
            raise pytest.UsageError(f"the sanitizer is loaded, but the core comes from {processor.__file__}")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Each backend in turn: every machine test runs on both."""
    name: str = request.param
    require_backend(name)
    return name
