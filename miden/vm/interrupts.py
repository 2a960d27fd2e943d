"""Ctrl-C between slices: a run that is interrupted stops where it can go on.

While a machine or the driver works, SIGINT only sets a flag that the driver looks at between slices; while a handler
of the user runs, it raises KeyboardInterrupt at once. A second Ctrl-C raises at once anywhere. Nothing is changed
outside the main thread, or where the program has a SIGINT handler of its own.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from types import FrameType, TracebackType
    from typing import Self
else:
    # what `signal` is made of, and loaded already: `signal` itself imports `enum`, which takes longer than most runs
    import _signal as signal


class Interrupts:
    """Holds SIGINT back while it is entered, except where `immediate` is set.

    Attributes
    ----------
    pending
        A SIGINT has come and has not been raised.
    immediate
        Raise at once: code of the user is running and may be left anywhere.
    """

    __slots__ = ("_installed", "immediate", "pending")

    def __init__(self) -> None:
        self.pending = False
        self.immediate = False
        self._installed = False

    def __enter__(self) -> Self:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            try:
                signal.signal(signal.SIGINT, self._on_signal)
                self._installed = True
            except ValueError:  # not the main thread: signals do not come here
                pass
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._installed = False
        if self.pending and kind is None:
            self.check()

    def check(self) -> None:
        """Raise KeyboardInterrupt if one is pending."""
        if self.pending:
            self.pending = False
            raise KeyboardInterrupt

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.immediate or self.pending:
            self.pending = False
            raise KeyboardInterrupt
        self.pending = True
