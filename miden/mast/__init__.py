"""Merkelized abstract syntax trees: the object code of Miden, as immutable forests of nodes.

Start with `miden.mast.forest` (what a forest is), `miden.mast.builder` (how one is made) and
`miden.mast.digests` (what its nodes are called).
"""
