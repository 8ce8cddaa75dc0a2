import HTTPServer
import Ledger
import Metering
import Pipeline

/// The Prometheus text of the counting half.
enum MetricsPage {
    static func write(_ metrics: PipelineMetrics, to text: inout PrometheusText) {
        writeEvents(metrics, to: &text)
        writeIgnored(metrics, to: &text)
        writeTroubles(metrics, to: &text)
        writePartitions(metrics, to: &text)
        writeShards(metrics, to: &text)
        writeCommits(metrics, to: &text)
        writeMemory(metrics.memory, to: &text)
        text.gauge(
            "odometer_lanes_connected", help: "Lanes whose Redis connection works.",
            Double(metrics.connectedLanes))
        text.gauge(
            "odometer_lanes_joined", help: "Lanes that have joined the consumer group.",
            Double(metrics.joinedLanes))
        text.gauge(
            "odometer_dedupe_window_bytes", help: "Memory of the windows of ids.",
            Double(metrics.seenWindowBytes))
        text.gauge(
            "odometer_tally_bytes", help: "Memory of the tallies, folding and in flight.",
            Double(metrics.tallyBytes))
    }

    /// What `/readyz` says, and whether the directory follows its topic.
    static func writeState(
        isReady: Bool, isMirrored: Bool, refusedRecords: Int64, to text: inout PrometheusText
    ) {
        text.gauge(
            "odometer_ready", help: "1 where everything is counted; /readyz says why it is not.",
            isReady ? 1 : 0)
        text.gauge(
            "odometer_directory_stopped", help: "1 while the directory is not mirrored.",
            isMirrored ? 0 : 1)
        text.family(
            "odometer_directory_records_refused_total", .counter,
            help: "Records of the directory topic that are no object of it.")
        text.sample("odometer_directory_records_refused_total", [], refusedRecords)
    }

    /// The HTTPS listener: handshakes, and when its certificate expires.
    static func writeTLS(
        handshakes: UInt64, failed: UInt64, plain: UInt64, expiresMilliseconds: Int64,
        to text: inout PrometheusText
    ) {
        text.counter(
            "odometer_http_tls_handshakes_total", help: "TLS handshakes completed.", handshakes)
        text.family(
            "odometer_http_tls_failed_total", .counter,
            help: "Connections without a TLS handshake: it failed, or plain HTTP came.")
        text.sample("odometer_http_tls_failed_total", [("reason", "handshake")], failed)
        text.sample("odometer_http_tls_failed_total", [("reason", "plain")], plain)
        text.gauge(
            "odometer_http_tls_expiry_seconds",
            help: "When the certificate expires, in seconds since 1970.",
            Double(expiresMilliseconds / 1_000))
    }

