"""What the data sets of a dashboard demand of row-level-security tags, and whether tags meet it.

Source: RowLevelPermissionTagConfiguration of the service model quicksight/2018-04-01. Its tag rules
give each tag key a column, and maybe a value that matches all and a delimiter of several values.
Its TagRuleConfigurations are sets of keys of which one must have all its tags; AWS's text says that
they are alternatives (OR) of keys that apply together (AND). Without them all keys are demanded
[? all-tag-keys]; without a Status the rules count as enabled [? tag-rules-status].
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from snapshot_export.domain.problem import Problem
from snapshot_export.domain.security_warning import SecurityWarning

ALLOWANCES = ALLOW_MATCH_ALL, ALLOW_SEVERAL_VALUES = "AllowMatchAll", "AllowSeveralValues"
"""Members by which a request allows tag values that show several customers' rows."""
NOBODY: dict[str, Any] = {"UserConfiguration": {"AnonymousUsers": [{}]}}
"""Whose export it is, in a request without tags."""
TAGS_PLACE = "UserConfiguration.AnonymousUsers[0].RowLevelPermissionTags"


@dataclass(frozen=True, kw_only=True)
class TagRule:
    """A tag key's rule; without a delimiter a value is one, and `match_all` None matches none."""

    key: str
    delimiter: str | None = None
    match_all: str | None = None

    def matches_all(self, value: str) -> bool:
        """Whether a value, or one of several, is the one that matches all.

        Case and spaces around it do not matter, since QuickSight may pass over them
        [? match-all-exactly].
        """
        if not self.match_all:
            return False
        values = [value, *(value.split(self.delimiter) if self.delimiter else ())]
        return _plain(self.match_all) in map(_plain, values)

    def has_several(self, value: str) -> bool:
        """Whether a value holds the delimiter of several."""
        return bool(self.delimiter) and str(self.delimiter) in value


@dataclass(frozen=True, kw_only=True)
class TagRules:
    """The enabled rules of a data set: those of its keys, and which keys must come together."""

    rules: tuple[TagRule, ...]
    configurations: tuple[tuple[str, ...], ...] = ()

    @property
    def alternatives(self) -> tuple[tuple[str, ...], ...]:
        """Sets of keys of which one must have all its tags."""
        return self.configurations or (tuple(rule.key for rule in self.rules),)

    @classmethod
    def of(cls, configuration: Mapping[str, Any]) -> TagRules:
        """The rules of a RowLevelPermissionTagConfiguration."""
        return cls(
            rules=tuple(
                TagRule(
                    key=rule["TagKey"],
                    delimiter=rule.get("TagMultiValueDelimiter") or None,
                    match_all=rule.get("MatchAllValue"),
                )
                for rule in configuration["TagRules"]
            ),
            configurations=tuple(map(tuple, configuration.get("TagRuleConfigurations") or ())),
        )


def data_set_ids_of(dashboard: Mapping[str, Any]) -> tuple[str, ...]:
    """The data sets of DescribeDashboard's Dashboard, each once: of its published version."""
    arns = dashboard.get("Version", {}).get("DataSetArns", [])
    return tuple(dict.fromkeys(arn.rpartition("dataset/")[2] for arn in arns))


