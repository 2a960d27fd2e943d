"""Semantic analysis of one module: items, duplicates, constants, call targets, warnings. (assembly.md section 2.)"""

from __future__ import annotations

from miden.assembly.sema.analysis import analyze
from miden.assembly.sema.items import AnalyzedModule

__all__ = ["AnalyzedModule", "analyze"]
