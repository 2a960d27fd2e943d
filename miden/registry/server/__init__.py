"""A registry that others reach by HTTP.

`catalog` is the registry itself, without HTTP: what is published, in `database` and in files, signed by `miden.registry.trust`.
`tokens` says who may publish, `rates` how often anybody may ask. `app` answers requests, `pages` are for people's browsers,
`serving` runs it all.
"""
