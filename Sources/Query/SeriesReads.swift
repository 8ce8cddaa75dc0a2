internal import Ledger
internal import Metering

/// Plans reads of series: the windows of pieces, key by key.
extension Inquiry {
    /// The windows of these pieces.
    ///
    /// A key is read whole where more than two of its windows are wanted.
    mutating func series(
        _ meter: KnownMeter, _ pieces: [Coverage.Piece], _ scopes: [CellScope]
    ) -> [SeriesPart] {
        var parts: [SeriesPart] = []
        for scope in scopes {
            let scope = scope.text
            for piece in pieces { parts += series(meter, piece, scope, mostMembers: 2) }
        }
        return parts
    }

    /// The windows of one piece.
    ///
    /// A key is read whole where more than `mostMembers` of its windows are wanted. Of a family's
    /// keys the plan decides, which knows what is wanted of the other meters.
    mutating func series(
        _ meter: KnownMeter, _ piece: Coverage.Piece, _ scope: [UInt8], mostMembers: Int
    ) -> [SeriesPart] {
        var parts: [SeriesPart] = []
        var next = piece.numbers.lowerBound
        // In `totals` members are meters' names, of a family or not.
        let isFamily = meter.isFamily && piece.window != .all
        while next < piece.numbers.upperBound {
            let bucket = KeyLayout.seriesBucket(piece.window, next, isFamily: isFamily)
            let wanted = next..<min(piece.numbers.upperBound, bucket.upperBound + 1)
            let key = names.cellKey(scope: scope, meter, piece.window, next)
            func member(_ number: Int32) -> [UInt8] {
                KeyLayout.seriesMember(meter: meter.name, window: piece.window, number: number)
            }
            if isFamily {
                let read = plan.shared(
                    wanted.map { meter.head + member($0) }, of: key,
                    most: bucket.count * meter.seriesCounts[Int(piece.window.rawValue)])
                parts.append(
                    .shared(
                        read: read, head: meter.head, piece.window, bucket: bucket, wanted: wanted))
            } else if wanted.count <= mostMembers {
                for number in wanted {
                    parts.append(.member(plan.member(member(number), of: key), number: number))
                }
            } else {
                let read = plan.whole(.bucket(key, most: bucket.count))
                parts.append(.bucket(read: read, piece.window, bucket: bucket, wanted: wanted))
            }
            next = wanted.upperBound
        }
        return parts
    }
}
