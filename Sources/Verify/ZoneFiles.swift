import Glibc
public import Workload

/// Time zones for the oracle, read from the system's tz database by code of its own.
public enum ZoneFiles {
    /// The zone with a name that a catalog gives.
    ///
    /// - Throws: where there is no such file, or one that the oracle cannot read.
    public static func zone(_ name: String) throws(VerifyError) -> OracleZone {
        if name == "UTC" { return .utc }
        let directory = getenv("TZDIR").map { String(cString: $0) } ?? "/usr/share/zoneinfo"
        guard let file = fopen("\(directory)/\(name)", "re") else {
            throw CatalogText.wrong("zone: no \(name) in \(directory)")
        }
        defer { fclose(file) }
        let most = 1 << 20
        var bytes = [UInt8](repeating: 0, count: most)
        let count = fread(&bytes, 1, most, file)
        guard let zone = OracleZone(name: name, file: Array(bytes.prefix(count))) else {
            throw CatalogText.wrong("zone: \(name) cannot be read")
        }
        return zone
    }
}
