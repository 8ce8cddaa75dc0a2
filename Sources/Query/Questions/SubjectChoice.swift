internal import Metering

/// Whose cells answer a question.
struct SubjectChoice {
    /// Where the organization is among the dimensions of the rows; nil: it is none of them.
    let place: Int?
    /// The organizations that the question names, each once; nil: all.
    ///
    /// Empty for the one of the inquiry.
    let named: [[UInt8]]?
    /// Whether the organizations must be listed before their cells can be read.
    var areListed: Bool { named == nil && place != nil }
    /// How many owners of cells are read: organizations, or shards where all are asked for
    /// together; 1 where they must be listed first.
    let count: Int
    /// The question as it is asked about one organization.
    let askOfOne: MeterAsk

    init(_ ask: MeterAsk, _ meter: MeterDeclaration, shards: Int) throws(QuestionError) {
        var own = ask
        // A dimension of that name is older than questions about organizations.
        let hasDimension = (meter.by + meter.scopes.joined()).contains(Subjects.dimension)
        place = hasDimension ? nil : ask.by.firstIndex(of: Subjects.dimension)
        if let place { own.by.remove(at: place) }
        askOfOne = own
        guard !hasDimension || ask.subjects == .own else {
            throw QuestionError(
                "\(meter.name) has a dimension \(Subjects.dimension) of its own: it cannot be asked "
                    + "for several organizations")
        }
        guard !own.by.contains(Subjects.dimension) || hasDimension else {
            throw QuestionError("by names a dimension twice")
        }
        switch ask.subjects {
        case .own: (named, count) = ([], 1)
        case .some(let ids):
            var seen: Set<[UInt8]> = []
            let different = ids.filter { seen.insert($0).inserted }
            guard !different.isEmpty else { throw QuestionError("subject names no organization") }
            (named, count) = (different, different.count)
        case .all:
            guard meter.isAcross else {
                throw QuestionError(
                    "\(meter.name) is counted for single organizations only: name them by subject, "
                        + "or add across: true to the meter in the catalog")
            }
            (named, count) = (nil, place == nil ? shards : 1)
        }
    }
}
