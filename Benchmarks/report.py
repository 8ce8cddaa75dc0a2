"""What was measured: ratios, medians, spreads, and tables of them."""

from statistics import median

MEGABYTE = 1_000_000
# What the resident memory may be without queue, dedupe window and tallies.
BASE_BYTES = 100 * MEGABYTE
NOISY = 0.10
STAGE_TITLES = {
    "bare": "bare consumer", "consume": "Odometer's consumer", "scan": "+ scan", "fold": "+ check, dedupe, fold",
    "encode": "+ commit encoding", "odometer": "the whole",
}
# Name of the ratio: its title, beside whom, and the value that is compared.
RATIOS = {
    "rate_ratio": ("events/s, Odometer : bare", "bare", lambda one: one["events_per_second"]),
    "cpu_ratio": ("CPU an event, Odometer : bare", "bare", lambda one: one["cpu_ns_per_event"]),
    "plain_rate_ratio": ("events/s, commit script : plain pipelines", "plain", lambda one: one["events_per_second"]),
    "plain_cpu_ratio": ("CPU an event with Redis', script : plain", "plain", lambda one: both_cpu(one)),
    "plain_redis_ratio": ("Redis' CPU an event, script : plain", "plain", lambda one: one["redis_ns_per_event"]),
    "undeduped_rate_ratio": ("events/s, dedupe on : off", "undeduped", lambda one: one["events_per_second"]),
    "undeduped_cpu_ratio": ("CPU an event with Redis', dedupe on : off", "undeduped", lambda one: both_cpu(one)),
    "per_event_redis_ratio": ("Redis' CPU an event, Odometer : event by event", "per_event",
                              lambda one: one["redis_ns_per_event"]),
    "limit_cpu_ratio": ("CPU an event, Odometer : limit.cc", "limit", lambda one: one["cpu_ns_per_event"]),
    "limit_rate_ratio": ("events/s, Odometer : limit.cc", "limit", lambda one: one["events_per_second"]),
}


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


def medians(rounds, who):
    return {name: median(one[who][name] for one in rounds)
            for name, value in rounds[0][who].items() if isinstance(value, (int, float))}


def summary(rounds):
    """Ratios to each that took part, medians of all numbers, and whether a spread is too large to count."""
    ratios = {name: ratio(rounds, other, value) for name, (_, other, value) in RATIOS.items() if other in rounds[0]}
    cores = [one["odometer"]["cores"] for one in rounds]
    return {
        "ratios": ratios,
        "median": {who: medians(rounds, who) for who in rounds[0]},
        "cores": {name: median(one[name] for one in cores) for name in cores[0] if cores[0][name] is not None},
        "noisy": any(one["spread"] > NOISY for one in ratios.values()),
    }


def print_workload(name, result):
    rounds = result["rounds"]
    print(f"\n{name}, {result['events']:,} events")
    print("\nround   bare events/s  CPU ns/event   odometer events/s  CPU ns/event  Redis ns/event   rate     CPU")
    for number, one in enumerate(rounds, 1):
        bare, ours = one["bare"], one["odometer"]
        print(f"{number:5}   {rate_and_cpu(bare, 13)}   {rate_and_cpu(ours, 17)}  {ours['redis_ns_per_event']:14,.0f}   "
              f"{ours['events_per_second'] / bare['events_per_second']:.3f}   "
              f"{ours['cpu_ns_per_event'] / bare['cpu_ns_per_event']:5.2f}")
    if "plain" in rounds[0]:
        print_others(rounds)
    print_stages(result["median"])
    print()
    for title, one in ((RATIOS[ratio][0], one) for ratio, one in result["ratios"].items()):
        noisy = "   noisy" if one["spread"] > NOISY else ""
        print(f"{title:46} median {one['median']:.3f}   spread {one['spread']:.0%}{noisy}")
    print_odometer(result["median"], result["cores"])
    if result["noisy"]:
        print("noisy: a spread is above 10 %; something else used this machine, or it is too small a sample. It does not count.")


def rate_and_cpu(one, width):
    return f"{one['events_per_second']:{width},.0f}  {one['cpu_ns_per_event']:12,.0f}"


def print_others(rounds):
    has_limit = "limit" in rounds[0]
    print("\nround   plain events/s  CPU ns/event  Redis ns/event   dedupe off events/s  CPU ns/event  Redis ns/event   "
          "event by event, Redis ns/event" + ("   limit.cc events/s  CPU ns/event  Redis ns/event" if has_limit else ""))
    for number, one in enumerate(rounds, 1):
        line = (f"{number:5}   {with_redis(one['plain'], 14)}   {with_redis(one['undeduped'], 19)}   "
                f"{one['per_event']['redis_ns_per_event']:30,.0f}")
        print(line + (f"   {with_redis(one['limit'], 17)}" if has_limit else ""))


def with_redis(one, width):
    return f"{rate_and_cpu(one, width)}  {one['redis_ns_per_event']:14,.0f}"


def print_stages(found):
    if "fold" not in found:
        return
    print("\nstage (medians)            events/s   of bare   CPU ns/event     adds")
    before = None
    for who, title in STAGE_TITLES.items():
        one = found[who]
        adds = "" if before is None or who == "consume" else f"{one['cpu_ns_per_event'] - before:+9,.0f}"
        print(f"{title:24} {one['events_per_second']:10,.0f}   {one['events_per_second'] / found['bare']['events_per_second']:7.3f}   "
              f"{one['cpu_ns_per_event']:12,.0f}{adds}")
        before = one["cpu_ns_per_event"]


def print_odometer(found, cores):
    ours, bare = found["odometer"], found["bare"]
    block, broker = ours["longest_block_ms"], ours.get("broker_ns_per_event")
    lines = [
        ("commits", f"{ours['commits']:,.0f}"),
        ("cells changed", f"{ours['cells']:,.0f}"),
        ("cells a commit", f"{ours['cells_per_commit']:,.1f}"),
        ("merge factor (events a cell)", f"{ours['merge_factor']:.2f}"),
        ("script time", f"p50 {ours['script_p50_ms']:.2f} ms, p99 {ours['script_p99_ms']:.2f} ms"),
        ("longest Redis block", "below 0.5 ms" if not block else f"{block:.1f} ms (median of the rounds)"),
        ("every mark at the log's end", f"{ours['marks_seconds']:.2f} s after the first record; all counted at {ours['seconds']:.2f} s"),
        ("CPU an event", f"Odometer {ours['cpu_ns_per_event']:,.0f} ns, Redis {ours['redis_ns_per_event']:,.0f} ns"
         + (f", broker {broker:,.0f} ns" if broker else "")),
        ("cores busy", ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in cores.items())),
        ("Redis' memory", f"{ours['redis_bytes'] / MEGABYTE:.0f} MB"),
        ("peak resident, bare", f"{bare['peak_bytes'] / MEGABYTE:.0f} MB"),
        ("peak resident, Odometer", f"{ours['peak_bytes'] / MEGABYTE:.0f} MB"),
        ("  allowed: base", f"{BASE_BYTES / MEGABYTE:.0f} MB"),
        ("  + queue of the client", f"{ours['queue_bytes'] / MEGABYTE:.0f} MB (queued.max.messages.kbytes for each lane)"),
        ("  + dedupe window", f"{ours['dedupe_bytes'] / MEGABYTE:.0f} MB ({ours['dedupe_bytes_per_id']:.1f} bytes an id)"),
        ("  + tallies", f"{ours['tally_bytes'] / MEGABYTE:.0f} MB"),
    ]
    print("\nOdometer, medians of all rounds:")
    for name, text in lines:
        print(f"  {name:32} {text}")
