"""Find shorter operation sequences with the same effect, and prove that the effect is the same.

Straight-line code only, and never unasked: assembly stays bit for bit the reference's. `symbolic` runs operations on
symbols and says what they do; `search` looks for the shortest way to do it; `blocks` goes from instructions to operations
and back; `rules` is the library of short sequences found so far.

>>> from miden.optimize.blocks import optimize
>>> optimize("movup.2 movup.2 add swap").instructions
('movdn.2', 'add')
"""
