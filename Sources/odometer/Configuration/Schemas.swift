import Metering
import Registry

extension Settings {
    /// Where the schemas of a catalog's records come from; nil where its records need none.
    func schemaKeeper(_ catalog: MeterCatalog) throws(CommandFailure) -> SchemaKeeper? {
        let given = Options.schemaPlace.filter { isGiven($0) }
        guard catalog.records.needsSchemas else {
            guard let option = given.first else { return nil }
            throw .usage(
                "--\(option.name) is for catalogs whose records are avro or protobuf; these are "
                    + catalog.records.rawValue)
        }
        guard let keeper = try schemaKeeper() else {
            throw .usage(
                "the catalog's records are \(catalog.records.rawValue): --schemas must say where "
                    + "their schemas are")
        }
        return keeper
    }

    /// The schemas of the place that is given; nil where none is.
    func schemaKeeper() throws(CommandFailure) -> SchemaKeeper? {
        guard let place = text(Options.schemas) else { return nil }
        let credentials = try registryCredentials()
        do throws(SchemaPlaceError) {
            return try SchemaKeeper.at(
                place, credentials: credentials, authorityFile: text(Options.schemasCA))
        } catch {
            throw .usage("--schemas: \(error.message)")
        }
    }

    private func registryCredentials() throws(CommandFailure) -> RegistryCredentials? {
        var given = text(Options.schemasCredentials)
        if let file = text(Options.schemasCredentialsFile) {
            do throws(CommandFailure) { given = try FileText.secret(file) } catch {
                throw .usage("--\(Options.schemasCredentialsFile.name): \(error.message)")
            }
        }
        guard let given else { return nil }
        guard let credentials = RegistryCredentials(given) else {
            throw .usage("the registry's credentials must be USER:PASSWORD or Bearer TOKEN")
        }
        return credentials
    }
}
