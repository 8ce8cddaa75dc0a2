"""What was measured, as a table and against the goals."""

from statistics import median

MEGABYTE = 1_000_000
# Ratios to the bare consumer, and what the resident memory may be without queue, dedupe window and tallies.
LEAST_RATE, MOST_CPU, BASE_BYTES = 0.25, 4.0, 100 * MEGABYTE
# Ratios to the same build with plain pipelines, and to itself with dedupe off.
LEAST_OF_PLAIN, LEAST_OF_UNDEDUPED = 0.9, 0.8
NOISY = 0.10


def spread(values):
    """Distance of the extremes in parts of the median."""
    return (max(values) - min(values)) / median(values)


def both_cpu(one):
    """CPU of the process and of Redis for each event."""
    return one["cpu_ns_per_event"] + one["redis_ns_per_event"]


def ratio(rounds, other, value):
    """Odometer's value in parts of another's, in each round."""
    found = [value(one["odometer"]) / value(one[other]) for one in rounds]
    return {"rounds": found, "median": median(found), "spread": spread(found)}


def tax(rounds):
    """Ratios and goals of Odometer beside itself; none where only the bare consumer was measured."""
    if "plain" not in rounds[0]:
        return {}, []
    found = {
        "plain_rate_ratio": ratio(rounds, "plain", lambda one: one["events_per_second"]),
        "plain_cpu_ratio": ratio(rounds, "plain", both_cpu),
        "plain_redis_ratio": ratio(rounds, "plain", lambda one: one["redis_ns_per_event"]),
        "undeduped_rate_ratio": ratio(rounds, "undeduped", lambda one: one["events_per_second"]),
        "undeduped_cpu_ratio": ratio(rounds, "undeduped", both_cpu),
        "per_event_redis_ratio": ratio(rounds, "per_event", lambda one: one["redis_ns_per_event"]),
    }
    plain, undeduped = (found[name]["median"] for name in ("plain_rate_ratio", "undeduped_rate_ratio"))
    return found, [
        {"name": f"events/s >= {LEAST_OF_PLAIN} of the same build's with plain pipelines", "value": plain,
         "passed": plain >= LEAST_OF_PLAIN},
        {"name": f"events/s >= {LEAST_OF_UNDEDUPED} of those with dedupe off", "value": undeduped,
         "passed": undeduped >= LEAST_OF_UNDEDUPED},
    ]


def summary(rounds):
    """Ratios, medians, spreads, and the verdict on each goal."""
    rate = ratio(rounds, "bare", lambda one: one["events_per_second"])
    cpu = ratio(rounds, "bare", lambda one: one["cpu_ns_per_event"])
    taxes, tax_goals = tax(rounds)
    worst = max(rounds, key=lambda one: one["odometer"]["peak_bytes"] - one["odometer"]["memory_bound_bytes"])["odometer"]
    result = {
        "rate_ratio": rate, "cpu_ratio": cpu, **taxes,
        "median": {
            who: {name: median(one[who][name] for one in rounds)
                  for name, value in rounds[0][who].items() if isinstance(value, (int, float))}
            for who in rounds[0]
        },
        "goals": [
            {"name": f"events/s >= {LEAST_RATE} of the bare consumer's", "value": rate["median"],
             "passed": rate["median"] >= LEAST_RATE},
            {"name": f"CPU an event <= {MOST_CPU:g} of the bare consumer's", "value": cpu["median"],
             "passed": cpu["median"] <= MOST_CPU},
            {"name": "peak resident memory <= 100 MB + queue + dedupe window + tallies, in MB of "
                     f"{worst['memory_bound_bytes'] / MEGABYTE:.0f}", "value": worst["peak_bytes"] / MEGABYTE,
             "passed": worst["peak_bytes"] <= worst["memory_bound_bytes"]},
            *tax_goals,
        ],
    }
    result["noisy"] = any(one["spread"] > NOISY for one in (rate, cpu, *taxes.values()))
    result["passed"] = all(goal["passed"] for goal in result["goals"])
    return result


