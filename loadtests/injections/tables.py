"""The tables of a run, with their marks."""

import statistics
from collections.abc import Iterable, Mapping, Sequence

from gateway.model.fault import FaultClass
from loadtests.injections.scenario import Result

RIGHT_FAULT, RIGHT_FIRST, RIGHT_THREE = 0.90, 0.90, 0.945
OUTAGE_SECONDS = 5.0
ERRORS_MEDIAN, ERRORS_P95 = 40.0, 60.0


def line(result: Result) -> str:
    """One scenario in one line."""
    if result.problem:
        return f"{result.name:12} {_mode(result)} PROBLEM {result.problem}"
    marks = "".join(letter if right else "-" for letter, right in
                    (("c", result.right_fault), ("1", result.first_right), ("3", result.three_right)))
    detected = "never" if result.detected is None else f"{result.detected:5.1f} s"
    failed = f"{result.failed / result.asked:6.1%}" if result.asked else "     -"
    noise = f" FALSE BEFORE: {result.false_before}" if result.false_before else ""
    return (f"{result.name:12} {_mode(result)} {marks} {detected:>8} failed {failed} control {result.control_failed}/"
            f"{result.control_asked}  {result.load:3}/s {result.words}: {result.fault}, {result.ranking[:1]}; "
            f"{result.signal}{noise}")


def _mode(result: Result) -> str:
    return "on " if result.acting else "off"


def show(results: Sequence[Result], classes: Mapping[str, FaultClass], with_story: bool) -> int:
    """Prints all tables; 1 where a mark was missed."""
    if with_story:
        for each in results:
            print("\n".join([f"\n{line(each)}", f"  {each.finding}", *(f"  - {reason}" for reason in each.reasons),
                             *(f"  {entry}" for entry in each.timeline), f"  {each.actions}"]))
    missed = 0
    passive = [each for each in results if not each.acting and _kind(each) in classes]
    if passive:
        print("\nacting off")
        missed += _found(passive, classes)
    active = [each for each in results if each.acting and _kind(each) in classes]
    if active:
        print("\nacting on")
        missed += _found(active, classes)
        missed += _spared(active, passive, classes)
    missed += _special(results)
    print("every mark was met" if not missed else f"{missed} marks were MISSED")
    return 1 if missed else 0


def _kind(result: Result) -> str:
    return result.name.partition("-")[0]


def _of(results: Iterable[Result], kind: str) -> list[Result]:
    return [each for each in results if _kind(each) == kind]


def _found(results: Sequence[Result], classes: Iterable[str]) -> int:
    print(f"{'class':10} {'runs':>5} {'detected':>9} {'median s':>9} {'worst s':>8} {'class':>7} {'first':>7} "
          f"{'of three':>8}  signals that fired")
    for kind in [*classes, "all"]:
        mine = list(results) if kind == "all" else _of(results, kind)
        if not mine:
            continue
        delays = sorted(each.detected for each in mine if each.detected is not None)
        signals = sorted({each.signal.partition(" on ")[0] for each in mine if each.signal})
        median, worst = (f"{statistics.median(delays):.0f}", f"{delays[-1]:.0f}") if delays else ("-", "-")
        print(f"{kind:10} {len(mine):5} {len(delays):9} {median:>9} {worst:>8} "
              f"{_share(each.right_fault for each in mine):7.1%} {_share(each.first_right for each in mine):7.1%} "
              f"{_share(each.three_right for each in mine):8.1%}  {', '.join(signals)}")
    return (_mark("fault class right", _share(each.right_fault for each in results), RIGHT_FAULT)
            + _mark("first-ranked attribute right", _share(each.first_right for each in results), RIGHT_FIRST)
            + _mark("in the first three", _share(each.three_right for each in results), RIGHT_THREE)
            + _none("problems (cold starts among them)", [f"{each.name}: {each.problem}" for each in results
                                                          if each.problem])
            + _none("incidents before the fault", [each.name for each in results if each.false_before]))


def _spared(active: Sequence[Result], passive: Sequence[Result], classes: Iterable[str]) -> int:
    print(f"\n{'class':10} {'failed off':>11} {'failed on':>10} {'ratio':>6} {'isolated s':>11} {'mitigated s':>12} "
          "actions: kept, undone, in shadow")
    for kind in classes:
        mine, other = _of(active, kind), _of(passive, kind)
        if not mine:
            continue
        on, off = _failing(mine), _failing(other) if other else float("nan")
        states = [action["state"] for each in mine for action in each.actions]
        print(f"{kind:10} {off:11.2%} {on:10.2%} {on / off if off else float('nan'):6.2f} "
              f"{_median(each.isolated for each in mine):>11} {_median(each.mitigated for each in mine):>12} "
              f"{sum(each in ('kept', 'returning') for each in states)}, {states.count('undone')}, "
              f"{states.count('shadow')}")
    control = sum(each.control_failed for each in active), sum(each.control_asked for each in active)
    before = sum(each.control_failed for each in passive), sum(each.control_asked for each in passive)
    print(f"failed on the healthy control route: {control[0]} of {control[1]} with acting, {before[0]} of {before[1]} "
          "without (0.3 % fail by themselves)")
    return _none("rungs that did not help and were not undone", [f"{each.name}: {name}" for each in active
                                                                 for name in each.not_undone])


def _failing(results: Sequence[Result]) -> float:
    """The mean share, each scenario counting alike."""
    shares = [each.failed / each.asked for each in results if each.asked]
    return statistics.mean(shares) if shares else float("nan")


def _median(values: Iterable[float | None]) -> str:
    known = [each for each in values if each is not None]
    return f"{statistics.median(known):.0f} ({len(known)})" if known else "-"


def _special(results: Sequence[Result]) -> int:
    missed = 0
    if outages := _of(results, "outage"):
        worst = max(each.detected if each.detected is not None else float("inf") for each in outages)
        missed += _most(f"total outage detected, worst of {len(outages)}", worst, OUTAGE_SECONDS)
    if errors := _of(results, "errors"):
        delays = sorted(each.detected if each.detected is not None else float("inf") for each in errors)
        p95 = delays[min(len(delays) - 1, int(0.95 * len(delays)))]
        missed += _most(f"20 % errors at 20 requests/s, median of {len(delays)}", statistics.median(delays),
                        ERRORS_MEDIAN)
        missed += _most("p95", p95, ERRORS_P95)
    if healthy := _of(results, "healthy"):
        missed += _none("alarms in healthy traffic", [f"{each.load}/s: {each.false_before or each.signal}"
                                                      for each in healthy if each.incidents or each.false_before])
        missed += _none("problems", [each.problem for each in healthy if each.problem])
    return missed


def _share(right: Iterable[bool]) -> float:
    found = list(right)
    return sum(found) / len(found)


def _mark(what: str, share: float, least: float) -> int:
    print(f"  {what:45} {share:7.1%}   >= {least:.1%} {'met' if share >= least else 'MISSED'}")
    return share < least


def _most(what: str, seconds: float, most: float) -> int:
    print(f"  {what:45} {seconds:5.1f} s   <= {most:.0f} s {'met' if seconds <= most else 'MISSED'}")
    return seconds > most


def _none(what: str, found: Sequence[str]) -> int:
    print(f"  {what:45} {len(found):7}   none {'met' if not found else 'MISSED: ' + '; '.join(found[:8])}")
    return len(found) > 0
