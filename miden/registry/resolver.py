"""Choose versions that fit together, the highest there are.

The rule: packages are looked at in the order in which they are met, breadth first from the needs at the root, needs in
the order of their names. Each gets the highest version with which the whole can still be completed, given those before
it; one that is locked is tried before higher ones. There is one version of a package, and one kernel, which has all that
packages built for another version of it may call. A solution is found if there is one. (docs/adr/0012 tells why this is
not a library's search.)

Versions a package may still have are a bit mask. A decision narrows the masks of what it needs; a mask that becomes
empty is a conflict, and the decisions that made it so are to blame. The search goes back to the latest decision to
blame, over all that have no part in it, and never tries again a set of decisions that was found to be in conflict.
Nothing recurses, and the number of decisions that are taken back is limited.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from miden.errors import ResolutionError
from miden.mast.versions import CURRENT
from miden.package.needs import Need, feature_needs
from miden.registry.index import KERNEL
from miden.registry.versions import VersionTable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from miden.field import Word
    from miden.registry.index import IndexEntry, Linked

    Lookup = Callable[[str], Sequence[IndexEntry]]

MAX_WASTED = 20_000
"""Decisions of one search that may be taken back; real ones take back few."""
MAX_KEPT = 8
"""Decisions of a conflict that is remembered."""
MAX_REMEMBERED = 100
"""Conflicts that are remembered of one version, the latest."""

ROOT: frozenset[str] = frozenset()


class Table:
    """The versions of one package: entries lowest first, and sets of them as masks."""

    __slots__ = ("_features", "_masks", "entries", "name", "usable", "versions")

    def __init__(self, name: str, entries: Iterable[IndexEntry], *, mast: int, locked: str | None) -> None:
        self.name = name
        by_version = {entry.version: entry for entry in entries}
        self.versions = VersionTable(by_version)
        self.entries = [by_version[version] for version in self.versions.versions]
        self.usable = 0
        """Versions of our MAST version that are not yanked, and one that is locked even if it is."""
        for index, entry in enumerate(self.entries):
            if entry.mast == mast and (entry.yanked is None or entry.version == locked):
                self.usable |= 1 << index
        self._features: dict[str, int] = {}
        self._masks: dict[Need, int] = {}

    def mask(self, need: Need) -> int:
        """Return the versions that a need accepts: by version, digest, and the features that it asks for."""
        found = self._masks.get(need)
        if found is None and isinstance(need, KernelNeed):
            found = self._masks[need] = self._with_procedures(need.digest)
        if found is None:
            found = self.versions.mask(need.requirement)
            digest = need.requirement.digest
            if digest is not None:
                found &= sum(1 << index for index, entry in enumerate(self.entries) if entry.code == digest)
            for feature in need.features:
                found &= self.with_feature(feature)
            self._masks[need] = found
        return found

    def _with_procedures(self, digest: Word) -> int:
        """Return the versions that have every procedure of the one with a digest; all, if that is unknown or no kernel."""
        built_for = next((entry for entry in self.entries if entry.code == digest and entry.kind == KERNEL), None)
        if built_for is None:
            return self.versions.everything
        needed = set(built_for.exports.values())
        return sum(1 << index for index, entry in enumerate(self.entries) if needed <= set(entry.exports.values()))

    def with_feature(self, name: str) -> int:
        """Return the versions that have a feature."""
        found = self._features.get(name)
        if found is None:
            found = sum(1 << index for index, entry in enumerate(self.entries) if entry.needs.has_feature(name))
            self._features[name] = found
        return found


class KernelNeed(Need):
    """What code asks of the kernel that it was built for: the very one, or one that has all its procedures.

    Attributes
    ----------
    digest
        Digest of the kernel it was built for.
    """

    __slots__ = ("digest",)

    def __init__(self, name: str, digest: Word) -> None:
        super().__init__(name, default_features=False)
        self.digest = digest

    def __str__(self) -> str:
        return f"with the procedures of kernel {self.digest.to_hex()[:14]}.."

    def _key(self) -> tuple[object, ...]:
        return *super()._key(), self.digest


class Claim(NamedTuple):
    """A need, who has it (None is the root), and the decisions that together make it so."""

    need: Need
    owner: str | None
    blame: frozenset[str]


class Reason(NamedTuple):
    """A claim on a package, with the versions that it leaves."""

    need: Need
    owner: str | None
    blame: frozenset[str]
    mask: int


class Conflict(NamedTuple):
    """Decisions that cannot stand together, and what shows it: reasons on one package, or two kernels."""

    blame: frozenset[str]
    package: str
    reasons: tuple[Reason, ...]


class Chosen:
    """A version that was chosen.

    Attributes
    ----------
    entry
        The `IndexEntry`.
    features
        Features that are asked of it, in order.
    needs
        What it needs with these features, by name.
    """

    __slots__ = ("entry", "features", "needs")

    def __init__(self, entry: IndexEntry, features: Iterable[str], needs: Iterable[Need]) -> None:
        self.entry = entry
        self.features = tuple(sorted(features))
        self.needs = tuple(sorted(needs, key=lambda need: need.name))

    def __repr__(self) -> str:
        return f"<Chosen {self.entry.name} {self.entry.version}>"


class Resolution:
    """Versions that fit together: `packages` by name, in the order in which they were met; `needs` are those at the root."""

    __slots__ = ("decisions", "needs", "packages")

    def __init__(self, needs: Sequence[Need], packages: dict[str, Chosen], decisions: int) -> None:
        self.needs = tuple(needs)
        self.packages = packages
        self.decisions = decisions
        """Decisions that the search took."""

    def versions(self) -> dict[str, str]:
        """Return name -> version."""
        return {name: chosen.entry.version for name, chosen in self.packages.items()}

    def __repr__(self) -> str:
        return f"<Resolution {len(self.packages)} packages>"


def resolve(
    needs: Iterable[Need],
    lookup: Lookup,
    *,
    locked: Mapping[str, str] | None = None,
    root: str = "the project",
    mast: int = CURRENT.number,
    prefetch: Callable[[list[str]], None] | None = None,
) -> Resolution:
    """Choose a version of each package that is needed.

    Parameters
    ----------
    needs
        What is needed at the root; optional needs are left out.
    lookup
        Returns the entries of a name, in any order; none for a name that is unknown. It is asked once for each name.
    locked
        Name -> version to keep if it fits, also if it is yanked.
    root
        What messages call the root.
    mast
        Only packages of this MAST version are taken.
    prefetch
        Called with names that `lookup` will be asked for next, to get them ready together.

    Raises
    ------
    ResolutionError
        Of kind ``NoSolution``: no versions fit together; `reasons` are sentences that say why.
        Of kind ``ResolutionTooHard``: the search came to its limit.

    Examples
    --------
    >>> from miden.package.needs import Need
    >>> resolve([], lambda name: []).packages
    {}
    """
    wanted = sorted((need for need in needs if not need.optional), key=lambda need: need.name)
    search = Search(lookup, locked or {}, mast, prefetch)
    if search.run(wanted) is None:
        return search.result(wanted)
    from miden.registry.explanations import explain

    raise explain(search, wanted, root)


class _Level:
    """One decision: what may still be tried, and the other decisions to blame for what failed."""

    __slots__ = ("blame", "name", "untried")

    def __init__(self, name: str, untried: int) -> None:
        self.name = name
        self.untried = untried
        self.blame: set[str] = set()


class Search:
    """The search; `run` may be called several times, tables are kept."""

    def __init__(
        self, lookup: Lookup, locked: Mapping[str, str], mast: int, prefetch: Callable[[list[str]], None] | None = None
    ) -> None:
        self._lookup = lookup
        self._prefetch = prefetch
        self._locked = locked
        self._mast = mast
        self._tables: dict[str, Table] = {}
        self.on_conflict: Callable[[Conflict], None] | None = None
        self._clear()

    def _clear(self) -> None:
        self.order: list[str] = []
        self.domain: dict[str, int] = {}
        self.reasons: dict[str, list[Reason]] = {}
        self.chosen: dict[str, int] = {}
        self.features: dict[str, dict[str, frozenset[str]]] = {}
        self._trail: list[tuple[str, str, object]] = []
        self._marks: list[int] = []
        self._kernel: str | None = None
        self._nogoods: dict[tuple[str, int], deque[tuple[tuple[str, int], ...]]] = {}
        self.decisions = 0

    def table(self, name: str) -> Table:
        """Return the versions of a package."""
        found = self._tables.get(name)
        if found is None:
            found = self._tables[name] = Table(name, self._lookup(name), mast=self._mast, locked=self._locked.get(name))
        return found

    def entry(self, name: str) -> IndexEntry:
        """Return the version that is chosen of a package."""
        return self._tables[name].entries[self.chosen[name]]

    # the search

    def run(self, needs: Sequence[Need], limit: int = MAX_WASTED) -> Conflict | None:
        """Search; return None if a solution stands in `chosen`, or the conflict at the root if there is none."""
        self._clear()
        conflict = self._apply([Claim(need, None, ROOT) for need in needs])
        if conflict is not None:
            return conflict
        levels: list[_Level] = []
        while len(levels) < len(self.order):
            name = self.order[len(levels)]
            level = _Level(name, self.domain[name])
            levels.append(level)
            while not self._advance(level):
                blame = frozenset(level.blame).union(*(reason.blame for reason in self.reasons[name]))
                self._learn(blame)
                levels.pop()
                while levels and levels[-1].name not in blame:
                    self._undo()
                    levels.pop()
                if not levels:
                    return Conflict(ROOT, name, tuple(self.reasons.get(name, ())))
                self._undo()
                level = levels[-1]
                level.blame |= blame - {level.name}
                name = level.name
                if self.decisions - len(levels) > limit:
                    message = f"no versions were found that fit together, after {self.decisions} decisions"
                    raise ResolutionError(message, kind="ResolutionTooHard", hint="ask for narrower versions")
        return None

    def _advance(self, level: _Level) -> bool:
        """Decide the next version of a level that is not in conflict with what was decided before; False if there is none."""
        while level.untried:
            index = self._best(level)
            level.untried ^= 1 << index
            self.decisions += 1
            conflict = self._decide(level.name, index)
            if conflict is None:
                return True
            self._undo()
            level.blame |= conflict - {level.name}
        return False

    def _best(self, level: _Level) -> int:
        locked = self._locked.get(level.name)
        if locked is not None:
            for index in self._tables[level.name].versions.within(level.untried):
                if self._tables[level.name].entries[index].version == locked:
                    return index
        return level.untried.bit_length() - 1

    def _decide(self, name: str, index: int) -> frozenset[str] | None:
        """Choose a version and apply what it needs; return the decisions to blame if it cannot stand."""
        self._marks.append(len(self._trail))
        for nogood in self._nogoods.get((name, index), ()):
            if all(self.chosen.get(other) == at for other, at in nogood if other != name):
                return frozenset(other for other, _ in nogood)
        self.chosen[name] = index
        self._trail.append(("chosen", name, None))
        entry = self._tables[name].entries[index]
        if entry.kind == KERNEL:
            if self._kernel is not None:
                return self._report(Conflict(frozenset((self._kernel, name)), name, ()))
            self._kernel = name
            self._trail.append(("kernel", name, None))
        blame = frozenset((name,))
        pending = [Claim(need, name, blame) for need in entry.needs.needs if not need.optional]
        pending += [Claim(KernelNeed(link.name, link.digest), name, blame) for link in entry.linked if self._is_kernel(entry, link)]
        for feature, by in list(self.features.get(name, {}).items()):
            pending += self._of_feature(name, feature, by)
        conflict = self._apply(pending)
        return None if conflict is None else conflict.blame

    def _is_kernel(self, entry: IndexEntry, link: Linked) -> bool:
        """Tell whether what a version was linked with is a kernel that it needs too."""
        needed = any(need.name == link.name and not need.optional for need in entry.needs.needs)
        return needed and any(found.kind == KERNEL for found in self.table(link.name).entries)

    def _of_feature(self, name: str, feature: str, by: frozenset[str]) -> list[Claim]:
        """Return the needs that a feature adds to the version that is chosen of a package."""
        entry = self.entry(name)
        blame = by | {name}
        return [Claim(need, name, blame) for need in feature_needs(entry.needs, feature)]

    def _apply(self, pending: list[Claim]) -> Conflict | None:
        """Narrow what packages may be, by needs, and by those that their features add."""
        while pending:
            added: list[Claim] = []
            if self._prefetch is not None:
                self._prefetch([claim.need.name for claim in pending if claim.need.name not in self._tables])
            for need, owner, blame in pending:
                name = need.name
                table = self.table(name)
                before = self.domain.get(name)
                if before is None:
                    before = table.usable
                    self.order.append(name)
                    self.reasons[name] = []
                    self.domain[name] = before
                    self._trail.append(("order", name, None))
                reason = Reason(need, owner, blame, table.mask(need))
                self.reasons[name].append(reason)
                self._trail.append(("reasons", name, None))
                after = before & reason.mask
                if name in self.chosen:
                    if not reason.mask >> self.chosen[name] & 1:
                        conflict = Conflict(blame | {name}, name, (*self.reasons[name][:-1], reason))
                        self._report(conflict)
                        return conflict
                elif after != before:
                    self._trail.append(("domain", name, before))
                    self.domain[name] = after
                if not after:
                    conflict = self._narrowed(name, table.usable)
                    self._report(conflict)
                    return conflict
                active = self.features.setdefault(name, {})
                asked = (*need.features, "default") if need.default_features else need.features
                for feature in asked:
                    if feature not in active:
                        active[feature] = blame
                        self._trail.append(("feature", name, feature))
                        if name in self.chosen:
                            added += self._of_feature(name, feature, blame)
            pending = added
        return None

    def _narrowed(self, name: str, usable: int) -> Conflict:
        """Return a conflict from few of the reasons that leave nothing of a package: the last one, and what it needs."""
        *others, last = self.reasons[name]
        left = usable & last.mask
        kept = [last]
        while left:
            best = min(others, key=lambda reason: (left & reason.mask).bit_count())
            kept.append(best)
            left &= best.mask
        return Conflict(frozenset().union(*(reason.blame for reason in kept)), name, tuple(reversed(kept)))

    def _report(self, conflict: Conflict) -> frozenset[str]:
        if self.on_conflict is not None:
            self.on_conflict(conflict)
        return conflict.blame

    def _learn(self, blame: frozenset[str]) -> None:
        """Remember decisions that cannot stand together."""
        if 1 < len(blame) <= MAX_KEPT:
            nogood = tuple((name, self.chosen[name]) for name in sorted(blame))
            for item in nogood:
                self._nogoods.setdefault(item, deque(maxlen=MAX_REMEMBERED)).append(nogood)

    def _undo(self) -> None:
        """Take the last decision back."""
        mark = self._marks.pop()
        while len(self._trail) > mark:
            what, name, value = self._trail.pop()
            if what == "domain":
                self.domain[name] = value  # type: ignore[assignment]
            elif what == "reasons":
                self.reasons[name].pop()
            elif what == "order":
                self.order.pop()
                del self.domain[name], self.reasons[name]
            elif what == "feature":
                del self.features[name][value]  # type: ignore[arg-type]
            elif what == "chosen":
                del self.chosen[name]
            else:
                self._kernel = None

    # the result

    def result(self, needs: Sequence[Need]) -> Resolution:
        """Return what was chosen."""
        packages: dict[str, Chosen] = {}
        for name in self.order:
            entry = self.entry(name)
            features = self.features.get(name, {})
            active = {need.name: need for need in entry.needs.needs if not need.optional}
            for feature in features:
                active |= {need.name: need for need in feature_needs(entry.needs, feature)}
            asked = [feature for feature in features if feature != "default" or feature in entry.needs.features]
            packages[name] = Chosen(entry, asked, active.values())
        return Resolution(needs, packages, self.decisions)
