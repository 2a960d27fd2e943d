"""Readers and writers of the reference's file formats, one module per format. (mast.md sections 7 to 10.)

Bytes from outside are hostile: lengths are checked against what is left before anything is allocated, ids against
counts, and whatever is wrong is a `FormatError` with an offset.
"""
