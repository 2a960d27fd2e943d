# Many runs of one program without the GIL: runs.h behind a class. Part of processor.pyx.

cdef extern from "runs.h" nogil:
    ctypedef struct RunsC:
        CodeC *code
        uint32_t entrypoint
        LimitsC limits
        int hot_after_set
        uint32_t hot_after
        felt_t *kernel
        uint64_t kernel_count
        const felt_t *advice
        uint64_t advice_count
        const uint64_t *inputs
        uint64_t count
        uint64_t width
        uint64_t *stacks
        uint64_t *cycles
        int32_t *statuses
        int stop_at_fault
        uint64_t end
        uint64_t finished
    void runs_work(RunsC *runs)
    void runs_end_at(RunsC *runs, uint64_t end)
    uint64_t counter_load(uint64_t *counter)


@cython.final
cdef class Runs:
    """Runs of one program on the rows of a matrix of felts, top first; any number of threads may call `work`.

    The machine that is given is at the start of a run: its code, kernel, advice stack and limits are those of every run.
    `stacks`, `cycles` and `statuses` are written to; a status is -1 where nothing was run to its end. The first run that
    makes a request ends the work, as does, if `stop_at_fault`, a fault for the runs behind it.
    """

    cdef RunsC runs
    cdef Machine pattern
    cdef _Matrix inputs
    cdef _Matrix stacks
    cdef _Matrix cycles
    cdef _Matrix statuses

    def __cinit__(self, Machine pattern not None, inputs, stacks, cycles, statuses, bint stop_at_fault):
        cdef MachineC *m = pattern.m
        self.pattern = pattern
        self.inputs, self.stacks, self.cycles = felts_of(inputs, 2, False), felts_of(stacks, 2, True), felts_of(cycles, 1, True)
        self.statuses = _Matrix.__new__(_Matrix, statuses, "il", 4, 1, True)
        cdef Py_ssize_t count = self.inputs.rows, width = self.inputs.width, index
        if width > 16 or self.stacks.width != 16 or not self.stacks.rows == self.cycles.rows == self.statuses.rows == count:
            raise ValueError("the shapes of inputs and results do not fit")
        self.runs.code = m.forest
        self.runs.entrypoint = m.entrypoint
        self.runs.limits.max_cycles = m.max_cycles
        self.runs.limits.max_stack = m.max_stack
        self.runs.limits.max_memory = m.max_memory
        self.runs.limits.max_continuations = m.max_continuations
        self.runs.limits.debug = 0
        self.runs.hot_after_set = 1
        self.runs.hot_after = m.hot_after
        self.runs.kernel = m.kernel
        self.runs.kernel_count = m.kernel_count
        self.runs.advice = m.advice
        self.runs.advice_count = m.advice_count
        self.runs.count = self.runs.end = count
        self.runs.width = width
        self.runs.stop_at_fault = stop_at_fault
        self.runs.inputs, self.runs.stacks = <const uint64_t *>self.inputs.data, <uint64_t *>self.stacks.data
        self.runs.cycles, self.runs.statuses = <uint64_t *>self.cycles.data, <int32_t *>self.statuses.data
        for index in range(count):
            self.runs.statuses[index] = -1
            if not felts_are_canonical(self.runs.inputs + index * width, width):
                raise ValueError(f"row {index} holds a value that is not below p")

    def work(self):
        """Take runs and do them until none are left, without the GIL."""
        with nogil:
            runs_work(&self.runs)

    def stop(self):
        """Call the runs off that have not ended; those at work end within milliseconds."""
        runs_end_at(&self.runs, 0)

    @property
    def finished(self):
        """Number of runs that have ended."""
        return counter_load(&self.runs.finished)


cdef bint felts_are_canonical(const uint64_t *felts, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t index
    for index in range(count):
        if felts[index] >= FELT_P:
            return False
    return True
