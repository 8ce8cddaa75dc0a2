"""What the routes did, as a table and against the goals."""

from statistics import median, quantiles

from report import NOISY, spread

LEAST_RATIO, MOST_P99_MS, LEAST_INGEST = 0.7, 5.0, 0.9


def route_summary(rounds):
    """Medians of one route's rounds, and the ratio of the rates in each of them."""
    ratios = [one["odometer"]["per_second"] / one["bare"]["per_second"] for one in rounds]
    medians = {who: {name: median(one[who][name] for one in rounds) for name in rounds[0][who]}
               for who in ("odometer", "bare")}
    low, _, high = quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    return {"ratio": {"rounds": ratios, "median": median(ratios), "middle_half": [low, high], "spread": spread(ratios)},
            **medians}


def print_routes(routes):
    print(f"\n{'route':26} {'bare/s':>8} {'ours/s':>8} {'ratio':>6} {'middle half':>12} {'spread':>6}   {'CPU us an answer':^22}   "
          f"{'trips':>5} {'reads':>5} {'bytes':>7}")
    print(f"{'':26} {'':>8} {'':>8} {'':>6} {'':>12} {'':>6}   {'bare':>6} {'ours':>6} {'Redis':>7}")
    for name, one in routes.items():
        bare, ours = one["bare"], one["odometer"]
        noisy = " noisy" if one["ratio"]["spread"] > NOISY else ""
        print(f"{name:26} {bare['per_second']:8,.0f} {ours['per_second']:8,.0f} {one['ratio']['median']:6.2f} "
              f"{one['ratio']['middle_half'][0]:7.2f}-{one['ratio']['middle_half'][1]:.2f} "
              f"{one['ratio']['spread']:6.0%}   {bare['cpu_us']:6.1f} {ours['cpu_us']:6.1f} {ours['redis_us']:7.1f}   "
              f"{one['round_trips']:5.1f} {one['commands']:5.0f} {one['body_bytes']:7,.0f}{noisy}")


def route_goals(routes):
    goals = [{"name": f"{name}: requests/s >= {LEAST_RATIO} of the bare program's", "value": one["ratio"]["median"],
              "passed": one["ratio"]["median"] >= LEAST_RATIO} for name, one in routes.items()]
    most = max(one["round_trips"] for one in routes.values())
    return goals + [{"name": "round trips to Redis an answer, most of any route, at least for half the requests",
                     "value": most, "passed": most <= 1}]


def ingest_summary(rounds):
    """With and without requests beside the ingest."""
    rates = [one["asked"]["counted_per_second"] / one["alone"]["counted_per_second"] for one in rounds]
    cpu = [one["asked"]["cpu_ns_per_event"] / one["alone"]["cpu_ns_per_event"] for one in rounds]
    answers = {name: median(one["asked"]["answers"][name] for one in rounds)
               for name in rounds[0]["asked"]["answers"]}
    return {"rate_ratio": {"rounds": rates, "median": median(rates), "spread": spread(rates)},
            "cpu_ratio": {"rounds": cpu, "median": median(cpu), "spread": spread(cpu)}, "answers": answers,
            "rounds": rounds}


def ingest_goals(found):
    p99, rate, answers = found["answers"]["p99_us"] / 1000, found["rate_ratio"]["median"], found["answers"]
    lost = max(one["asked"]["answers"]["unsent"] + one["asked"]["answers"]["failed"] for one in found["rounds"])
    return [
        {"name": f"p99 of answers in ms, ingest beside them <= {MOST_P99_MS:g}", "value": p99,
         "passed": p99 <= MOST_P99_MS},
        {"name": f"ingest beside requests >= {LEAST_INGEST} of it alone", "value": rate, "passed": rate >= LEAST_INGEST},
        {"name": "requests not sent or not answered with 200, most of any round", "value": lost, "passed": lost == 0},
    ], (f"{answers['per_second']:,.0f} answers/s: p50 {answers['p50_us'] / 1000:.2f} ms, p90 {answers['p90_us'] / 1000:.2f}, "
        f"p99 {p99:.2f}, p99.9 {answers['p999_us'] / 1000:.2f}, p99.99 {answers['p9999_us'] / 1000:.2f}, "
        f"longest {answers['max_us'] / 1000:.2f}; sent late by {answers['send_delay_p99_us'] / 1000:.2f} ms (p99)")


def print_goals(goals):
    print("\nGoals:")
    for goal in goals:
        print(f"  {'pass' if goal['passed'] else 'FAIL'}  {goal['name']}: {goal['value']:.3g}")
    return 0 if all(goal["passed"] for goal in goals) else 1
