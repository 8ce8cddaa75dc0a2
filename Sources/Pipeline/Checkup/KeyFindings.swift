internal import Ledger

/// What follows from the partitions of a topic's keys and subjects.
///
/// Duplicates are looked for within one partition (`SeenWindow`), so an event that is sent again is
/// only found where its producers agree on the partition.
extension KeySample {
    /// One finding about the partitioner; others where keys, subjects or events are in several
    /// partitions.
    var findings: [Finding] {
        if records == 0, let errorText {
            return [
                finding(
                    .warning, "topic-partitioner", "its keys cannot be sampled: \(errorText)",
                    "let the user read the topic, and look at its leaders")
            ]
        }
        guard records > 0 else {
            return [
                finding(
                    .ok, "topic-partitioner", "has no records yet that tell its producers' keys")
            ]
        }
        let places = keys.flatMap { key, found in found.all.map { (key: key, partition: $0) } }
        let fit = PartitionerFit(places, partitions: partitions)
        let isMixed = isMixed(fit)
        return [
            partitioner(fit, isMixed: isMixed), spreadKeys(isMixed), spreadSubjects(isMixed),
            repeats(isMixed),
        ].compactMap(\.self)
    }

    /// Whether the same key may go to different partitions, as far as the partitioners tell.
    private func isMixed(_ fit: PartitionerFit) -> Bool {
        fit.parts.count > 1 || fit.parts.contains { $0.partitions != partitions }
            || (!fit.parts.isEmpty && fit.elsewhere > 0)
    }

    private func partitioner(_ fit: PartitionerFit, isMixed: Bool) -> Finding {
        func ok(_ text: String) -> Finding {
            finding(.ok, "topic-partitioner", text + (errorText.map { " (\($0))" } ?? ""))
        }
        guard fit.places > 0 else { return ok("none of \(records) sampled records has a key") }
        let sampled =
            "\(keys.count) keys of \(records) sampled records"
            + (unkeyed > 0 ? ", \(unkeyed) of them without a key," : "")
        guard isMixed else {
            if let part = fit.parts.first {
                return ok("\(sampled) are where \(part.partitioner.text) puts them")
            }
            return ok(
                fit.isTooSmall(partitions: partitions)
                    ? "\(sampled) are too few to tell their partitioner"
                    : "\(sampled) are where none of murmur2, CRC32 and FNV-1a puts them")
        }
        var kinds = fit.parts.map { part in
            "\(part.places) by \(part.partitioner.text)"
                + (part.partitions == partitions
                    ? "" : " when there were \(part.partitions) partitions")
        }
        if fit.elsewhere > 0 { kinds.append("\(fit.elsewhere) by something else") }
        let wereAdded = Set(fit.parts.map(\.partitioner)).count == 1 && fit.elsewhere == 0
        return finding(
            .warning, "topic-partitioner",
            "\(sampled) were put into partitions in different ways: "
                + kinds.joined(separator: ", and ")
                + ". Duplicates are found within one partition only: the same event sent in two of "
                + "these ways may count twice",
            wereAdded
                ? "wait until no producer sends again what it sent before partitions were added"
                : "\(Self.remedy) (OPERATIONS, \"Partitioners\"); records of before are sampled "
                    + "until each partition has \(depth) later ones")
    }

    private func spreadKeys(_ isMixed: Bool) -> Finding? {
        let spread = keys.filter(\.value.isSeveral)
        guard !spread.isEmpty else { return nil }
        let names = spread.map { (name: $0.key.beginning, found: $0.value) }
        return finding(
            .warning, "topic-keys",
            "\(spread.count) of \(keys.count) sampled keys are in several partitions, as "
                + "\(Self.examples(names)): an event that is sent again with such a key may be in "
                + "another partition than before, and counts twice",
            Self.remedy(isMixed))
    }

    private func spreadSubjects(_ isMixed: Bool) -> Finding? {
        let spread = subjects.filter(\.value.isSeveral).map { (name: $0.key, found: $0.value) }
        guard !spread.isEmpty else { return nil }
        let text =
            "\(spread.count) of \(subjects.count) sampled subjects are in several partitions, as "
            + Self.examples(spread)
        guard unkeyed > 0 || isMixed || keys.contains(where: \.value.isSeveral) else {
            return finding(
                .ok, "topic-subjects",
                "\(text), and each of their keys in one: an event that is sent again with its key "
                    + "is found")
        }
        return finding(
            .warning, "topic-subjects",
            "\(text): an event of theirs that is sent again may be in another partition than "
                + "before, and counts twice",
            unkeyed > 0
                ? "key every record, best by its subject (\(unkeyed) of \(records) have no key); "
                    + Self.remedy(isMixed) : Self.remedy(isMixed))
    }

    private func repeats(_ isMixed: Bool) -> Finding? {
        guard !repeated.isEmpty else { return nil }
        let subjects = Set(repeated).sorted { $0.lexicographicallyPrecedes($1) }.prefix(3)
        return finding(
            .warning, "topic-repeats",
            "\(repeated.count) sampled events are in several partitions, some of them of "
                + Self.list(subjects.map(Self.quoted)) + ": they count once in each",
            Self.remedy(isMixed) + "; what was counted twice stays counted")
    }

    private static let remedy =
        "the same partitioner in all producers, as partitioner=murmur2_random in clients that use "
        + "librdkafka"

    /// Short where the finding about the partitioner says it at length.
    private static func remedy(_ isMixed: Bool) -> String {
        isMixed ? "as above" : "\(remedy) (OPERATIONS, \"Partitioners\")"
    }

    private func finding(
        _ grade: Finding.Grade, _ check: String, _ message: String, _ remedy: String? = nil
    ) -> Finding {
        Finding(grade, topic, check, "\(topic): \(message)", remedy: remedy)
    }

    // MARK: Texts

    /// The first three by their bytes, each with its partitions.
    private static func examples(_ spread: [(name: [UInt8], found: FoundPartitions)]) -> String {
        let first = spread.sorted { $0.name.lexicographicallyPrecedes($1.name) }.prefix(3)
        let texts = first.map { name, found in
            let numbers = found.all.sorted()
            let more = numbers.count > 4 ? ["\(numbers.count - 3) more"] : []
            let shown = numbers.prefix(more.isEmpty ? 4 : 3).map { "\($0)" }
            return "\(quoted(name)) in \(list(shown + more))"
        }
        return texts.joined(separator: "; ")
    }

    /// `a, b and c`.
    private static func list(_ parts: [String]) -> String {
        guard parts.count > 1 else { return parts.first ?? "" }
        return parts.dropLast().joined(separator: ", ") + " and " + parts[parts.count - 1]
    }

    /// A key or subject in quotes: what is no plain character is written as `\xNN`.
    static func quoted(_ bytes: [UInt8]) -> String {
        var text = "\""
        for byte in bytes.prefix(SampledKey.shownBytes) {
            if (0x20..<0x7F).contains(byte), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\")
            {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16)
                text += "\\x" + (digits.count < 2 ? "0" : "") + digits
            }
        }
        return text + (bytes.count > SampledKey.shownBytes ? "\"…" : "\"")
    }
}
