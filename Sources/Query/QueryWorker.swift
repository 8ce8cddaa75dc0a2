public import Ledger

/// Answers questions over one connection to Redis; used by one thread at a time.
public final class QueryWorker {
    /// The meters, the clock, and the names of the keys with the ledger's number of shards.
    public private(set) var engine: QueryEngine
    /// When the current answer must be ready.
    public var deadline: ContinuousClock.Instant
    let cells: CellReader
    /// Sums of large rankings; nil: none are kept.
    let rankings: RankingMemory?
    private var admission: (any ReadAdmission)?
    private var credentials = KnownCredentials()
    private var serverChanges = 0
    /// Groups that were found before, by the name of the table with their names.
    var knownGroups: [String: KnownGroups] = [:]

    /// A worker that reads by `cells`; `rankings` is shared by all workers of a process.
    public init(engine: QueryEngine, cells: CellReader, rankings: RankingMemory? = nil) {
        self.engine = engine
        self.rankings = rankings
        self.cells = cells
        deadline = .now + .seconds(1)
    }

    /// Begins a request; requests with equal keys will probably read the same.
    ///
    /// `admission` is asked before each plan of reads of this request; nil: all are admitted.
    public func begin(
        _ key: UInt64, deadline: ContinuousClock.Instant, admission: (any ReadAdmission)? = nil
    ) {
        self.deadline = deadline
        self.admission = admission
        cells.beginRequest(key)
    }

    /// Drops what is remembered of the current request's reads: its credential is not valid.
    public func forget() { cells.forgetRequest() }

    /// Ends the current request.
    public func end() {
        admission = nil
        cells.endRequest()
    }

    /// An empty inquiry about an organization.
    public func inquiry(_ organization: [UInt8]) -> Inquiry {
        if engine.layout.shardCount != cells.layout.shardCount { engine.layout = cells.layout }
        return Inquiry(organization: organization, engine: engine)
    }

    /// Reads everything that the inquiry asks for.
    ///
    /// A process reads at most two rankings in pieces at a time; a third is refused with
    /// `unavailable`.
    public func answer(_ inquiry: Inquiry) throws(QueryError) -> Answers {
        guard let rankings else { return try answer(inquiry, refusesLargeRankings: false) }
        do throws(QueryError) {
            return try answer(inquiry, refusesLargeRankings: true)
        } catch {
            guard error.code == .tooLarge else { throw error }
        }
        guard rankings.enter() else { throw QueryError.tooManyRankings }
        defer { rankings.leave() }
        return try answer(inquiry, refusesLargeRankings: false)
    }

    /// Reads everything that the inquiry asks for.
    ///
    /// `refusesLargeRankings`: throws `tooLarge` instead of reading a ranking in pieces.
    func answer(
        _ inquiry: Inquiry, refusesLargeRankings: Bool
    ) throws(QueryError) -> Answers {
        if let name = inquiry.unknownMeters.first {
            throw QueryError(.unknownMeter, "meter \(name) is not in the catalog")
        }
        guard inquiry.engine.layout.shardCount == cells.layout.shardCount else {
            throw QueryError(.unavailable, "the ledger has another number of shards: ask again")
        }
        try admission?.admit(commands: inquiry.plan.commandCount)
        do throws(CellReadError) {
            let snapshot = try cells.read(
                inquiry.plan.reads, organization: inquiry.organization, deadline: deadline,
                refusesLargeRankings: refusesLargeRankings)
            admission?.found(members: snapshot.memberCount)
            return Answers(snapshot: snapshot, belowZero: inquiry.belowZero)
        } catch {
            throw QueryError(error)
        }
    }

    /// Asks whether so many commands may be sent; throws `refused` where they may not.
    func admit(commands: Int) throws(QueryError) { try admission?.admit(commands: commands) }

    /// Tells how many members were read.
    func found(members: Int) { admission?.found(members: members) }

    /// Drops the sums of large rankings if another Redis server answers than before.
    func noticeServer() {
        guard cells.serverChanges != serverChanges else { return }
        serverChanges = cells.serverChanges
        rankings?.forget(newRun: cells.serverRun)
    }

    /// The credential with that hash (lower-case hexadecimal); nil where there is none.
    public func credential(hash: [UInt8]) throws(QueryError) -> Credential? {
        do throws(CellReadError) {
            let key = engine.layout.credentialKey(hash: hash)
            guard
                let values = try cells.directoryMembers(
                    key, Credential.members, deadline: deadline)
            else {
                throw CellReadError(.ledgerAbsent, "the directory has not been read yet")
            }
            return credentials.credential(hash, values)
        } catch {
            throw QueryError(error)
        }
    }

    /// Whether Redis answers and holds the ledger.
    public func probe() throws(QueryError) {
        do throws(CellReadError) {
            try cells.probe(deadline: deadline)
        } catch {
            throw QueryError(error)
        }
    }
}
