"""The machine in C behind the protocol of `miden.vm.machine`: this module is the door, engine.h the house.

Rules that processor.md leaves open are those of `miden.pure.machine`; both backends agree on them. A machine belongs to
one thread at a time: a second one gets RuntimeError while `run` is under way, which happens without the GIL.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcpy

from miden._core.forest cimport Code, CodeC, load_u64, store_u64
from miden._core.rpo cimport FELT_P, felt_t, rpo_follow, variant_slot

include "buffers.pxi"

rpo_follow(variant_slot())


cdef extern from *:
    """
    #if defined(_MSC_VER) && !defined(__clang__)
    #define flag_take(flag) (_InterlockedExchange((long *)(flag), 1) == 0)
    #define flag_give(flag) ((void)_InterlockedExchange((long *)(flag), 0))
    #else
    #define flag_take(flag) (__atomic_exchange_n((flag), 1, __ATOMIC_ACQUIRE) == 0)
    #define flag_give(flag) __atomic_store_n((flag), 0, __ATOMIC_RELEASE)
    #endif
    """
    bint flag_take(int *flag) nogil
    void flag_give(int *flag) nogil


include "conversions.pxi"


include "links.pxi"
include "cells.pxi"


@cython.final
cdef class Machine:
    """One run of a program; see `miden.vm.machine.Machine` for the protocol.

    ValueError for an entrypoint outside the code, more than 16 stack inputs, values not below p, kernel bytes that
    are not whole digests, a negative limit or a stack limit below 16.
    """

    cdef MachineC *m
    cdef list codes
    cdef dict code_index
    cdef int busy
    cdef Links links

    def __cinit__(
        self,
        Code code not None,
        entrypoint,
        bytes kernel not None,
        stack,
        advice_stack,
        max_cycles,
        max_stack,
        max_memory,
        max_continuations,
        debug,
    ):
        cdef LimitsC limits
        cdef Py_ssize_t index, count = len(stack)
        cdef felt_t *felts
        if not 0 <= entrypoint < code.c_code.node_count:
            raise ValueError(f"entrypoint {entrypoint} is not among the {code.c_code.node_count} nodes")
        if len(kernel) % 32:
            raise ValueError(f"the kernel is {len(kernel)} bytes long, not a multiple of 32")
        if count > 16:
            raise ValueError(f"at most 16 stack inputs are possible, found {count}")
        limits.max_cycles = limit_from_object(max_cycles, "max_cycles")
        limits.max_stack = limit_from_object(max_stack, "max_stack")
        limits.max_memory = limit_from_object(max_memory, "max_memory")
        limits.max_continuations = limit_from_object(max_continuations, "max_continuations")
        limits.debug = bool(debug)
        if limits.max_stack < 16:
            raise ValueError(f"the stack limit must be at least 16, found {max_stack}")
        self.m = machine_new(code.c_code, entrypoint, &limits)
        if self.m == NULL:
            raise MemoryError
        self.codes = [code]
        self.code_index = {id(code): 0}
        if count:
            felts = felts_from_sequence(stack, "the stack")
            for index in range(count):
                (self.m.sp - index)[0] = felts[index]
            free(felts)
        if kernel:
            self.m.kernel = felts_from_packed(kernel, "the kernel")
            self.m.kernel_count = len(kernel) // 32
        if advice_stack:
            self.push_advice(advice_stack)

    def __dealloc__(self):
        machine_free(self.m)

    cdef int take(self) except -1:
        """Make sure that no other thread is at work in this machine."""
        if not flag_take(&self.busy):
            raise RuntimeError("the machine is in use by another thread")
        return 0

    cdef int push_advice(self, values) except -1:
        cdef Py_ssize_t index, count = len(values)
        cdef felt_t *felts = felts_from_sequence(values, "the advice")
        cdef void *larger
        if self.m.advice_count + count > self.m.advice_capacity:
            larger = grow_array(self.m.advice, &self.m.advice_capacity, self.m.advice_count + count, sizeof(felt_t))
            if larger == NULL:
                free(felts)
                raise MemoryError
            self.m.advice = <felt_t *>larger
        for index in range(count):
            self.m.advice[self.m.advice_count + index] = felts[count - 1 - index]
        self.m.advice_count += count
        free(felts)
        return 0

    def run(self, cycles):
        """Execute at most `cycles` rows and return a `miden.status.Status`; the state is exact at every return.

        BUDGET may come earlier, though never before the first row, when rows are far more expensive than usual (hashes,
        inverses, circuits): after some milliseconds of these. Only the row of a large circuit may take several calls.
        """
        cdef uint64_t budget = limit_from_object(cycles, "the budget")
        cdef int status
        self.take()
        with nogil:
            status = machine_run(self.m, budget)
        flag_give(&self.busy)
        return status

    def enter(self, Code code not None, root):
        """Answer EXTERNAL or DYN: the next `run` goes on at node `root` of `code`."""
        cdef uint32_t index
        if not 0 <= root < code.c_code.node_count:
            raise ValueError(f"root {root} is not among the {code.c_code.node_count} nodes")
        self.take()
        try:
            if self.m.last != STATUS_EXTERNAL and self.m.last != STATUS_DYN:
                raise ValueError("no procedure was asked for")
            known = self.code_index.get(id(code))
            if known is None:
                index = machine_add_code(self.m, code.c_code)
                if index == <uint32_t>0xffffffff:
                    raise MemoryError
                self.codes.append(code)
                self.code_index[id(code)] = index
            else:
                index = known
            self.m.answer_code = index
            self.m.answer_root = root
            self.m.has_answer = 1
        finally:
            flag_give(&self.busy)

    def link(self, Links links not None, most, most_bytes):
        """Answer EXTERNAL and DYN from links as far as they go, before the first run: `most` of them, in forests of so many bytes."""
        cdef uint64_t count = limit_from_object(most, "the number of links"), size = limit_from_object(most_bytes, "the bytes")
        self.take()
        try:
            if self.links is not None or self.m.clk or len(self.codes) > 1:
                raise ValueError("a machine is linked once, before its run")
            if not machine_link(self.m, links.links, count, size):
                raise MemoryError
            self.links = links
            self.codes += links.codes
        finally:
            flag_give(&self.busy)

    @property
    def links_left(self):
        """How many more links may be used, and the bytes that their forests may have."""
        return self.m.links_left, self.m.links_bytes_left

    @links_left.setter
    def links_left(self, values):
        count, size = values
        self.m.links_left = limit_from_object(count, "the number of links")
        self.m.links_bytes_left = limit_from_object(size, "the bytes")

    def supply_path(self, bytes path not None):
        """Answer MERKLE_VERIFY or MERKLE_UPDATE: sibling digests, leaf first, 32 bytes each, as many as the depth asked for."""
        cdef uint64_t length = len(path) // 32
        cdef felt_t *felts
        if len(path) % 32:
            raise ValueError(f"a Merkle path is whole digests of 32 bytes, found {len(path)} bytes")
        self.take()
        try:
            if self.m.last != STATUS_MERKLE_VERIFY and self.m.last != STATUS_MERKLE_UPDATE:
                raise ValueError("no Merkle path was asked for")
            if length != (self.m.sp - 4)[0]:
                raise ValueError(f"the Merkle path has {length} levels, expected {(self.m.sp - 4)[0]}")
            felts = felts_from_packed(path, "the Merkle path")
            free(self.m.path)
            self.m.path = felts
            self.m.path_length = length
            self.m.has_path = 1
        finally:
            flag_give(&self.busy)

    def supply_root(self, bytes root not None):
        """Answer MERKLE_VERIFY or MERKLE_UPDATE by what it asks for: the root over the value on the stack, or the new root.

        For a driver that knows that it is right; nothing is hashed, and an update does not look at the old root again.
        """
        cdef felt_t *felts
        if len(root) != 32:
            raise ValueError(f"a root is 32 bytes, found {len(root)}")
        self.take()
        try:
            if self.m.last != STATUS_MERKLE_VERIFY and self.m.last != STATUS_MERKLE_UPDATE:
                raise ValueError("no Merkle path was asked for")
            felts = felts_from_packed(root, "the root")
            memcpy(self.m.root, felts, sizeof(self.m.root))
            free(felts)
            self.m.has_root = 1
        finally:
            flag_give(&self.busy)

    @property
    def status(self):
        """What `run` returned last; BUDGET before the first run."""
        return self.m.last

    @property
    def code(self):
        """Code that is executing."""
        return self.codes[self.m.code]

    @property
    def tier(self):
        """How code is run: 0 by how hot it is, 1 by the plain engine only, 2 translated when it is first started.

        All give the same results; 1 and 2 are for tests. Nothing is translated while decorators are visible.
        """
        return 0 if self.m.hot_after == HOT_AFTER else 1 + self.m.hot_after

    @tier.setter
    def tier(self, int tier):
        if not 0 <= tier <= 2:
            raise ValueError(f"a tier is 0, 1 or 2, found {tier}")
        self.m.hot_after = HOT_AFTER
        if tier:
            self.m.hot_after = tier - 1
        if self.m.debug:
            self.m.hot_after = 0

    @property
    def clk(self):
        """Row of the current operation; after DONE, the number of cycles."""
        return self.m.clk

    @property
    def ctx(self):
        """Current memory context."""
        return self.m.contexts[context_index(self.m)]

    @property
    def depth(self):
        """Depth of the operand stack of the current context."""
        return stack_depth(self.m, self.m.sp)

    @property
    def advice_depth(self):
        """Number of elements on the advice stack."""
        return self.m.advice_count

    @property
    def node_id(self):
        """Node of the last stop, in `code`."""
        return self.m.node_id

    @property
    def op_index(self):
        """Padded operation index of the last stop, or -1."""
        return self.m.op_index

    @property
    def decorator_slot(self):
        """At DECORATOR: 0 before_enter, 1 before operation `op_index`, 2 after_exit."""
        return self.m.decorator_slot

    @property
    def fault_values(self):
        """Operands of the fault."""
        return tuple([self.m.fault_values[index] for index in range(self.m.fault_count)])

    @property
    def request_digest(self):
        """At EXTERNAL and DYN: 32 bytes of the digest wanted."""
        cdef bytes digest = PyBytes_FromStringAndSize(NULL, 32)
        cdef int index
        for index in range(4):
            store_u64(<uint8_t *>PyBytes_AS_STRING(digest) + 8 * index, self.m.request_digest[index])
        return digest

    @property
    def transcript(self):
        """State of the precompile transcript."""
        return (self.m.transcript[0], self.m.transcript[1], self.m.transcript[2], self.m.transcript[3])

    def stack_get(self, index):
        """Return stack element `index`, 0 the top; 0 below the stack."""
        self.take()
        try:
            if not 0 <= index < stack_depth(self.m, self.m.sp):
                return 0
            return (self.m.sp - <Py_ssize_t>index)[0]
        finally:
            flag_give(&self.busy)

    def stack_word(self, index):
        """Return four stack elements from `index` on as 32 bytes, the deepest first."""
        cdef bytes word = PyBytes_FromStringAndSize(NULL, 32)
        cdef uint8_t *target = <uint8_t *>PyBytes_AS_STRING(word)
        cdef uint64_t position, first = index
        cdef int element
        self.take()
        for element in range(4):
            position = first + <uint64_t>element
            store_u64(target + 8 * (3 - element), (self.m.sp - position)[0] if position < stack_depth(self.m, self.m.sp) else 0)
        flag_give(&self.busy)
        return word

    def stack(self):
        """Return the stack of the current context, top first."""
        self.take()
        try:
            return self.stack_list()
        finally:
            flag_give(&self.busy)

    cdef list stack_list(self):
        cdef Py_ssize_t index
        return [(self.m.sp - index)[0] for index in range(<Py_ssize_t>stack_depth(self.m, self.m.sp))]

    def memory_get(self, ctx, address):
        """Return an element, or None if its word was never written."""
        cdef const felt_t *cell
        if not (0 <= ctx < 2**64 and 0 <= address < 2**32):
            return None
        self.take()
        cell = cell_peek(self.m, context_find(self.m, ctx), address)
        value = None if cell == NULL else cell[0]
        flag_give(&self.busy)
        return value

    def memory_range(self, ctx, address, count):
        """Return `count` elements from an address on, 0 where nothing was written."""
        self.take()
        try:
            return cells_list(self.m, ctx, address, count)
        finally:
            flag_give(&self.busy)

    def memory(self, ctx):
        """Return address -> value of all four cells of every written word of `ctx`, ascending."""
        if not 0 <= ctx < 2**64:
            return {}
        self.take()
        try:
            return cells_by_address(self.words_by_context().get(context_find(self.m, ctx), ()))
        finally:
            flag_give(&self.busy)

    def memories(self):
        """Return context -> what `memory` has of it, of all contexts that have memory, ascending, in one pass."""
        self.take()
        try:
            words = self.words_by_context()
            return {self.m.contexts[index]: cells_by_address(words[index]) for index in sorted(words)}
        finally:
            flag_give(&self.busy)

    cdef dict words_by_context(self):
        """Return, for the index of every context that has memory, (address, its four elements) of its words, ascending."""
        cdef dict contexts = {}
        cdef SlabC *slab = self.m.slabs
        cdef WordSlabC *word_slab = self.m.word_slabs
        cdef const PageC *page
        cdef const WordC *single
        cdef uint64_t index, address, pages = <uint64_t>1 << PAGE_BITS, words = pages << 4
        cdef int place
        while slab != NULL:
            for index in range(slab.used):
                page = &slab.pages[index]
                for place in range(PAGE_WORDS):
                    if page.written[place]:
                        address = page.key % pages * PAGE_CELLS + 4 * place
                        contexts.setdefault(page.key // pages, []).append((address, felt_word(page.cells + 4 * place)))
            slab = slab.previous
        while word_slab != NULL:
            for index in range(word_slab.used):
                single = &word_slab.words[index]
                address = single.key % words * 4
                contexts.setdefault((single.key ^ WORD_KEY) // words, []).append((address, felt_word(single.cells)))
            word_slab = word_slab.previous
        for index, frame in frames_by_context(self.m).items():
            contexts.setdefault(index, []).append((FMP_WORD, frame))
        for found in contexts.values():
            found.sort()
        return contexts

    def contexts(self):
        """Return the contexts that have memory, ascending."""
        self.take()
        try:
            return [self.m.contexts[index] for index in sorted(self.words_by_context())]
        finally:
            flag_give(&self.busy)

    def advice_push(self, values):
        """Put values on the advice stack so that values[0] is popped first; ValueError if one is not below p."""
        self.take()
        try:
            self.push_advice(values)
        finally:
            flag_give(&self.busy)

    def advice_stack(self):
        """Return the advice stack, next popped first."""
        self.take()
        try:
            return self.advice_list()
        finally:
            flag_give(&self.busy)

    cdef list advice_list(self):
        cdef uint64_t index
        return [self.m.advice[self.m.advice_count - 1 - index] for index in range(self.m.advice_count)]

    def continuations(self):
        """Return what is left to do, next first: (kind, code, node id), kinds by `miden.status.CONTINUATIONS`.

        ENTER_FOREST has the code that becomes current again, and node 0.
        """
        cdef uint64_t index
        cdef ContinuationC record
        cdef list found = []
        self.take()
        try:
            code, names_code = self.codes[self.m.code], CONT_ENTER_FOREST
            for index in range(self.m.continuation_count):
                record = self.m.continuations[self.m.continuation_count - 1 - index]
                if record.kind == names_code:
                    code = self.codes[record.node]
                    record.node = 0
                found.append((record.kind, code, record.node))
            return found
        finally:
            flag_give(&self.busy)

    def snapshot(self):
        """Return an image of the state, the same bytes from both backends for equal states.

        Unsigned 64-bit little-endian numbers, in this order: clk; ctx; fn_hash (4); transcript (4); depth and the stack of
        the current context, top first; number of advice elements and these, next popped first; for each context that
        has memory, ascending: ctx, number of written words, and for each of them, ascending, the address of its element 0
        and its 4 elements. Continuations, saved contexts, and answers not yet used are not part of it.
        """
        cdef list numbers
        cdef uint64_t index
        cdef bytes image
        self.take()
        try:
            stack, advice, memory = self.stack_list(), self.advice_list(), self.words_by_context()
            numbers = [self.m.clk, self.m.contexts[context_index(self.m)]]
            numbers += [self.m.fn_hash[element] for element in range(4)]
            numbers += [self.m.transcript[element] for element in range(4)]
            numbers += [len(stack), *stack, len(advice), *advice]
            for index, words in sorted(memory.items()):
                numbers += [self.m.contexts[index], len(words)]
                for address, word in words:
                    numbers += [address, *word]
        finally:
            flag_give(&self.busy)
        image = PyBytes_FromStringAndSize(NULL, 8 * len(numbers))
        for index, number in enumerate(numbers):
            store_u64(<uint8_t *>PyBytes_AS_STRING(image) + 8 * index, number)
        return image

    def __repr__(self):
        return f"<Machine at clk {self.m.clk}, ctx {self.m.contexts[context_index(self.m)]}, depth {stack_depth(self.m, self.m.sp)}>"


include "runs.pxi"
