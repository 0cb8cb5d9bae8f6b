"""Drafts become proposals: each is written out, loaded by the production loader, and says what was checked of it.

What does not load, or does not do what it is for, is dropped. Run in a child of control, as a large config takes time.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from gateway.config import compile as compiling
from gateway.config import differences, edits, files, load, places, rules, tree, written
from gateway.config.problems import ConfigError
from gateway.config.settings import Gateway
from gateway.config.tree import Location, Mapping
from gateway.model.proposal import Proposal, ProposalKind
from gateway.prevent import change_drafts, rule_drafts
from gateway.prevent.case import Case
from gateway.prevent.change_drafts import ChangeDraft
from gateway.prevent.rule_drafts import RuleDraft
from gateway.routing.plan import Plan

Replayed = Callable[[Plan, Plan], tuple[str, ...]]
"""What the second plan would have decided differently about recorded requests, each a line."""


def proposals(case: Case, routes: tuple[str, ...], served: str, revision: int, replayed: Replayed) -> list[Proposal]:
    """`routes`: those affected; `served`: the config's text now, empty where there is no file."""
    return [*_rules(case, routes), *_changes(case, routes, served, revision, replayed)]


def corrections(case: Case, served: str, revision: int, replayed: Replayed) -> list[Proposal]:
    """Of an incident that is open: what takes it back, while the revision that is to blame is served."""
    try:
        _, settings = _loaded(served)
    except ConfigError:
        return []
    return list(_revert(case, settings, served, revision, replayed))


def _rules(case: Case, routes: tuple[str, ...]) -> Iterator[Proposal]:
    applied = case.applied
    if applied is None:
        return
    try:
        before, after = (_loaded(text) for text in (applied.text_before, applied.text))
    except ConfigError:                 # written for another version of the gateway
        return
    upstreams = tuple(each.partition(":")[2].partition("/")[0] for each in case.incident.scope
                      if each.startswith(("upstream:", "endpoint:")))
    if not routes and not upstreams:    # of the gateway as a whole: whatever the revision changed
        routes, upstreams = tuple(each.name for each in after[1].routes), tuple(after[1].upstreams)
    observed = change_drafts.observed(case)
    for draft in rule_drafts.drafts(written.whole(before[1]), written.whole(after[1]), routes, upstreams,
                                    case.incident.id, observed):
        found = _rule(case, draft, before, after)
        if found is not None:
            yield found


def _rule(case: Case, draft: RuleDraft, before: tuple[Mapping, Gateway],
          after: tuple[Mapping, Gateway]) -> Proposal | None:
    """None where it does not refuse the one config and pass the other."""
    assert case.applied is not None
    examples = (_part(written.short(settings), draft.selector) for _, settings in (before, after))
    draft = dataclasses.replace(draft, passes=next(examples), refuses=next(examples))
    body = yaml.safe_dump(draft.document(case.incident.id), sort_keys=False, allow_unicode=True, width=110)
    try:
        parsed = rules.of_documents({f"{draft.name}.yaml": body.encode()})
    except ConfigError:
        return None
    if rules.check(parsed, *before) or not rules.check(parsed, *after):
        return None
    return Proposal(case.incident.id, ProposalKind.RULE, f"refuse a config whose {draft.selector} {draft.message}"
                    if draft.selector == rules.WHOLE else f"{draft.selector}: {draft.message}",
                    f"revision {case.applied.number} changed it, and is what the incident is put down to",
                    f"{draft.name}.yaml", body,
                    proof=(f"refuses revision {case.applied.number}", f"passes revision {case.applied.before}",
                           "its own tests pass"))


def _part(config: dict[str, Any], selector: str) -> Any:
    section, _, name = selector.partition(".")
    if selector == rules.WHOLE:
        return config
    if section == "routes":
        return next(each for each in config[section] if each["name"] == name)
    return config[section][name]


def _loaded(text: str) -> tuple[Mapping, Gateway]:
    """Raises ConfigError."""
    documents = {name: each.encode() for name, each in places.documents(text).items()}
    return files.parse(documents)[0], load.settings_of(documents)


def _changes(case: Case, routes: tuple[str, ...], served: str, revision: int,
             replayed: Replayed) -> Iterator[Proposal]:
    try:
        root, settings = _loaded(served)
    except ConfigError:
        return
    yield from _revert(case, settings, served, revision, replayed)
    for draft in change_drafts.drafts(case, written.whole(settings), routes, change_drafts.observed(case)):
        found = _change(case, draft, root, settings, served, revision, replayed)
        if found is not None:
            yield found


def _change(case: Case, draft: ChangeDraft, root: Mapping, settings: Gateway, served: str, revision: int,
            replayed: Replayed) -> Proposal | None:
    try:
        text = edits.put(served, *_place(root, draft))
        _, changed = _loaded(text)
    except (edits.NotEditable, ConfigError):
        return None
    old, new = compiling.compile_plan(settings), compiling.compile_plan(changed)
    return Proposal(case.incident.id, ProposalKind.CONFIG, draft.title, draft.why, draft.name, text,
                    differences.of_texts(served, text), ("loads", *differences.of_plans(old, new)[:10]), revision,
                    replay=replayed(old, new))


def threshold(incident: int, route: str, budget: int, proof: tuple[str, ...], served: str,
              revision: int) -> Proposal | None:
    """Another budget of false alarms for a route; None where it cannot be written into the config."""
    draft = ChangeDraft(f"let {route} have {budget} false alarms a month", "it would have been noticed sooner",
                        "routes", route, ("detect", "false_alarms_per_month"), budget)
    try:
        root, _ = _loaded(served)
        text = edits.put(served, *_place(root, draft))
        _loaded(text)
    except (edits.NotEditable, ConfigError):
        return None
    return Proposal(incident, ProposalKind.THRESHOLD, draft.title, draft.why, draft.name, text,
                    differences.of_texts(served, text), ("loads", *proof), revision)


def _place(root: Mapping, draft: ChangeDraft) -> tuple[Location, object]:
    """Where the setting is to be put, and what: sections above it that are not written are made with it."""
    location: Location = (draft.section, _key(root, draft), *draft.path)
    value: object = draft.value
    listed = tree.find(root, location)
    if isinstance(value, list) and isinstance(listed, tree.Sequence) and listed.items:
        return (*location, 0), value[0]
    while len(location) > 3 and tree.find(root, location[:-1]) is None:
        location, value = location[:-1], {location[-1]: value}
    return location, value


def _key(root: Mapping, draft: ChangeDraft) -> int | str:
    if draft.section != "routes":
        return draft.part
    listed = tree.plain(tree.find(root, ("routes",)) or Mapping(root.mark))
    return next((index for index, each in enumerate(listed) if each.get("name") == draft.part), 0)


def _revert(case: Case, settings: Gateway, served: str, revision: int, replayed: Replayed) -> Iterator[Proposal]:
    if case.applied is None or case.applied.text != served:
        return
    before = case.applied.text_before
    try:
        _, earlier = _loaded(before)
    except ConfigError:                 # written for another version of the gateway
        return
    yield Proposal(case.incident.id, ProposalKind.CONFIG, f"serve the config of revision {case.applied.before} again",
                   f"revision {case.applied.number} is what the incident is put down to, and is still served",
                   f"revert-{case.applied.number}", before, differences.of_texts(served, before),
                   ("loads", "was served before"), revision,
                   replay=replayed(compiling.compile_plan(settings), compiling.compile_plan(earlier)))
