"""What a package says of other packages: its needs and its features.

A package file names what it was linked with by digest. What it would accept in their place, it says in its section
``needs``: canonical JSON that `miden build` writes for a project with dependencies on versions, and that registries
copy into their index.
"""

from __future__ import annotations

import re
from functools import lru_cache

from miden.errors import FormatError, InputError
from miden.package.project import valid_package_name
from miden.package.requirements import Requirement
from miden.serde.json_text import Fields, canonical_json, parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from miden.package.project import Project

SECTION = "needs"
MAX_BYTES = 2**20
MAX_NEEDS = 1000
MAX_FEATURES = 256
_FEATURE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}", re.ASCII)


class Need:
    """One package that is needed: its name, what is asked of its version, and which of its features.

    Attributes
    ----------
    name
        Name of the package.
    requirement
        A `Requirement`.
    optional
        Whether it is only needed if a feature asks for it.
    features
        Features that are asked of it, beside its feature ``default``.
    default_features
        Whether its feature ``default`` is asked for.
    """

    __slots__ = ("default_features", "features", "name", "optional", "requirement")

    def __init__(
        self,
        name: str,
        requirement: Requirement | str = "*",
        *,
        optional: bool = False,
        features: Iterable[str] = (),
        default_features: bool = True,
    ) -> None:
        self.name = name
        self.requirement = Requirement(requirement) if isinstance(requirement, str) else requirement
        self.optional = optional
        self.features = tuple(sorted(set(features)))
        self.default_features = default_features

    def to_json(self) -> dict[str, Any]:
        """Return it ready for JSON, without what is usual."""
        facts: dict[str, Any] = {"name": self.name, "version": self.requirement.text}
        if self.optional:
            facts["optional"] = True
        if self.features:
            facts["features"] = list(self.features)
        if not self.default_features:
            facts["default"] = False
        return facts

    @classmethod
    def from_json(cls, data: object) -> Need:
        """Read what `to_json` gave; `FormatError` of kind ``InvalidNeeds``."""
        if isinstance(data, dict) and data.keys() == {"name", "version"}:
            name, version = data["name"], data["version"]
            if isinstance(name, str) and isinstance(version, str):
                return _usual_need(name, version)
        fields = Fields(data, "a need", "InvalidNeeds")
        fields.only("name", "version", "optional", "features", "default")
        usual = _usual_need(fields.text("name"), fields.text("version"))
        features = fields.texts("features", limit=MAX_FEATURES, length=64)
        for feature in features:
            check_feature(feature)
        return cls(
            usual.name,
            usual.requirement,
            optional=fields.flag("optional"),
            features=features,
            default_features=fields.flag("default", default=True),
        )

    def _key(self) -> tuple[object, ...]:
        return self.name, self.requirement, self.optional, self.features, self.default_features

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Need) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"Need({self.name!r}, {self.requirement.text!r})"


@lru_cache(maxsize=2**14)
def _usual_need(name: str, version: str) -> Need:
    """Return a need as most are; an index says the same for many versions."""
    try:
        requirement = Requirement(version)
    except InputError as error:
        raise FormatError(f"a need: {error.message}", kind="InvalidNeeds") from None
    if not valid_package_name(name):
        raise FormatError(f"a need: {name[:129]!a} cannot be the name of a package", kind="InvalidNeeds")
    return Need(name, requirement)