def enabled_configurations(data_set: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The enabled RowLevelPermissionTagConfigurations of DescribeDataSet's DataSet.

    New data sets keep them on the tables of their semantic model
    (SemanticTable.RowLevelPermissionConfiguration), others on themselves.
    """
    tables = data_set.get("SemanticModelConfiguration", {}).get("TableMap", {}).values()
    found = [data_set.get("RowLevelPermissionTagConfiguration")] + [
        table.get("RowLevelPermissionConfiguration", {}).get("TagConfiguration") for table in tables
    ]
    return [each for each in found if each and each.get("Status") != "DISABLED"]


@dataclass(frozen=True, kw_only=True)
class DataSetSecurity:
    """What was read of a data set; without enabled `tag_rules` it shows all rows to everyone.

    More than one where the tables of its semantic model have rules of their own.
    """

    data_set_id: str
    tag_rules: tuple[TagRules, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """What could not be read: `resource` (`dashboard/<id>`, `dataset/<id>`), the operation and the
    code of the refusal."""

    resource: str
    operation: str
    code: str

    @property
    def text(self) -> str:
        """Why, for people."""
        return f"{self.resource} could not be read: {self.operation} was refused ({self.code})"


@dataclass(frozen=True, kw_only=True)
class DashboardSecurity:
    """What was read of a dashboard's data sets at `read_at` (epoch seconds)."""

    read_at: float
    data_sets: tuple[DataSetSecurity, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def known_keys(self) -> tuple[str, ...]:
        """Every tag key that an enabled rule has."""
        keys = (rule.key for _, rules in self.restricted for rule in rules.rules)
        return tuple(dict.fromkeys(keys))

    @property
    def restricted(self) -> Iterator[tuple[str, TagRules]]:
        """Data sets with enabled rules, by id."""
        for data_set in self.data_sets:
            for rules in data_set.tag_rules:
                yield data_set.data_set_id, rules


WITHOUT_TAG_RULES = "DATA_SET_WITHOUT_TAG_RULES"
UNREADABLE = "ROW_LEVEL_SECURITY_UNREADABLE"
CHANGED = "ROW_LEVEL_SECURITY_CHANGED"


def tags_of(snapshot: Mapping[str, Any]) -> list[dict[str, str]] | None:
    """The tags of an anonymous user's snapshot, [] if it has none; None for a registered user."""
    if "RegisteredUser" in snapshot:
        return None
    user = snapshot["UserConfiguration"]["AnonymousUsers"][0]
    tags: list[dict[str, str]] = user.get("RowLevelPermissionTags") or []
    return tags


def judge(
    security: DashboardSecurity,
    tags: Sequence[Mapping[str, str]],
    allowances: Collection[str],
) -> tuple[Problem, ...]:
    """Every rule that the tags break, with its place in an export's body, and no value.

    `allowances` are those of ALLOWANCES that the request has.
    """
    return (
        *_unknown_keys(security, tags),
        *_unfulfilled(security, tags),
        *_values(security, tags, allowances),
    )


def demanded_keys(security: DashboardSecurity) -> tuple[str, ...]:
    """Tag keys that meet the rules of every data set that could be read, and few of them: of each
    data set's alternatives the one that adds the fewest, where there is no choice first."""
    keys: dict[str, None] = {}
    rules_of_all = (rules for _, rules in security.restricted)
    for rules in sorted(rules_of_all, key=lambda each: len(each.alternatives)):
        fewest = min(rules.alternatives, key=lambda each: len(set(each).difference(keys)))
        keys |= dict.fromkeys(fewest)
    return tuple(keys)


def warnings_of(security: DashboardSecurity, *, brings_tags: bool) -> tuple[SecurityWarning, ...]:
    """What is reported: what could not be read; and, where tags are brought, the data sets that
    show all their rows whatever the tags."""
    found = [
        SecurityWarning(code=UNREADABLE, resource=each.resource, message=each.text)
        for each in security.unreadable
    ]
    if brings_tags:
        found += [
            SecurityWarning(
                code=WITHOUT_TAG_RULES,
                resource=f"dataset/{data_set.data_set_id}",
                message=f"data set {data_set.data_set_id} has no enabled tag rules: "
                "all of its rows are shown, whatever the tags",
            )
            for data_set in security.data_sets
            if not data_set.tag_rules
        ]
    return tuple(found)


def unreadable_problems(security: DashboardSecurity) -> tuple[Problem, ...]:
    """What could not be read, as problems of the request."""
    return tuple(
        Problem("DashboardId", f"must have row-level security that can be read: {each.text}")
        for each in security.unreadable
    )


def _unknown_keys(
    security: DashboardSecurity, tags: Sequence[Mapping[str, str]]
) -> Iterator[Problem]:
    """While a data set could not be read, its keys are not known and none is refused."""
    known = security.known_keys
    if security.unreadable:
        return
    rule = "must be a tag key of a data set of the dashboard"
    if known:
        rule = f"{rule}: {', '.join(known)}"
    else:
        rule = f"{rule}, of which none has enabled tag rules: the tag would filter nothing"
    for index, tag in enumerate(tags):
        if tag["Key"] not in known:
            yield Problem(f"{TAGS_PLACE}[{index}].Key", rule)


def _unfulfilled(
    security: DashboardSecurity, tags: Sequence[Mapping[str, str]]
) -> Iterator[Problem]:
    keys = {tag["Key"] for tag in tags}
    for data_set_id, rules in security.restricted:
        if any(keys.issuperset(alternative) for alternative in rules.alternatives):
            continue
        demanded = ", or ".join(" and ".join(each) for each in rules.alternatives)
        verb = "must have" if tags else "is required: must have"
        yield Problem(
            TAGS_PLACE, f"{verb} every tag that data set {data_set_id} demands: {demanded}"
        )


def _values(
    security: DashboardSecurity,
    tags: Sequence[Mapping[str, str]],
    allowances: Collection[str],
) -> Iterator[Problem]:
    for index, tag in enumerate(tags):
        for data_set_id, rules in security.restricted:
            for rule in (each for each in rules.rules if each.key == tag["Key"]):
                place = f"{TAGS_PLACE}[{index}].Value"
                if ALLOW_MATCH_ALL not in allowances and rule.matches_all(tag["Value"]):
                    yield Problem(
                        place,
                        f"must not be the match-all value of {rule.key} in data set {data_set_id} "
                        f"unless {ALLOW_MATCH_ALL} is true",
                    )
                if ALLOW_SEVERAL_VALUES not in allowances and rule.has_several(tag["Value"]):
                    yield Problem(
                        place,
                        f"must not hold the multi-value delimiter of {rule.key} in data set "
                        f"{data_set_id} unless {ALLOW_SEVERAL_VALUES} is true",
                    )


def _plain(value: str) -> str:
    return value.strip().casefold()
