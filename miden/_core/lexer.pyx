"""Text to tokens: what the regular expression of `miden.assembly.lexer` finds, in one pass."""

from cpython.unicode cimport PyUnicode_DATA, PyUnicode_KIND, PyUnicode_READ, PyUnicode_Substring


cdef inline Py_ssize_t trivia(int kind, const void *data, Py_ssize_t i, Py_ssize_t end, str spaces) noexcept:
    """Return where white space and comments from `i` on end."""
    cdef Py_UCS4 c
    while i < end:
        c = PyUnicode_READ(kind, data, i)
        if c == u"#":
            if i + 1 < end and PyUnicode_READ(kind, data, i + 1) == u"!":
                return i
            while i < end and PyUnicode_READ(kind, data, i) != u"\n":
                i += 1
        elif c == u" " or u"\t" <= c <= u"\r" or (c >= 0x85 and c in spaces):
            i += 1
        else:
            return i
    return i


cdef inline bint is_word(Py_UCS4 c) noexcept:
    return u"a" <= c <= u"z" or u"A" <= c <= u"Z" or u"0" <= c <= u"9" or c == u"_"


cdef inline bint is_hex(Py_UCS4 c) noexcept:
    return u"0" <= c <= u"9" or u"a" <= c <= u"f" or u"A" <= c <= u"F"


cdef inline Py_ssize_t words(int kind, const void *data, Py_ssize_t i, Py_ssize_t end) noexcept:
    while i < end and is_word(PyUnicode_READ(kind, data, i)):
        i += 1
    return i


cdef Py_ssize_t number(int kind, const void *data, Py_ssize_t i, Py_ssize_t end) noexcept:
    """Return where the number at `i` ends: ``0x``, ``0b`` or decimal."""
    cdef Py_UCS4 second = PyUnicode_READ(kind, data, i + 1) if i + 1 < end else 0
    if PyUnicode_READ(kind, data, i) == u"0" and second == u"x":
        i += 2
        while i < end and is_hex(PyUnicode_READ(kind, data, i)):
            i += 1
    elif PyUnicode_READ(kind, data, i) == u"0" and second == u"b":
        i += 2
        while i < end and u"0" <= PyUnicode_READ(kind, data, i) <= u"1":
            i += 1
    else:
        while i < end and u"0" <= PyUnicode_READ(kind, data, i) <= u"9":
            i += 1
    return i


cdef Py_ssize_t string(int kind, const void *data, Py_ssize_t i, Py_ssize_t end) noexcept:
    """Return where the string at `i` ends; without a closing quotation mark, at the end of its line.

    A backslash takes a quotation mark or a line break behind it along.
    """
    cdef Py_UCS4 c
    i += 1
    while i < end:
        c = PyUnicode_READ(kind, data, i)
        if c == u"\n":
            return i
        i += 1
        if c == u'"':
            return i
        if c == u"\\" and i < end:
            c = PyUnicode_READ(kind, data, i)
            i += c == u'"' or c == u"\n"
    return i


cdef Py_ssize_t doc_comment(int kind, const void *data, Py_ssize_t i, Py_ssize_t end) noexcept:
    """Return where the doc comment at `i` ends: all lines that start with ``#!``, and the last line break."""
    while True:
        while i < end and PyUnicode_READ(kind, data, i) != u"\n":
            i += 1
        if i >= end:
            return i
        i += 1
        if i + 1 >= end or PyUnicode_READ(kind, data, i) != u"#" or PyUnicode_READ(kind, data, i + 1) != u"!":
            return i


cdef Py_ssize_t token(int kind, const void *data, Py_ssize_t i, Py_ssize_t end) noexcept:
    """Return where the token at `i` ends."""
    cdef Py_UCS4 c = PyUnicode_READ(kind, data, i)
    cdef Py_UCS4 second = PyUnicode_READ(kind, data, i + 1) if i + 1 < end else 0
    if u"a" <= c <= u"z":
        if (
            c == u"e" and second == u"x" and i + 4 < end and PyUnicode_READ(kind, data, i + 2) == u"p"
            and PyUnicode_READ(kind, data, i + 3) == u"." and PyUnicode_READ(kind, data, i + 4) == u"u"
        ):
            return i + 5
        return words(kind, data, i + 1, end)
    if u"A" <= c <= u"Z":
        return words(kind, data, i + 1, end)
    if u"0" <= c <= u"9":
        return number(kind, data, i, end)
    if c == u"." or c == u":" or c == u"/":
        return i + 2 if second == c else i + 1
    if c == u"-":
        return i + 2 if second == u">" else i + 1
    if c == u"_":
        return words(kind, data, i + 1, end) if is_word(second) and second != u"_" else i + 1
    if c == u'"':
        return string(kind, data, i, end)
    if c == u"#":
        return doc_comment(kind, data, i, end)
    if c == u"$":
        i += 1
        while i < end and is_word(PyUnicode_READ(kind, data, i)) and not u"A" <= PyUnicode_READ(kind, data, i) <= u"Z":
            i += 1
        return i
    return i + 1


def scan(str text not None, Py_ssize_t end, dict fixed not None, str spaces not None, /):
    """Return texts, starts and ends of the tokens in text[:end].

    `fixed` has the one object to use for a text that comes often; `spaces` is what counts as white space.
    """
    cdef int kind = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef Py_ssize_t start, stop
    cdef list texts = [], starts = [], ends = []
    if not 0 <= end <= len(text):
        raise ValueError(f"the end must be in 0..{len(text)}, found {end}")
    start = trivia(kind, data, 0, end, spaces)
    while start < end:
        stop = token(kind, data, start, end)
        found = PyUnicode_Substring(text, start, stop)
        texts.append(fixed.get(found, found))
        starts.append(start)
        ends.append(stop)
        start = trivia(kind, data, stop, end, spaces)
    return texts, starts, ends
