"""CAR files: blocks in a row, each with its CID. Version 1 is the row; version 2 wraps it and adds an index.

`reader` reads either version as a stream or by index, `writer` writes them, `index` knows the forms of indexes, `format` the
bytes they share; `transfer` carries blocks between files and stores. (The specifications of CARv1 and CARv2.)
"""

from __future__ import annotations

from miden.ipld.car.index import CarIndex
from miden.ipld.car.reader import CarFile, CarReader, Section
from miden.ipld.car.writer import CarWriter, write_car

__all__ = ["CarFile", "CarIndex", "CarReader", "CarWriter", "Section", "write_car"]
