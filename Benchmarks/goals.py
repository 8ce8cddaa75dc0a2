"""What a run should reach, and what it must not fall below.

Each goal is reported as met or missed. The run fails (exit code 1) only when a *held* bound is missed: one that was
reached before and is written in this file. So a goal that was never reached fails no run, and one that was reached
cannot be lost unnoticed. When a goal is reached, its held bound is to be raised.
"""

from report import MEGABYTE

# From this share of a core on, everything waits for Redis' one command thread.
SATURATED = 0.9


# What the shipped catalog must reach beside the build before fewer and larger keys.
BESIDE_BASE = (("events/s", "events_per_second", {"least": 6, "aim": 10}), ("Redis' CPU an event", "redis_us", {"most": 1 / 6}),
               ("Redis' memory", "redis_bytes", {"most": 0.6}), ("resident memory", "peak_bytes", {"most": 1.2}))


class Goal:
    """One line: the value found, the bound that is the goal, an aim beyond it, and the bound that is held, if any."""

    def __init__(self, name, value, least=None, most=None, aim=None, held=None, reason="", otherwise=False):
        is_least = least is not None
        bound = least if is_least else most
        reached = lambda limit: value >= limit if is_least else value <= limit  # noqa: E731
        self.found = {
            "name": name, "value": value, "goal": bound, "is_least": is_least, "aim": aim, "held": held, "reason": reason,
            # `otherwise`: another condition by which the goal is met as well.
            "met": reached(bound) or otherwise, "passed": held is None or reached(held),
        }


def side_by_side(found):
    ratios, ours, rounds = found["ratios"], found["median"]["odometer"], [turns["odometer"] for turns in found["rounds"]]
    worst = max(rounds, key=lambda turn: turn["peak_bytes"] - turn["memory_bound_bytes"])
    bound = worst["memory_bound_bytes"] / MEGABYTE
    made = [
        Goal("events/s of the bare consumer's", ratios["rate_ratio"]["median"], least=0.45, aim=0.55, held=0.38),
        Goal("CPU an event of the bare consumer's", ratios["cpu_ratio"]["median"], most=2.0, aim=1.7, held=2.2),
        Goal("script time p99, ms", ours["script_p99_ms"], most=5),
        Goal("longest Redis block of any round, ms", max(turn["longest_block_ms"] for turn in rounds), most=5),
        Goal("peak resident memory, MB, of 100 + queue + dedupe window + tallies", worst["peak_bytes"] / MEGABYTE, most=bound,
             aim=250, held=bound),
        Goal("dedupe window, bytes an id", ours["dedupe_bytes_per_id"], most=24),
    ]
    if "base_rate_ratio" in ratios:
        made.append(Goal("events/s of the older build's", ratios["base_rate_ratio"]["median"], least=0.97))
    if "limit_cpu_ratio" in ratios:
        made.append(Goal("CPU an event of limit.cc's", ratios["limit_cpu_ratio"]["median"], most=1.0, held=1.0))
    if "plain_rate_ratio" in ratios:
        made += [
            Goal("Redis' CPU an event of what event by event costs", ratios["per_event_redis_ratio"]["median"], most=1 / 20, held=1 / 20),
            Goal("events/s of the same build's with plain pipelines", ratios["plain_rate_ratio"]["median"], least=0.9, held=0.9),
            Goal("events/s of those with dedupe off", ratios["undeduped_rate_ratio"]["median"], least=0.8, held=0.8),
        ]
    return made


def high_cardinality(found, cores):
    share = found["cores"]["redis_command_thread"]
    return [Goal("1,000,000 users: events/s of the bare consumer's, or Redis saturated", found["ratios"]["rate_ratio"]["median"],
                 least=0.4, reason=what_binds(found, cores), otherwise=share >= SATURATED)]


def what_binds(found, cores):
    """Why a drain is not faster: what was busy meanwhile."""
    used, ours = found["cores"], found["median"]["odometer"]
    share = used["redis_command_thread"]
    if share >= SATURATED:
        return f"Redis' command thread is saturated: {share:.2f} of a core"
    known = {"Odometer": ours["cpu_ns_per_event"] * ours["events_per_second"] / 1e9, "Redis": used["redis"]}
    if "broker" in used:
        known["broker"] = used["broker"]
    # This includes the benchmark itself, which asks five times a second.
    known["others"] = max(0, used["machine"] - sum(known.values()))
    parts = [f"{name} {value:.2f}" for name, value in known.items()]
    busy = f"{used['machine']:.2f} of {cores} cores are busy ({', '.join(parts)}; Redis' command thread {share:.2f})"
    return f"the machine is used up: {busy}" if used["machine"] >= 0.9 * cores else f"neither Redis nor the machine is used up: {busy}"


def shipped(found):
    """The shipped catalog; what it is compared with are other programs, so nothing here is held."""
    made = []
    for name, load in found["loads"].items():
        ratios, ours = load["ratios"], load["median"]["odometer"]
        if "base_events_per_second" in ratios:
            made += [Goal(f"{name}: {title} of the older build's", ratios[f"base_{of}"]["median"], **bound)
                     for title, of, bound in BESIDE_BASE]
        made += [
            Goal(f"{name}: events/s of increments event by event, 1,000 commands a round trip",
                 ratios["increments_events_per_second"]["median"], least=8),
            Goal(f"{name}: events/s of increments event by event, a round trip each",
                 ours["events_per_second"] / load["round_trip"]["events_per_second"], least=8),
        ]
        if ours.get("commit_p99_ms") is not None:
            made.append(Goal(f"{name}: time of a commit in Redis p99, ms", ours["commit_p99_ms"], most=5))
    if "freshness" in found:
        fresh = found["freshness"]
        for name, most in (("p50", 0.6), ("p99", 1.5)):
            made.append(Goal(f"freshness at {found['share']} % of the live rate, {name}, commit intervals",
                             fresh[f"{name}_ms"] / fresh["commit_interval_ms"], most=most))
    return made


def growth(found):
    points = {point["at"]: point for point in found["series"]["partitions"]}
    return [Goal(f"resident memory with {count} partitions, MB", points[count]["peak_bytes"] / MEGABYTE, most=most)
            for count, most in ((64, 300), (256, 600)) if count in points]


def judge(result):
    made, workloads = [], result["workloads"]
    if "shipped" in result:
        made += shipped(result["shipped"])
    if "growth" in result:
        made += growth(result["growth"])
    if "side-by-side" in workloads:
        made += side_by_side(workloads["side-by-side"])
    if "high-cardinality" in workloads:
        made += high_cardinality(workloads["high-cardinality"], result["cores"])
    for threshold in (result["loop"] or {}).get("thresholds", []):
        made.append(Goal(threshold["name"], threshold["value"], most=threshold["most"], held=threshold["most"]))
    return [goal.found for goal in made]


def print_goals(result):
    print("\nGoals. The run fails where what is held is missed, and only there:")
    for goal in result["goals"]:
        sign = ">=" if goal["is_least"] else "<="
        notes = [f"goal {sign} {goal['goal']:.4g}"]
        if goal["aim"] is not None:
            notes.append(f"aim {goal['aim']:.4g}")
        if goal["held"] is not None:
            notes.append("held" if goal["held"] == goal["goal"] else f"held at {goal['held']:.4g}")
        if not goal["passed"]:
            notes.append("FAILS")
        because = f" ({goal['reason']})" if goal["reason"] else ""
        print(f"  {'met   ' if goal['met'] else 'missed'}  {goal['name']}: {goal['value']:.4g} [{', '.join(notes)}]{because}")
