"""The actor machine: code and state by content address, run message by message, metered and watched."""