    private static func writeEvents(_ metrics: PipelineMetrics, to text: inout PrometheusText) {
        text.family(
            "odometer_events_total", .counter, help: "Events by outcome; of rejected ones records.")
        for (name, count) in metrics.outcomes {
            text.sample("odometer_events_total", [("outcome", name)], count)
        }
        let counters: [(String, String, Int64)] = [
            ("stale_records", "Records below the position, dropped unread.", metrics.stale),
            (
                "reread_records", "Records read again to warm up or for another shard.",
                metrics.reread
            ),
            (
                "expired_windows", "Windows not written because they have expired.",
                metrics.expiredWindows
            ),
            ("list_records", "Records with a list of events that were counted.", metrics.lists),
            (
                "further_events", "Events that are not the first of their record.",
                metrics.furtherEvents
            ),
            ("empty_records", "Records whose list of events is empty.", metrics.emptyLists),
            ("untimed_events", "Accepted events without a time of their own.", metrics.untimed),
            ("unkeyed_events", "Accepted events whose key is not their subject.", metrics.unkeyed),
            ("dead_letters", "Dead letters acknowledged by Kafka.", metrics.deadLetters),
            (
                "dead_letters_given_up",
                "Rejected records without a dead letter: refused in its shortest form.",
                metrics.deadLettersGivenUp
            ),
            (
                "lost_offsets", "Offsets counted as lost, of all partitions.",
                metrics.lost.values.reduce(0, +)
            ),
            (
                "short_warm_ups", "Dedupe windows that the log start kept from being filled.",
                metrics.shortWarmUps
            ),
            ("log_comparisons", "Looks at the log before commits.", metrics.comparisons),
            ("steps_back", "Steps back after a rollback or another writer.", metrics.stepsBack),
            (
                "parked", "Changes that were parked because their cells refused them.",
                metrics.parkedEntries
            ),
        ]
        for (name, help, count) in counters {
            text.family("odometer_\(name)_total", .counter, help: help)
            text.sample("odometer_\(name)_total", [], count)
        }
        let local = "odometer_local_times_total"
        text.family(
            local, .counter, help: "Local times that clocks show twice or not at all.")
        text.sample(local, [("shown", "twice")], metrics.clockChanges.twice)
        text.sample(local, [("shown", "never")], metrics.clockChanges.never)
        text.family(
            "odometer_lateness_seconds", .histogram,
            help: "From an accepted event's time to its record's timestamp.")
        write(metrics.lateness, "odometer_lateness_seconds", to: &text)
    }

    private static func writeIgnored(_ metrics: PipelineMetrics, to text: inout PrometheusText) {
        let name = "odometer_ignored_events_total"
        text.family(
            name, .counter,
            help: "Events that no meter takes, by type; a lane counts 20 types apart.")
        for type in metrics.ignoredTypes.types {
            text.sample(name, [("type", String(decoding: type.bytes, as: UTF8.self))], type.count)
        }
        text.sample(name, [("type", IgnoredTypeCounts.othersName)], metrics.ignoredTypes.others)
    }

    private static func writeMemory(_ memory: MemoryShares, to text: inout PrometheusText) {
        for (name, shares) in [("meter", memory.meters), ("organization", memory.organizations)] {
            text.family(
                "odometer_\(name)_memory_share", .gauge,
                help: "Share of the ledger's memory in Redis, 0 to 1, by a sample; the ten largest."
            )
            for share in shares {
                text.sample("odometer_\(name)_memory_share", [(name, share.name)], share.share)
            }
        }
    }

    private static func writeTroubles(_ metrics: PipelineMetrics, to text: inout PrometheusText) {
        text.family(
            "odometer_lane_troubles", .gauge,
            help: "Lanes that have this trouble, by the word that the log has for it.")
        for trouble in metrics.troubles {
            text.sample(
                "odometer_lane_troubles", [("trouble", trouble.name)], Int64(trouble.lanes))
        }
    }

    private static func writePartitions(_ metrics: PipelineMetrics, to text: inout PrometheusText) {
        let families: [(String, String, (PartitionMetrics) -> Int64)] = [
            ("position", "Next offset that the lane takes.", { $0.position }),
            ("committed", "Next offset that every shard has in Redis.", { $0.committed }),
            ("lag", "Offsets between committed and the log's end.", { $0.lag }),
            (
                "gone_offsets", "Offsets that a shard lacks and Kafka no longer holds.",
                { $0.gone }
            ),
            (
                "stopped", "1 if the partition is stopped until it is assigned again.",
                { $0.stopped == nil ? 0 : 1 }
            ),
            (
                "schema_waiting", "1 while the partition waits for a schema.",
                { $0.waiting == nil ? 0 : 1 }
            ),
        ]
        for (name, help, value) in families {
            text.family("odometer_partition_\(name)", .gauge, help: help)
            for partition in metrics.partitions {
                text.sample(
                    "odometer_partition_\(name)",
                    [("topic", partition.topic), ("partition", String(partition.partition))],
                    value(partition))
            }
        }
        text.family(
            "odometer_partition_lost_offsets_total", .counter, help: "Offsets counted as lost.")
        for (partition, count) in metrics.lost.sorted(by: { $0.key < $1.key }) {
            text.sample(
                "odometer_partition_lost_offsets_total",
                [("topic", partition.topic), ("partition", String(partition.partition))], count)
        }
        text.family(
            "odometer_dedupe_span_seconds", .gauge,
            help: "Record time that the N offsets of a full dedupe window span.")
        for partition in metrics.partitions {
            guard let span = partition.dedupeSpanMilliseconds else { continue }
            text.sample(
                "odometer_dedupe_span_seconds",
                [("topic", partition.topic), ("partition", String(partition.partition))],
                Double(span) / 1_000)
        }
    }

