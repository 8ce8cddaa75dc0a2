import CEventScan

/// One format of a rule, as the loop reads it.
struct FormatRule {
    enum Kind: UInt8 { case rfc3339, iso8601, unix, pattern }
    var kind: Kind
    /// Of a number: the power of ten that makes nanoseconds of it.
    var power: Int32 = 0
    /// Of a pattern: where `Program.steps` has its steps.
    var firstStep: Int32 = 0
    var stepCount: Int32 = 0
}

/// Reads times in other formats than the loop's own, and at other places.
extension Program {
    /// The event's time where the loop's own reader does not read it.
    @inline(never)
    mutating func readOtherTime(isBinary: Bool) -> Rejection? {
        let other = others[envelope.timeRule]
        let value = find(other, isBinary: isBinary).value
        if value.kind == ES_ABSENT.rawValue { return nil }
        guard let time = time(value, other) else { return .time }
        scratch.timeNanoseconds = time
        scratch.hasOwnTime = true
        return nil
    }

    /// Nanoseconds since 1970 of a time in one of a rule's formats.
    ///
    /// Of several formats one that gives a time before the catalog's `not_before` is taken only if
    /// no other one fits: so seconds and milliseconds cannot be taken for each other.
    mutating func time(_ value: es_value, _ other: OtherRule) -> Int64? {
        // A moment of Avro or Protobuf has no format.
        if value.kind == ES_TIME.rawValue { return value.integer }
        var found: FoundTime?
        let zone = other.zone < 0 ? nil : zones[Int(other.zone)]
        for index in other.firstFormat..<(other.firstFormat + other.formatCount) {
            guard let time = time(value, formats[index], zone) else { continue }
            found = found ?? time
            if time.nanoseconds >= notBeforeNanoseconds {
                found = time
                break
            }
        }
        guard let found else { return nil }
        counters.clockChanges.add(found.count)
        return found.nanoseconds
    }

    private func time(
        _ value: es_value, _ format: FormatRule, _ zone: LocalZone?
    ) -> FoundTime? {
        let isText = value.kind == ES_TEXT.rawValue
        guard format.kind == .unix else {
            guard isText else { return nil }
            return switch format.kind {
            case .iso8601: LocalTime(iso8601: value.bytes)?.inNanoseconds(zone)
            case .pattern:
                LocalTime(
                    value.bytes,
                    UnsafeBufferPointer(
                        start: steps.base + Int(format.firstStep), count: Int(format.stepCount))
                )?.inNanoseconds(zone)
            case .rfc3339, .unix: Timestamp.nanoseconds(value.bytes).map { FoundTime($0) }
            }
        }
        guard isText || value.isNumber else { return nil }
        return Timestamp.nanoseconds(since1970: value.bytes, power: format.power).map {
            FoundTime($0)
        }
    }
}

extension Timestamp {
    /// Nanoseconds since 1970 of a number times 10^power; what is behind the point is cut off.
    ///
    /// Nil for a text that is no number, and outside of `years`.
    static func nanoseconds(since1970 number: UnsafeRawBufferPointer, power: Int32) -> Int64? {
        var time: Int64 = 0
        let found = es_cut_off(
            number.baseAddress?.assumingMemoryBound(to: CChar.self), number.count, power, &time)
        guard found == ES_WHOLE.rawValue, time >= firstSecond * 1_000_000_000,
            time < endSecond * 1_000_000_000
        else { return nil }
        return time
    }
}
