"""The call graph: who refers to whom, circles, and the order procedures are compiled in. (assembly.md sections 7.4, 7.5.)"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from miden.assembly.linker.modules import Gid

    Edges: TypeAlias = dict[Gid, dict[Gid, None]]
    """Caller -> callees, in order."""


def add_edge(edges: Edges, caller: Gid, callee: Gid) -> None:
    """Add an edge, once; the order of a caller's edges is that of their first addition."""
    edges.setdefault(callee, {})
    edges.setdefault(caller, {})[callee] = None


def find_cycle(edges: Edges) -> list[Gid]:
    """Return the items on circles, with those that circles lead to directly, in order; empty if there is no circle."""
    waiting = _count_callers(edges)
    ready = [gid for gid, count in waiting.items() if not count]
    done = 0
    while ready:
        gid = ready.pop()
        done += 1
        waiting[gid] = -1
        for callee in edges[gid]:
            waiting[callee] -= 1
            if not waiting[callee]:
                ready.append(callee)
    if done == len(edges):
        return []
    found: set[Gid] = set()
    for gid, callees in edges.items():
        if waiting[gid] > 0 and callees:
            found.add(gid)
            found.update(callees)
    return sorted(found)


def compile_order(edges: Edges, root: Gid, is_done: Callable[[Gid], bool]) -> list[Gid]:
    """Return what is reachable from `root`, callees first, without what is compiled already.

    The order decides node ids: it is the reverse of the order in which a queue meets items all of whose callers it
    has met. An item that is done has done callees only, so that leaving it out changes nothing for the rest.
    """
    reachable: Edges = {}
    queue = [root]
    for gid in queue:  # which grows on the way
        if gid not in reachable and not is_done(gid):
            reachable[gid] = {callee: None for callee in edges.get(gid, ()) if callee != root and not is_done(callee)}
            queue.extend(reachable[gid])
    waiting = _count_callers(reachable)
    order = [root] if root in reachable else []
    for gid in order:  # a queue as well: what it has met is the order
        for callee in reachable[gid]:
            waiting[callee] -= 1
            if not waiting[callee]:
                order.append(callee)
    order.reverse()
    return order


def _count_callers(edges: Edges) -> dict[Gid, int]:
    waiting = dict.fromkeys(edges, 0)
    for callees in edges.values():
        for callee in callees:
            waiting[callee] += 1
    return waiting
