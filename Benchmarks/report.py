"""What was measured, as a table and against the goals."""

from statistics import median

MEGABYTE = 1_000_000
# Ratios to the bare consumer, and what the resident memory may be without queue, dedupe window and tallies.
LEAST_RATE, MOST_CPU, BASE_BYTES = 0.25, 4.0, 100 * MEGABYTE
NOISY = 0.10


def spread(values):
    """Distance of the extremes in parts of the median."""
    return (max(values) - min(values)) / median(values)


def summary(rounds):
    """Ratios, medians, spreads, and the verdict on each goal."""
    rate = [one["odometer"]["events_per_second"] / one["bare"]["events_per_second"] for one in rounds]
    cpu = [one["odometer"]["cpu_ns_per_event"] / one["bare"]["cpu_ns_per_event"] for one in rounds]
    worst = max(rounds, key=lambda one: one["odometer"]["peak_bytes"] - one["odometer"]["memory_bound_bytes"])["odometer"]
    result = {
        "rate_ratio": {"rounds": rate, "median": median(rate), "spread": spread(rate)},
        "cpu_ratio": {"rounds": cpu, "median": median(cpu), "spread": spread(cpu)},
        "median": {
            who: {name: median(one[who][name] for one in rounds)
                  for name, value in rounds[0][who].items() if isinstance(value, (int, float))}
            for who in ("bare", "odometer")
        },
        "goals": [
            {"name": f"events/s >= {LEAST_RATE} of the bare consumer's", "value": median(rate),
             "passed": median(rate) >= LEAST_RATE},
            {"name": f"CPU an event <= {MOST_CPU:g} of the bare consumer's", "value": median(cpu),
             "passed": median(cpu) <= MOST_CPU},
            {"name": "peak resident memory <= 100 MB + queue + dedupe window + tallies, in MB of "
                     f"{worst['memory_bound_bytes'] / MEGABYTE:.0f}", "value": worst["peak_bytes"] / MEGABYTE,
             "passed": worst["peak_bytes"] <= worst["memory_bound_bytes"]},
        ],
    }
    result["noisy"] = spread(rate) > NOISY or spread(cpu) > NOISY
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


def print_summary(result):
    for name, title in (("rate_ratio", "events/s, Odometer : bare"), ("cpu_ratio", "CPU an event, Odometer : bare")):
        one = result[name]
        noisy = "   noisy" if one["spread"] > NOISY else ""
        print(f"{title:32} median {one['median']:.3f}   spread {one['spread']:.0%}{noisy}")
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
