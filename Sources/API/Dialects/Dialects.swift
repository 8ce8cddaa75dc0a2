public import Ingest

/// The dialects of this program: the only list of them.
public enum Dialects {
    /// All of them, the generic API among them.
    ///
    /// `verifier` checks the tokens of `identity`, `portal` makes and checks those of OpenMeter's
    /// portals, `intake` takes events; without it there are no routes for them. A dialect whose
    /// root is in another one's is before it.
    public static func all(
        verifier: TokenVerifier?, portal: PortalTokens? = nil, intake: EventIntake? = nil
    ) -> [any Dialect] {
        [
            OverviewDialect(), WorkspaceDialect(), ConnectionsDialect(), PrivacyDialect(),
            IdentityDialect(verifier: verifier), OperationsDialect(intake: intake),
            OpenMeterPortalDialect(tokens: portal), OpenMeterDialect3(intake: intake),
            OpenMeterDialect(tokens: portal, intake: intake),
        ]
    }

    /// Name and keys of the dialects that API keys open, in the order of the list.
    static let openedByKeys: [(name: String, keys: DialectKeys)] =
        all(verifier: nil).compactMap { dialect in dialect.keys.map { (dialect.name, $0) } }

    /// The first words of all API keys.
    static let keyBrands = Set(openedByKeys.map(\.keys.brand)).sorted()
}
