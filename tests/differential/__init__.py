"""The same input to two implementations: whatever can be observed must be equal."""
