"""Why a client may believe what a registry says.

`log` is an append-only Merkle tree of all that was published; `signing` are keys; `repository` makes and signs the
metadata of a registry as The Update Framework lays it down, `publishing` is the part of it that publishers sign, `client`
checks it all. `entries` turn an index into what is signed and logged, `audit` are advisories about versions. The package's
own digests are checked beside all this, when it is installed.
"""
