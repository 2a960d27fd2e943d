"""A registry that others reach by HTTP.

`catalog` is the registry itself, without HTTP: what is published, in `database` (whose `tables` the log and the metadata are
kept in) and in files, signed with its `keys` by `miden.registry.trust`; `verifying` checks all of it. `tokens` says who may
publish, `rates` how often anybody may ask. `app` answers requests in the form that `answers` gives them, `pages` of `html` are
for people's browsers, `serving` runs it all.
"""
