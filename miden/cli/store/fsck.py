"""`miden store fsck`: check a store, and mend it."""

from __future__ import annotations

import click

from miden.cli.store.places import store_options
from miden.cli.verb import verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.cli.console import Console


@verb("fsck")
@click.option("--repair", is_flag=True, help="Set aside what is damaged, fetch it from other providers, make indexes anew.")
@click.option("--fast", is_flag=True, help="Leave the contents of objects out.")
@store_options
def command(console: Console, repair: bool, fast: bool, place: str | None, config: str | None) -> int:
    """Check every object, index, seal and pin, and never stop at the first damage. Exits with 5 if something stays wrong."""
    from miden.cli.artifacts import plural
    from miden.cli.progress import progress
    from miden.cli.store.places import find_store
    from miden.errors import EXIT_INTEGRITY

    with find_store(place, config) as store, progress(console, "checking") as show:
        found = store.fsck(repair=repair, fast=fast, progress=show)
    findings = [{**finding._asdict(), "keys": list(map(str, finding.keys))} for finding in found.findings]
    if console.json:
        console.document({"objects": found.objects, "bytes": found.bytes, "clean": found.clean, "findings": findings})
    else:
        for finding in found.findings:
            state = console.style("mended", "good") if finding.repaired else console.style("damaged", "bad")
            console.print(f"{state}  {finding.provider}: {finding.what}" + "".join(f"\n    {key}" for key in finding.keys))
        console.print(f"{plural(found.objects, 'object')}, {plural(found.bytes, 'byte')}: {'clean' if found.clean else 'NOT clean'}")
    return 0 if found.clean else EXIT_INTEGRITY
