"""Find shorter operation sequences with the same effect, and prove that the effect is the same.

Straight-line code only, and never unasked: assembly stays bit for bit the reference's. `values`, `meanings` and `effects` run
operations on symbols and say what they do; `search` looks for the shortest way to do it; `rules` is the library of short
sequences found so far; `blocks` goes from instructions to operations and back.

>>> from miden.optimize.blocks import optimize
>>> optimize("movup.2 eq swap movup.2 eq and").instructions
('movup.2', 'eq', 'movdn.2', 'eq', 'and')
"""
