"""`miden actor`: a group of verbs, each a module that is imported when it runs."""

from __future__ import annotations

from miden.cli.verb import Group

VERBS = {
    "init": "Begin a machine: a state with one account.",
    "account": "Put an account into the state.",
    "package": "Put code and its interface into one file.",
    "deploy": "Create an actor from code.",
    "call": "Send a message to an actor, and print what it gives back.",
    "state": "List the actors, or show the state of one.",
    "trace": "Show all that a message would do.",
    "inspect": "Show the interface of an actor.",
    "replay": "Run message vectors of the Filecoin network.",
}
"""Verb -> short help; the module of a verb has its name."""

HELP = """Run actors: code and state by content address, message by message.

A machine is a file that names the root of a state; the state itself, the code and the interfaces are blocks in a store, those of
`miden store`. The file is the one named by --machine, by MIDEN_MACHINE, or machine.json in the present folder.
"""

command = Group("actor", "miden.cli.actor", VERBS, HELP)
