internal import Ledger
internal import Redis

/// What the ledger's contract says to a catalog, before anything is changed.
public enum ContractCheck {
    /// The meters that a start under this configuration would add to the contract; none where it is
    /// the ledger's, or where there is no ledger yet.
    ///
    /// Asks Redis once. Throws `contract` where the start would be refused, with the reason, and
    /// `redis` where Redis does not answer.
    public static func added(
        by configuration: PipelineConfiguration
    ) throws(PipelineError) -> [String] {
        do throws(LedgerError) {
            var connection = try LedgerFacts.connect(configuration)
            guard
                let record = try LedgerRecord.read(&connection, layout: configuration.layout),
                let stored = record.contractText.flatMap({ Contract(text: $0) })
            else { return [] }
            return try added(by: configuration, to: stored, record)
        } catch {
            throw PipelineError(error)
        }
    }

    private static func added(
        by configuration: PipelineConfiguration, to stored: Contract, _ record: LedgerRecord
    ) throws(LedgerError) -> [String] {
        let keeper: LedgerKeeper
        do throws(PipelineError) {
            keeper = try LedgerKeeper(configuration: configuration, cluster: stored.cluster)
        } catch {
            throw LedgerError(.contractDiffers, error.message)
        }
        switch keeper.contract(under: record).relation(to: stored) {
        case .same: return []
        case .superset(let added): return added
        case .different(let differences):
            guard configuration.acceptContract else {
                throw LedgerError(
                    .contractDiffers,
                    "the ledger counts otherwise: \(differences.joined(separator: ", ")); start "
                        + "once with --accept-contract, or under another --prefix")
            }
            return differences
        case .incompatible(let differences):
            throw LedgerError(
                .otherLayout,
                "the ledger has another \(differences.joined(separator: ", ")); use another "
                    + "--prefix")
        }
    }
}
