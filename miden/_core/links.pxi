

@cython.final
cdef class Links:
    """Procedures that machines find without asking: what a store gives for each digest.

    Entries are (digest of 32 bytes, code, root, bytes that the code's forest counts as fetched); the first of equal digests
    counts. ValueError for a digest that is none and a root that is not in its code.
    """

    cdef LinksC *links
    cdef list codes

    def __cinit__(self, entries):
        cdef dict numbers = {}
        cdef Code code
        cdef felt_t *digest
        cdef list listed = list(entries)
        self.codes = []
        for _, code, root, _size in listed:
            if code is None:
                raise TypeError("a link leads to a code, found None")
            if not 0 <= root < code.c_code.node_count:
                raise ValueError(f"root {root} is not among the {code.c_code.node_count} nodes")
            if id(code) not in numbers:
                numbers[id(code)] = len(self.codes)
                self.codes.append(code)
        self.links = links_new(len(listed), len(self.codes))
        if self.links == NULL or not (self.links.table and self.links.numbers and self.links.codes and self.links.bytes):
            raise MemoryError
        for name, code, root, size in listed:
            if len(name) != 32:
                raise ValueError(f"a digest is 32 bytes, found {len(name)}")
            digest = felts_from_packed(name, "the digest")
            links_add(self.links, digest, numbers[id(code)], root)
            free(digest)
            self.links.codes[numbers[id(code)]] = code.c_code
            self.links.bytes[numbers[id(code)]] = limit_from_object(size, "the bytes")

    def __dealloc__(self):
        links_free(self.links)

    def __len__(self):
        """Return the number of links."""
        return self.links.count
