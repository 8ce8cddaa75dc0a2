#!/usr/bin/env python3
"""Plots of a result of `make bench`: plots.py BENCH.json writes growth.png, where-time-goes.png and rate-NAME.png beside it,
as far as these parts were measured."""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402

# One hue for each program; Odometer's own parts are shades of one hue.
COLORS = {
    "client": "#1f4e79", "scan": "#2e75b6", "check, dedupe, fold": "#6fa8dc", "encode and rest": "#b4d2ee",
    "all of Odometer": "#17716a", "another program, all of it": "#4d4d4d", "Redis": "#c0504d", "broker": "#9b9b9b",
}
LIGHT = {"check, dedupe, fold", "encode and rest", "broker"}


def parts(found):
    """CPU per event in nanoseconds by program and part, as far as it is known."""
    bars = {}
    whole = found["odometer"]
    if "fold" in found:
        # By noise a stage may seem cheaper than the one before it; a bar has no negative part.
        steps = [found[name]["cpu_ns_per_event"] for name in ("consume", "scan", "fold")] + [whole["cpu_ns_per_event"]]
        own = [steps[0]] + [max(0, after - before) for before, after in zip(steps, steps[1:])]
        names = ("client", "scan", "check, dedupe, fold", "encode and rest")
        bars["Odometer"] = dict(zip(names, own))
    else:
        bars["Odometer"] = {"all of Odometer": whole["cpu_ns_per_event"]}
    bars["Odometer"].update({"Redis": whole["redis_ns_per_event"], "broker": whole.get("broker_ns_per_event") or 0})
    for who, title in (("bare", "bare consumer"), ("limit", "limit.cc")):
        if who in found:
            program = found[who]
            bars[title] = {"another program, all of it": program["cpu_ns_per_event"],
                           "Redis": program.get("redis_ns_per_event") or 0,
                           "broker": program.get("broker_ns_per_event") or 0}
    return bars


def plot_parts(workloads, path):
    bars = {}
    for name, result in workloads.items():
        for title, values in parts(result["median"]).items():
            bars[f"{title}\n{name}"] = values
    figure, axes = pyplot.subplots(figsize=(10, 2 + 0.7 * len(bars)))
    for row, (title, values) in enumerate(reversed(bars.items())):
        left = 0
        for part, color in COLORS.items():
            width = values.get(part, 0)
            axes.barh(row, width, left=left, color=color)
            if width > 60:
                ink = "black" if part in LIGHT else "white"
                axes.text(left + width / 2, row, f"{width:.0f}", ha="center", va="center", color=ink, fontsize=8)
            left += width
    axes.set_yticks(range(len(bars)), list(reversed(bars)), fontsize=8)
    axes.set_xlabel("CPU, nanoseconds an event (medians)")
    axes.set_title("Where the time goes")
    shown = [pyplot.Rectangle((0, 0), 1, 1, color=color) for color in COLORS.values()]
    axes.legend(shown, COLORS, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncol=4)
    axes.grid(axis="x", alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def rates(series, span=2.0):
    """Events a second over time, each over a span of at least so many seconds, as commits come in rounds of a second."""
    times, found, start = [], [], 0
    for now, total in series[1:]:
        while series[start + 1][0] <= now - span:
            start += 1
        at, counted = series[start]
        if now - at >= span:
            times.append((at + now) / 2)
            found.append((total - counted) / (now - at))
    return times, found


def plot_rate(name, result, path):
    figure, axes = pyplot.subplots(figsize=(10, 4.5))
    for number, turns in enumerate(result["rounds"], 1):
        times, found = rates(turns["odometer"]["series"])
        axes.plot(times, [rate / 1e6 for rate in found], linewidth=1.2, label=f"Odometer, round {number}")
    for who, title, style in (("bare", "bare consumer", "--"), ("limit", "limit.cc", ":")):
        if who in result["median"]:
            mean = result["median"][who]["events_per_second"] / 1e6
            axes.axhline(mean, color="#4d4d4d", linestyle=style, linewidth=1, label=f"{title}, mean of a turn")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("seconds since the first record")
    axes.set_ylabel("million events a second, counted in Redis\n(over two seconds)")
    axes.set_title(f"Rate over time, {name}")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


GROWTH = {"lanes": "lanes", "partitions": "partitions", "organizations": "organizations", "meters": "comparison catalog,\nso many times"}


def plot_growth(growth, path):
    """CPU an event for each value of what is changed, with events/s above the bars."""
    figure, panels = pyplot.subplots(1, len(GROWTH), figsize=(13, 4.5))
    for axes, (name, label) in zip(panels, GROWTH.items()):
        points = growth["series"][name]
        places = range(len(points))
        ours, redis = ([point[part] for point in points] for part in ("cpu_us", "redis_us"))
        axes.bar(places, redis, color=COLORS["Redis"], width=0.6)
        axes.bar(places, ours, bottom=redis, color=COLORS["all of Odometer"], width=0.6)
        for place, point in enumerate(points):
            axes.text(place, point["cpu_us"] + point["redis_us"], f"{point['events_per_second'] / 1e3:,.0f}k/s",
                      ha="center", va="bottom", fontsize=7)
        axes.set_xticks(places, [f"{point['at']:,}" for point in points], fontsize=7)
        axes.set_ylim(top=1.15 * max(a + b for a, b in zip(ours, redis)))
        axes.set_xlabel(label, fontsize=8)
        axes.set_axisbelow(True)
        axes.grid(axis="y", alpha=0.3)
    panels[0].set_ylabel("CPU, microseconds an event (medians)")
    shown = [pyplot.Rectangle((0, 0), 1, 1, color=COLORS[name]) for name in ("Redis", "all of Odometer")]
    panels[0].legend(shown, ("Redis", "Odometer"), fontsize=8, loc="lower left")
    figure.suptitle("How the cost of an event grows")
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def main(source):
    result, made = json.loads(Path(source).read_text()), []
    folder = Path(source).parent
    if "growth" in result:
        made.append(folder / "growth.png")
        plot_growth(result["growth"], made[-1])
    if result["workloads"]:
        made.append(folder / "where-time-goes.png")
        plot_parts(result["workloads"], made[-1])
    for name, workload in result["workloads"].items():
        made.append(folder / f"rate-{name}.png")
        plot_rate(name, workload, made[-1])
    print("plots: " + (", ".join(str(path) for path in made) or "none of these parts"))


if __name__ == "__main__":
    main(sys.argv[1])
