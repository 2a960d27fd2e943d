# Matrices of numbers in buffers of others. Part of decode.pyx, rpo.pyx and processor.pyx.
#
# Typed memoryviews would do, but every module that has one imports `collections` when it is loaded, which takes longer
# than assembling and running a small program.

from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)


@cython.final
cdef class _Matrix:
    """Holds a C-contiguous buffer of numbers of `size` bytes, in one dimension (a column) or two.

    `kinds` are the letters of `struct` that its numbers may have.
    """

    cdef Py_buffer view
    cdef void *data
    cdef Py_ssize_t rows
    cdef Py_ssize_t width

    def __cinit__(self, source, str kinds, Py_ssize_t size, int dimensions, bint writable):
        PyObject_GetBuffer(source, &self.view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (PyBUF_WRITABLE if writable else 0))
        letters = (<bytes>self.view.format).decode().lstrip("@=<") if self.view.format else "B"
        if self.view.ndim != dimensions or self.view.itemsize != size or letters not in kinds:
            raise ValueError(
                f"expected a buffer of {dimensions} dimensions with items of {size} bytes of a kind in {kinds!r}, "
                f"found {self.view.ndim} dimensions with items of {self.view.itemsize} bytes of kind {letters!r}"
            )
        self.data = self.view.buf
        self.rows = self.view.shape[0]
        self.width = self.view.shape[1] if dimensions == 2 else 1

    def __dealloc__(self):
        PyBuffer_Release(&self.view)


cdef _Matrix felts_of(source, int dimensions, bint writable):
    """Hold a buffer of unsigned 64-bit integers."""
    return _Matrix.__new__(_Matrix, source, "QLN", 8, dimensions, writable)
