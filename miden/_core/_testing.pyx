"""Raw entry points into the headers (for tests): field arithmetic on integers, without the machine around it."""

from libc.stdint cimport uint64_t

from miden._core.rpo cimport (
    ext2_inv,
    ext2_mul,
    ext2_t,
    felt_add,
    felt_canonical,
    felt_fold,
    felt_inv,
    felt_mul,
    felt_neg,
    felt_pow,
    felt_sub,
)


cdef extern from "felt.h" nogil:
    uint64_t felt_mul_lazy(uint64_t a, uint64_t b)


def add(uint64_t a, uint64_t b, /):
    """Return a + b for two felts."""
    return felt_add(a, b)


def sub(uint64_t a, uint64_t b, /):
    """Return a - b for two felts."""
    return felt_sub(a, b)


def neg(uint64_t a, /):
    """Return -a for a felt."""
    return felt_neg(a)


def mul(uint64_t a, uint64_t b, /):
    """Return a * b for two felts."""
    return felt_mul(a, b)


def mul_lazy(uint64_t a, uint64_t b, /):
    """Return some 64-bit number congruent to a * b, for any two 64-bit numbers."""
    return felt_mul_lazy(a, b)


def inv(uint64_t a, /):
    """Return 1 / a for a felt, 0 for 0."""
    return felt_inv(a)


def power(uint64_t a, uint64_t exponent, /):
    """Return a to the power of a 64-bit exponent."""
    return felt_pow(a, exponent)


def canonical(uint64_t a, /):
    """Return any 64-bit number modulo p."""
    return felt_canonical(a)


def fold(uint64_t high, uint64_t low, /):
    """Return some 64-bit number congruent to high * 2**64 + low."""
    return felt_fold(high, low)


def extension_mul(a, b, /):
    """Return the product of two extension elements, (base, phi) pairs."""
    cdef ext2_t left, right, product
    left.base, left.phi = a
    right.base, right.phi = b
    product = ext2_mul(left, right)
    return product.base, product.phi


def extension_inv(a, /):
    """Return the inverse of an extension element, zero for zero."""
    cdef ext2_t element, inverse
    element.base, element.phi = a
    inverse = ext2_inv(element)
    return inverse.base, inverse.phi
