"""The nodes of a Merkle store in C: what `miden.vm.merkle_core` puts behind the interface of `miden.vm.merkle`.

Digests are 32 bytes. Anything else, or an element that is not below p, raises ValueError.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

from miden._core.forest cimport load_u64, store_u64
from miden._core.rpo cimport FELT_P, felt_t, rpo_follow, rpo_merge_in_domain, variant_slot

rpo_follow(variant_slot())


cdef extern from "nodes.h" nogil:
    int MAX_TREE_DEPTH
    ctypedef struct TreeNodeC:
        felt_t[4] digest
        felt_t[2][4] children
        uint64_t hashed
    ctypedef struct NodeTableC:
        const NodeTableC *fresh
        TreeNodeC *nodes
        uint64_t count
        uint64_t seed
    ctypedef struct TreePathC:
        uint64_t depth
        uint64_t index
        felt_t[4] leaf
        TreeNodeC[64] nodes
    TreeNodeC *node_find(const NodeTableC *table, const felt_t *digest)
    int node_put(NodeTableC *table, const TreeNodeC *node)
    void node_table_clear(NodeTableC *table)
    bint path_find(const NodeTableC *table, const felt_t *root, uint64_t depth, uint64_t index, TreePathC *path)
    bint path_check(TreePathC *path)
    bint path_replace(TreePathC *path, const felt_t *leaf, TreeNodeC *nodes, felt_t *root)
    void path_remember(NodeTableC *table, const TreePathC *path)
    uint64_t mix64(uint64_t x)


cdef int digest_load(bytes data, felt_t *digest) except -1:
    """Read a digest."""
    cdef int index
    if len(data) != 32:
        raise ValueError(f"a digest is 32 bytes, found {len(data)}")
    for index in range(4):
        digest[index] = load_u64(<const uint8_t *>PyBytes_AS_STRING(data) + 8 * index)
        if digest[index] >= FELT_P:
            raise ValueError(f"element {index} of a digest is not below p: {digest[index]}")
    return 0


cdef bytes felts_store(const felt_t *felts, int count):
    """Write felts as bytes."""
    cdef bytes data = PyBytes_FromStringAndSize(NULL, 8 * count)
    cdef int index
    for index in range(count):
        store_u64(<uint8_t *>PyBytes_AS_STRING(data) + 8 * index, felts[index])
    return data


cdef bytes path_siblings(const TreePathC *path):
    """Return the siblings on the way up, leaf first."""
    cdef bytes data = PyBytes_FromStringAndSize(NULL, 32 * path.depth)
    cdef uint64_t level, side
    cdef int element
    for level in range(path.depth):
        side = path.index >> level & 1
        for element in range(4):
            store_u64(
                <uint8_t *>PyBytes_AS_STRING(data) + 32 * level + 8 * element,
                path.nodes[path.depth - 1 - level].children[1 - side][element],
            )
    return data


cdef NodeTable empty_subtrees = None


def fresh_table():
    """Return a table with no nodes but those of the trees whose leaves are all zero, which it does not count."""
    global empty_subtrees
    cdef NodeTable table
    cdef TreeNodeC node
    cdef int _depth, index
    if empty_subtrees is None:
        table = NodeTable()
        node.hashed = 1
        for index in range(4):
            node.digest[index] = 0
        for _depth in range(255):
            memcpy(node.children[0], node.digest, 32)
            memcpy(node.children[1], node.digest, 32)
            rpo_merge_in_domain(node.children[0], node.children[1], 0, node.digest)
            table.put_node(&node)
        empty_subtrees = table
    return NodeTable(empty_subtrees)


@cython.final
cdef class NodeTable:
    """Digest -> its two children, in the order of insertion, on top of the nodes of another table that never changes."""

    cdef NodeTableC table
    cdef NodeTable fresh

    def __cinit__(self, NodeTable fresh=None):
        self.fresh = fresh
        self.table.fresh = NULL if fresh is None else &fresh.table
        self.table.seed = mix64(<uint64_t><void *>self)

    def __dealloc__(self):
        node_table_clear(&self.table)

    def __len__(self):
        return self.table.count

    cdef int put_node(self, const TreeNodeC *node) except -1:
        if node_put(&self.table, node):
            raise MemoryError
        return 0

    cdef bint find_path(self, bytes root, depth, index, TreePathC *path) except -1:
        cdef felt_t[4] digest
        digest_load(root, digest)
        if not 0 <= depth <= MAX_TREE_DEPTH or index >> depth:
            raise ValueError(f"there is no node {index} at depth {depth}")
        return path_find(&self.table, digest, depth, index, path)

    def children(self, bytes digest not None):
        """Return left and right child, 64 bytes, or None."""
        cdef felt_t[4] key
        cdef const TreeNodeC *node
        digest_load(digest, key)
        node = node_find(&self.table, key)
        return None if node == NULL else felts_store(node.children[0], 8)

    def put(self, bytes digest not None, bytes left not None, bytes right not None):
        """Set the children of a digest, unchecked."""
        cdef TreeNodeC node
        digest_load(digest, node.digest)
        digest_load(left, node.children[0])
        digest_load(right, node.children[1])
        node.hashed = 0
        self.put_node(&node)

    def merge(self, bytes left not None, bytes right not None):
        """Add the node over two digests and return its own."""
        cdef TreeNodeC node
        digest_load(left, node.children[0])
        digest_load(right, node.children[1])
        rpo_merge_in_domain(node.children[0], node.children[1], 0, node.digest)
        node.hashed = 1
        self.put_node(&node)
        return felts_store(node.digest, 4)

    def nodes(self):
        """Return (digest, left, right) of the nodes that the table below does not have with the same children."""
        cdef uint64_t position
        cdef TreeNodeC *node
        cdef list found = []
        for position in range(self.table.count):
            node = &self.table.nodes[position]
            digest, pair = felts_store(node.digest, 4), felts_store(node.children[0], 8)
            if self.fresh is None or self.fresh.children(digest) != pair:
                found.append((digest, pair[:32], pair[32:]))
        return found

    def copy(self):
        """Return an independent table with the same nodes."""
        cdef NodeTable table = NodeTable(self.fresh)
        cdef uint64_t position
        for position in range(self.table.count):
            table.put_node(&self.table.nodes[position])
        return table

    def find(self, bytes root not None, depth, index):
        """Return the digest at (depth, index) under a root, or None if it cannot be reached; depth 0 is the root."""
        cdef TreePathC path
        return felts_store(path.leaf, 4) if self.find_path(root, depth, index, &path) else None

    def path(self, bytes root not None, depth, index):
        """Return the digest at (depth, index) and the siblings on its way up, leaf first; None if it cannot be reached."""
        cdef TreePathC path
        if not self.find_path(root, depth, index, &path):
            return None
        return felts_store(path.leaf, 4), path_siblings(&path)

    def proves(self, bytes root not None, depth, index, bytes value not None):
        """Return whether `value` stands at (depth, index) under `root` and every node on the way hashes to its digest."""
        cdef TreePathC path
        cdef bint right
        if not self.find_path(root, depth, index, &path) or felts_store(path.leaf, 4) != value:
            return False
        with nogil:
            right = path_check(&path)
        path_remember(&self.table, &path)
        return right

    def replace(self, bytes root not None, depth, index, bytes old not None, bytes value not None):
        """Add the tree with `value` in place of `old` at (depth, index); None if its path is not there.

        Return the siblings on the way up, leaf first, and the new root; the latter is None unless `old` stood there and
        every node on the way hashes to its digest. The value that stood there adds nothing.
        """
        cdef TreePathC path
        cdef TreeNodeC[64] nodes
        cdef felt_t[4] leaf
        cdef felt_t[4] digest
        cdef uint64_t level
        cdef bint right
        digest_load(value, leaf)
        if not self.find_path(root, depth, index, &path):
            return None
        stood, siblings, new_root = felts_store(path.leaf, 4), path_siblings(&path), root
        if stood == value:
            with nogil:
                right = path_check(&path)
            path_remember(&self.table, &path)
        else:
            with nogil:
                right = path_replace(&path, leaf, nodes, digest)
            path_remember(&self.table, &path)
            for level in range(path.depth):
                self.put_node(&nodes[path.depth - 1 - level])
            new_root = felts_store(digest, 4)
        return siblings, new_root if right and stood == old else None

    def __repr__(self):
        return f"<NodeTable {self.table.count} nodes>"
