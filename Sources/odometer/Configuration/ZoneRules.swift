import Printing
import Zones

/// What people are told about the time zones of the system.
enum ZoneRules {
    /// The version of the rules and where they are, in one line.
    static var line: String {
        let database = ZoneDatabase.system
        guard let version = database.version else {
            return "Time zones: rules of unknown version in \(database.directory)"
        }
        return "Time zones: rules \(version) in \(database.directory)"
    }

    /// Why times in zones may be wrong; nil where nothing is known against the rules.
    static var warning: String? {
        let database = ZoneDatabase.system
        if (try? database.zone(named: "Europe/Berlin")) == nil {
            return "no time zones in \(database.directory): only UTC can be used. "
                + "Install tzdata, or set TZDIR"
        }
        guard let version = database.version else { return nil }
        guard ZoneDatabase.isOld(version: version, at: ValueText.now() / 1_000) else { return nil }
        return "the rules of time zones, \(version), are more than two years old: update tzdata"
    }
}
