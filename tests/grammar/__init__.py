"""The language as a grammar for lark, independent of the parser under test."""
