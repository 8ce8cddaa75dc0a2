import CEventScan

/// Reads fields whose entries are counted one by one.
extension Program {
    /// Checks the entries of a field with `each`; they stay where the scanner has put them.
    mutating func readFanOut(_ rule: FieldRule, into index: Int32) -> Rejection? {
        guard let rejection = readEntries(rule, into: index) else { return nil }
        guard rule.other >= 0, others[Int32(rule.other)].isForgiving, rejection.isOfKind else {
            return rejection
        }
        scratch.fields[Int(index)] = rule.absent
        scratch.fields[Int(index)].hasValue = false
        return nil
    }

    private mutating func readEntries(_ rule: FieldRule, into index: Int32) -> Rejection? {
        let fan = fans + Int(rule.fanOut)
        scratch.fields[Int(index)] = FieldValue(
            pointer: nil, count: 0, isPresent: false, hasValue: false, integer: 0)
        let kind = fan.pointee.kind
        if kind == ES_ABSENT.rawValue || kind == ES_NULL.rawValue {
            return rule.isRequired ? .missingField : nil
        }
        guard kind == ES_OBJECT.rawValue || kind == ES_ARRAY.rawValue else { return .wrongType }
        let count = Int(fan.pointee.count)
        guard count <= EventLimits.entries else { return .tooManyEntries }
        for number in 0..<count {
            let entry = self.entry(of: rule.fanOut, number)
            guard let value = text(entry.value) ?? otherText(entry.value, rule.other) else {
                return .wrongType
            }
            if value.count > EventLimits.textBytes || Int(entry.key.length) > EventLimits.textBytes
            {
                return .longText
            }
            if rule.valueCount > 0, !isPermitted(value, rule) { return .unknownValue }
        }
        scratch.fields[Int(index)].isPresent = true
        scratch.fields[Int(index)].hasValue = count > 0
        return nil
    }

    /// Entry `index` of a list.
    @inline(__always)
    func entry(of fanOut: Int32, _ index: Int) -> es_entry {
        let base = UnsafeRawPointer(fans + Int(fanOut))
        let offset = MemoryLayout<es_fan_out>.offset(of: \.entries) ?? 8
        return (base + offset).assumingMemoryBound(to: es_entry.self)[index]
    }
}
