"""Places where objects are kept, one module or folder for each; all pass tests/conformance/test_providers.py."""
