"""Cases for every procedure of the core library, and the tests that run them."""
