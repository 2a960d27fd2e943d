"""Generators of inputs shared by the property and differential tests."""