def print_rounds(rounds):
    print("\nround   bare events/s  CPU ns/event   odometer events/s  CPU ns/event  Redis ns/event   rate     CPU")
    for number, one in enumerate(rounds, 1):
        bare, ours = one["bare"], one["odometer"]
        print(f"{number:5}   {bare['events_per_second']:13,.0f}  {bare['cpu_ns_per_event']:12,.0f}   "
              f"{ours['events_per_second']:17,.0f}  {ours['cpu_ns_per_event']:12,.0f}  {ours['redis_ns_per_event']:14,.0f}   "
              f"{ours['events_per_second'] / bare['events_per_second']:.3f}   "
              f"{ours['cpu_ns_per_event'] / bare['cpu_ns_per_event']:5.2f}")
    if "plain" not in rounds[0]:
        return
    print("\nround   plain events/s  CPU ns/event  Redis ns/event   dedupe off events/s  CPU ns/event  Redis ns/event   "
          "event by event, Redis ns/event")
    for number, one in enumerate(rounds, 1):
        print(f"{number:5}   {rate_and_cpu(one['plain'], 14)}   {rate_and_cpu(one['undeduped'], 19)}   "
              f"{one['per_event']['redis_ns_per_event']:30,.0f}")


def rate_and_cpu(one, width):
    return (f"{one['events_per_second']:{width},.0f}  {one['cpu_ns_per_event']:12,.0f}  "
            f"{one['redis_ns_per_event']:14,.0f}")


TITLES = {
    "rate_ratio": "events/s, Odometer : bare", "cpu_ratio": "CPU an event, Odometer : bare",
    "plain_rate_ratio": "events/s, commit script : plain pipelines",
    "plain_cpu_ratio": "CPU an event with Redis', script : plain", "plain_redis_ratio": "Redis' CPU an event, script : plain",
    "undeduped_rate_ratio": "events/s, dedupe on : off", "undeduped_cpu_ratio": "CPU an event with Redis', dedupe on : off",
    "per_event_redis_ratio": "Redis' CPU an event, Odometer : event by event",
}


def print_summary(result):
    print()
    for name, title in TITLES.items():
        if one := result.get(name):
            noisy = "   noisy" if one["spread"] > NOISY else ""
            print(f"{title:46} median {one['median']:.3f}   spread {one['spread']:.0%}{noisy}")
    ours, bare = result["median"]["odometer"], result["median"]["bare"]
    block = ours.get("longest_block_ms")
    lines = [
        ("commits", f"{ours['commits']:,.0f}"),
        ("cells changed", f"{ours['cells']:,.0f}"),
        ("cells a commit", f"{ours['cells_per_commit']:,.1f}"),
        ("merge factor (events a cell)", f"{ours['merge_factor']:.2f}"),
        ("longest Redis block", "below 0.5 ms" if not block else f"{block:.1f} ms (median of the rounds)"),
        ("every mark at the log's end", f"{ours['marks_seconds']:.2f} s after the first record; all counted at {ours['seconds']:.2f} s"),
        ("peak resident, bare", f"{bare['peak_bytes'] / MEGABYTE:.0f} MB"),
        ("peak resident, Odometer", f"{ours['peak_bytes'] / MEGABYTE:.0f} MB"),
        ("  allowed: base", f"{BASE_BYTES / MEGABYTE:.0f} MB"),
        ("  + queue of the client", f"{ours['queue_bytes'] / MEGABYTE:.0f} MB (queued.max.messages.kbytes for each lane)"),
        ("  + dedupe window", f"{ours['dedupe_bytes'] / MEGABYTE:.0f} MB"),
        ("  + tallies", f"{ours['tally_bytes'] / MEGABYTE:.0f} MB"),
    ]
    print("\nOdometer, medians of all rounds:")
    for name, text in lines:
        print(f"  {name:32} {text}")
    print("\nGoals:")
    for goal in result["goals"]:
        print(f"  {'pass' if goal['passed'] else 'FAIL'}  {goal['name']}: {goal['value']:.3g}")
    if result["noisy"]:
        print("noisy: a spread is above 10 %; something else used this machine, or it is too small a sample.")
