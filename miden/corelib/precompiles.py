"""The transcript of precompiles, and its verification after a run. (processor.md section 4.6.)

A precompile is an answer that a program takes from the host: a digest, whether a signature is valid. The program logs what
was asked and answered; the host keeps the requests. Who computes the answers again must come to the same transcript.

>>> PrecompileTranscript().state
Word(0, 0, 0, 0)
"""

from __future__ import annotations

from miden.errors import ExecutionError
from miden.field import Word
from miden.hashing import permute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from miden.corelib.handlers import Verifier
    from miden.vm.advice import PrecompileRequest
    from miden.vm.outputs import ExecutionOutput

__all__ = ["PrecompileTranscript", "transcript_of", "verify_precompiles"]

ZEROS = (0, 0, 0, 0)


class PrecompileTranscript:
    """What was logged, in order, as a sponge.

    Attributes
    ----------
    state
        The capacity of the sponge, with which a run ends.
    """

    __slots__ = ("state",)

    def __init__(self, state: Word = Word(ZEROS)) -> None:  # noqa: B008  a word never changes
        self.state = state

    def record(self, tag: Word, commitment: Word) -> None:
        """Absorb a request, as ``log_precompile`` does."""
        self.state = Word(permute([*self.state, *tag, *commitment])[:4])

    def finalize(self) -> Word:
        """Return the digest of all that was recorded."""
        return Word(permute([*self.state, *ZEROS, *ZEROS])[4:8])

    def __repr__(self) -> str:
        return f"<PrecompileTranscript {self.state.to_hex()}>"


def transcript_of(requests: Iterable[PrecompileRequest], verifiers: Mapping[int, Verifier] | None = None) -> PrecompileTranscript:
    """Compute the answers of requests again and return the transcript that a run that made them must end with.

    `verifiers` are those of precompiles that are not in the core library, by event id.

    Raises
    ------
    ExecutionError
        Of kind ``VerifierNotFound`` for a request nobody can verify, of kind ``PrecompileError`` for one that is malformed.
    """
    from miden.corelib.handlers import CORE_EVENTS

    transcript = PrecompileTranscript()
    for index, request in enumerate(requests):
        row = CORE_EVENTS.get(request.event_id)
        verifier = (verifiers or {}).get(request.event_id) or (row.verifier if row else None)
        facts = {"index": index, "event_id": request.event_id}
        if verifier is None:
            text = f"no verifier found for request #{index} for event with ID: {request.event_id}"
            raise ExecutionError(text, kind="VerifierNotFound", facts=facts)
        try:
            transcript.record(*verifier(request.calldata))
        except ExecutionError as error:
            name = row.name if row else str(request.event_id)
            text = f"request #{index} of {name} cannot be verified: {error.message}"
            raise ExecutionError(text, kind="PrecompileError", facts=facts, hint=error.hint) from error
    return transcript


def verify_precompiles(output: ExecutionOutput, verifiers: Mapping[int, Verifier] | None = None) -> PrecompileTranscript:
    """Verify that the precompile requests of a run give the transcript that it logged; return that transcript.

    Raises
    ------
    ExecutionError
        As `transcript_of` does, and of kind ``TranscriptMismatch`` if the program logged something else.

    Examples
    --------
    >>> import miden
    >>> verify_precompiles(miden.execute(miden.assemble("begin push.1 drop end"))).state == Word((0, 0, 0, 0))
    True
    """
    transcript = transcript_of(output.precompile_requests, verifiers)
    if transcript.state != output.transcript:
        text = f"the requests give the transcript {transcript.state.to_hex()}, the program logged {output.transcript.to_hex()}"
        raise ExecutionError(text, kind="TranscriptMismatch")
    return transcript