    private static func writeShards(_ metrics: PipelineMetrics, to text: inout PrometheusText) {
        text.family("odometer_shard_aside", .gauge, help: "1 for each shard set aside.")
        // Each lane sets a shard aside for itself; a sample may be there once only.
        for shard in Set(metrics.shardsAside.map(\.shard)).sorted() {
            text.sample("odometer_shard_aside", [("shard", String(shard))], Int64(1))
        }
        text.gauge(
            "odometer_shards_split",
            help: "Shards that are torn because parts of them are on several nodes or lost.",
            Double(metrics.shardsSplit))
        text.family(
            "odometer_shards_moving", .gauge,
            help: "Shards that wait for their node in a cluster, by reason.")
        for (reason, count) in metrics.movingByReason {
            text.sample("odometer_shards_moving", [("reason", reason)], Int64(count))
        }
        text.counter(
            "odometer_shard_moves_total",
            help: "How often a shard was committed on another node than before.",
            UInt64(metrics.shardMoves))
        text.family(
            "odometer_parked_cells", .gauge, help: "Cells of each shard whose changes are parked.")
        for (shard, count) in metrics.parked.sorted(by: { $0.key < $1.key }) {
            text.sample("odometer_parked_cells", [("shard", String(shard))], Int64(count))
        }
    }

    private static func writeCommits(_ metrics: PipelineMetrics, to text: inout PrometheusText) {
        for (name, help, count) in [
            ("commits", "Commits that changed Redis.", metrics.commits),
            ("cells", "Cells changed in Redis.", metrics.cells),
            ("committed_events", "Events in those commits.", metrics.committedEvents),
        ] {
            text.family("odometer_\(name)_total", .counter, help: help)
            text.sample("odometer_\(name)_total", [], count)
        }
        text.family(
            "odometer_overflowed_total", .counter,
            help: "Changes of cells that were counted as __other__: a limit (most) was reached.")
        for (meter, count) in metrics.overflows.sorted(by: { $0.key < $1.key }) {
            text.sample("odometer_overflowed_total", [("meter", meter)], count)
        }
        text.gauge(
            "odometer_merge_factor", help: "Events for each cell written, since the start.",
            metrics.mergeFactor)
        text.family(
            "odometer_commit_seconds", .histogram, help: "From sending a commit to its answer.")
        write(metrics.commitSeconds, "odometer_commit_seconds", to: &text)
        text.family(
            "odometer_commit_script_seconds", .histogram,
            help: "Time of a commit's script in Redis; Redis 7.0 tells it.")
        write(metrics.scriptSeconds, "odometer_commit_script_seconds", to: &text)
        text.family(
            "odometer_freshness_seconds", .histogram,
            help: "From a record's timestamp to its commit, for the oldest record of each commit.")
        write(metrics.freshness, "odometer_freshness_seconds", to: &text)
    }

    private static func write(
        _ histogram: BoundedHistogram, _ name: String, to text: inout PrometheusText
    ) {
        text.histogram(
            name, bounds: histogram.bounds, counts: histogram.counts.map { UInt64(max(0, $0)) },
            sum: histogram.sum)
    }
}
