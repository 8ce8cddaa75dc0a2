public import Metering

extension LocalZone {
    /// The zone of times without one that this zone of the database is.
    public init(_ zone: Zone) {
        self.init(name: zone.name) { local in
            switch zone.time(ofLocal: local) {
            case .once(let second): Meaning(second: second, count: .once)
            case .twice(let first, _): Meaning(second: first, count: .twice)
            case .skipped(let second, gap: _): Meaning(second: second, count: .never)
            }
        }
    }
}