class Needs:
    """The needs of a package, and its features: name -> what each asks for.

    What a feature asks for is written as in Cargo: another feature, ``dep:name`` for an optional need, ``name/feature``
    for a feature of a need. An optional need is a feature of its own name, unless a feature is called so.

    Raises `FormatError` of kind ``InvalidNeeds`` for two needs of one name, and for a feature that asks for nothing there is.
    """

    __slots__ = ("features", "needs")

    def __init__(self, needs: Iterable[Need] = (), features: Mapping[str, Iterable[str]] | None = None) -> None:
        self.needs = tuple(sorted(needs, key=lambda need: need.name))
        self.features: dict[str, tuple[str, ...]] = {name: tuple(asked) for name, asked in sorted((features or {}).items())}
        names = [need.name for need in self.needs]
        if len(names) > MAX_NEEDS or len(set(names)) != len(names):
            raise FormatError(f"a package needs at most {MAX_NEEDS} packages, each named once", kind="InvalidNeeds")
        if len(self.features) > MAX_FEATURES:
            raise FormatError(f"a package has at most {MAX_FEATURES} features", kind="InvalidNeeds")
        for name, asked in self.features.items():
            check_feature(name)
            for item in asked:
                self._check(name, item)

    def _check(self, name: str, item: str) -> None:
        needed, slash, feature = item.rpartition("/")
        if item.startswith("dep:"):
            known = any(need.optional and need.name == item[4:] for need in self.needs)
        elif slash:
            check_feature(feature)
            known = any(need.name == needed for need in self.needs)
        else:
            known = item in self.features or any(need.optional and need.name == item for need in self.needs)
        if not known:
            raise FormatError(f"feature {name} asks for {item[:80]!a}, which is nothing of this package", kind="InvalidNeeds")

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say."""
        return not self.needs and not self.features

    def has_feature(self, name: str) -> bool:
        """Tell whether a feature can be asked for; ``default`` always can."""
        return name == "default" or name in self.features or any(need.optional and need.name == name for need in self.needs)

    def to_json(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {
            "needs": [need.to_json() for need in self.needs],
            "features": {name: list(asked) for name, asked in self.features.items()},
        }

    @classmethod
    def from_json(cls, data: object) -> Needs:
        """Read what `to_json` gave; other fields are left to who calls."""
        fields = Fields(data, "needs", "InvalidNeeds")
        features: dict[str, list[str]] = {}
        for name, asked in fields.table("features", limit=MAX_FEATURES).items():
            if not isinstance(asked, list) or len(asked) > MAX_NEEDS or not all(isinstance(item, str) for item in asked):
                fields.fail("what a feature asks for must be a list of texts")
            features[name] = asked
        return cls([Need.from_json(item) for item in fields.items("needs", limit=MAX_NEEDS)], features)

    def to_bytes(self) -> bytes:
        """Return the bytes of the section."""
        return canonical_json(self.to_json())

    @classmethod
    def from_bytes(cls, data: bytes) -> Needs:
        """Read the bytes of a section; `FormatError` of kind ``InvalidNeeds`` or ``InvalidJson``."""
        return cls.from_json(parse_json(data, f"the section {SECTION}", limit=MAX_BYTES))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Needs) and (self.needs, self.features) == (other.needs, other.features)

    def __hash__(self) -> int:
        return hash((self.needs, tuple(self.features.items())))

    def __repr__(self) -> str:
        return f"Needs({list(self.needs)!r}, {self.features!r})"


def project_needs(project: Project) -> Needs:
    """Return what a project asks of registries: its dependencies on versions, those with a path too, and its features.

    Raises `ProjectError` of kind ``InvalidNeeds`` for features that ask for what is not there.
    """
    needs = [
        Need(
            item.name,
            item.requirement,
            optional=item.optional,
            features=item.features,
            default_features=item.default_features,
        )
        for item in project.dependencies.values()
        if item.requirement is not None
    ]
    try:
        for need in needs:
            for feature in need.features:
                check_feature(feature)
        return Needs(needs, project.features)
    except FormatError as error:
        project.file.fail(error.message, "features", kind=error.kind)


def active_needs(needs: Needs, features: Iterable[str] = ("default",)) -> dict[str, Need]:
    """Return what is needed with some features, by name: what is not optional, and what the features ask for.

    Raises `InputError` of kind ``UnknownFeature``.
    """
    found = {need.name: need for need in needs.needs if not need.optional}
    for feature in features:
        if not needs.has_feature(feature):
            known = ", ".join(needs.features) or "none"
            raise InputError(f"there is no feature {feature[:64]!a}", kind="UnknownFeature", hint=f"there is {known}")
        found |= {need.name: need for need in feature_needs(needs, feature)}
    return found


def feature_needs(needs: Needs, feature: str) -> Iterator[Need]:
    """Iterate over the needs that a feature asks for, with the features that it asks of them."""
    by_name = {need.name: need for need in needs.needs}
    pending, done = [feature], {feature}
    while pending:
        name = pending.pop()
        if name not in needs.features:
            if name in by_name and by_name[name].optional:
                yield _needed(by_name[name])
            continue
        for item in needs.features[name]:
            needed, slash, asked = item.rpartition("/")
            if item.startswith("dep:"):
                yield _needed(by_name[item[4:]])
            elif slash and item not in needs.features and item not in by_name:
                yield _needed(by_name[needed], asked)
            elif item not in done:
                done.add(item)
                pending.append(item)


def _needed(need: Need, *features: str) -> Need:
    """Return a need that is not optional any more, with more features."""
    return Need(need.name, need.requirement, features=(*need.features, *features), default_features=need.default_features)


def check_feature(name: str) -> None:
    """Refuse what cannot be the name of a feature: `FormatError` of kind ``InvalidNeeds``.

    The name of an optional need, with its namespace, is one as well.
    """
    if not _FEATURE.fullmatch(name) and not valid_package_name(name):
        raise FormatError(f"{name[:80]!a} cannot be the name of a feature", kind="InvalidNeeds")
