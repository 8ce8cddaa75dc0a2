internal import Glibc
internal import Metering
internal import Spelling
internal import Synchronization

/// The system's tz database: compiled files in a directory, one for each name.
///
/// Thread-safe. A zone is kept until its file changes, which each question about it looks for.
public final class ZoneDatabase: Sendable {
    /// The directory that all programs of the system use; `TZDIR` names another one.
    public static let system = ZoneDatabase(
        directory: getenv("TZDIR").map { String(cString: $0) } ?? "/usr/share/zoneinfo")

    /// Where the files are.
    public let directory: String
    private let known = Mutex<[String: KnownZone]>([:])
    private static let mostBytes = 1 << 20

    /// A database in this directory, which need not exist.
    public init(directory: String) { self.directory = directory }

    /// Why a name cannot be used as a zone.
    public enum Fault: Error, Sendable, Equatable {
        /// The directory has no files of zones; its path.
        case noDatabase(String)
        /// The database has no such name; names that may be meant, at most five.
        case unknownName(suggestions: [String])
        /// The file with that name cannot be used; why.
        case unreadable(String)

        /// What is wrong, in words that follow "must be a time zone like Europe/Berlin; ".
        public var text: String {
            switch self {
            case .noDatabase(let directory):
                "\(directory) has no time zones: install tzdata, or set TZDIR"
            case .unknownName(let suggestions):
                suggestions.isEmpty
                    ? "the system's database has no such name"
                    : "the system's database has no such name, but "
                        + suggestions.joined(separator: ", ")
            case .unreadable(let reason): reason
            }
        }
    }

    /// The version of the rules, such as `2025b`; nil where the files do not say it.
    public var version: String? {
        let names = ["tzdata.zi", "+VERSION", "version"]
        for name in names {
            guard let bytes = read(name, most: 64) else { continue }
            let line = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
            guard let word = line.split(separator: " ").last, Self.year(ofVersion: word) != nil
            else { continue }
            return String(word)
        }
        return nil
    }

    /// Whether rules of this version were made more than two years before a time, in seconds since
    /// 1970; the middle of the version's year counts as its date.
    public static func isOld(version: String, at second: Int64) -> Bool {
        guard let year = year(ofVersion: version[...]) else { return true }
        let end = CivilDate(year: year + 2, monthOfYear: 7, dayOfMonth: 1)
        return second >= Int64(end.dayNumber) * 86_400
    }

    private static func year(ofVersion version: Substring) -> Int32? {
        guard version.utf8.count >= 5, version.utf8.count <= 8,
            let year = Int32(version.prefix(4)), (1990...2200).contains(year)
        else { return nil }
        return year
    }

    /// The zone with this name, in exactly this spelling.
    ///
    /// Where its file has changed since it was read, it is read again.
    public func zone(named name: String) throws(Fault) -> Zone {
        // UTC needs no file.
        if name == "UTC" { return .utc }
        let known = self.known.withLock { $0[name] }
        guard Self.isName(name), let stamp = ZoneStamp(path: "\(directory)/\(name)") else {
            throw fault(of: name)
        }
        if let known, known.stamp == stamp { return known.zone }
        guard let bytes = read(name, most: Self.mostBytes), bytes.starts(with: "TZif".utf8) else {
            throw fault(of: name)
        }
        guard let file = ZoneFile(name: name, bytes: bytes) else {
            throw .unreadable("\(directory)/\(name) is damaged, or counts leap seconds")
        }
        self.known.withLock { $0[name] = KnownZone(stamp: stamp, zone: file.zone) }
        return file.zone
    }

    /// Names of all zones, sorted; those of `posix` and `right` and files of other kinds left out.
    public var names: [String] {
        var found: [String] = []
        collect("", into: &found, depth: 0)
        return found.sorted()
    }

    // MARK: Faults

    private func fault(of name: String) -> Fault {
        let names = self.names
        if names.isEmpty { return .noDatabase(directory) }
        let lower = name.lowercased()
        let sameLetters = names.filter { $0.lowercased() == lower }
        if !sameLetters.isEmpty { return .unknownName(suggestions: sameLetters) }
        // `Berlin` for Europe/Berlin.
        let cities = names.filter { $0.lowercased().hasSuffix("/" + lower) }
        if !cities.isEmpty { return .unknownName(suggestions: Array(cities.prefix(5))) }
        let users = zones(withShortName: name)
        if !users.isEmpty { return .unknownName(suggestions: Array(users.prefix(5))) }
        let nearest = Suggestion.nearest(to: name, among: names)
        return .unknownName(suggestions: nearest.map { [$0] } ?? [])
    }

    /// Zones whose clocks use this short name now, in the order of the database's list of places.
    private func zones(withShortName name: String) -> [String] {
        guard name.utf8.count <= 6, let table = read("zone1970.tab", most: Self.mostBytes) else {
            return []
        }
        let lines = table.split(separator: UInt8(ascii: "\n"))
        let listed = lines.filter { $0.first != UInt8(ascii: "#") }.compactMap { line in
            let fields = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
            return fields.count > 2 ? String(decoding: fields[2], as: UTF8.self) : nil
        }
        return listed.filter { zone in
            read(zone, most: Self.mostBytes).flatMap { ZoneFile(name: zone, bytes: $0) }?
                .shortNames.contains(name) ?? false
        }
    }

    // MARK: Files

    /// Whether a text can be a name of the database: never a path out of its directory.
    static func isName(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return text.utf8.count <= 64
            && parts.allSatisfy { part in !part.isEmpty && part.allSatisfy(isNameByte) }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "+"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// At most so many bytes of a regular file below the directory; nil where it cannot be read.
    private func read(_ name: String, most: Int) -> [UInt8]? {
        let descriptor = open("\(directory)/\(name)", O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
        let size = min(Int(facts.st_size), most)
        return [UInt8](unsafeUninitializedCapacity: size) { room, count in
            while count < size {
                let got = Glibc.read(descriptor, room.baseAddress.map { $0 + count }, size - count)
                if got < 0, errno == EINTR { continue }
                guard got > 0 else { break }
                count += got
            }
        }
    }

    private func collect(_ place: String, into found: inout [String], depth: Int) {
        guard depth < 4, let entries = opendir("\(directory)/\(place)") else { return }
        defer { closedir(entries) }
        while let entry = readdir(entries) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            let isCopy =
                place.isEmpty && ["posix", "right", "localtime", "posixrules"].contains(name)
            guard Self.isName(name), !isCopy else { continue }
            let whole = place.isEmpty ? name : "\(place)/\(name)"
            if read(whole, most: 4)?.elementsEqual("TZif".utf8) ?? false {
                found.append(whole)
            } else {
                collect(whole, into: &found, depth: depth + 1)
            }
        }
    }
}
