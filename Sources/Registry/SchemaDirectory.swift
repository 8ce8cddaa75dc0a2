internal import CProtoSchema
internal import Glibc
internal import Metering

/// Schemas in the files of a directory.
///
/// `ID.avsc` or `ID.proto`, where ID is the number or GUID that records name. What a schema of Avro
/// refers to is `FULLNAME.avsc`; what one of Protobuf imports is at the path of its import.
/// A schema that is not whole is asked for again; files should come by rename, so that none is seen
/// in half.
struct SchemaDirectory: SchemaFetcher {
    static let mostBytes = 4 << 20
    static let mostLevels = 20
    static let mostFiles = 200
    let path: String
    var longestPause: Int64 { 5_000 }

    func rest() {}

    private struct Failure: Error { var why: String }

    func fetch(_ key: SchemaKey) -> FetchResult {
        do throws(Failure) {
            var files: [SchemaFile] = []
            if let text = try text("\(key).avsc") {
                let file = SchemaFile(name: "\(key).avsc", text: text)
                return .schema(RecordSchema(format: .avro, files: try whole(file)))
            }
            guard let text = try text("\(key).proto") else {
                return .failed("\(path) has neither \(key).avsc nor \(key).proto")
            }
            guard text.utf8.contains(UInt8(ascii: "{")) else {
                throw Failure(why: "\(path)/\(key).proto has no message")
            }
            try addImports(of: text, "\(key).proto", to: &files, level: 1)
            files.append(SchemaFile(name: "\(key).proto", text: text))
            return .schema(RecordSchema(format: .protobuf, files: files))
        } catch {
            return .failed(error.why)
        }
    }

    /// How many schemas are here.
    func survey() -> SchemaSurvey {
        guard let directory = opendir(path) else {
            return .failed(String(cString: strerror(errno)))
        }
        closedir(directory)
        let keys = keys
        var unusable: [String] = []
        for key in keys {
            if case .failed(let why) = fetch(key) { unusable.append(why) }
        }
        return .files(keys.count, unusable: unusable)
    }

    /// The ids of all schemas that are here.
    var keys: [SchemaKey] {
        var found: Set<SchemaKey> = []
        for name in names {
            for ending in [".avsc", ".proto"] where name.hasSuffix(ending) {
                if let key = Self.key(String(name.dropLast(ending.count))) { found.insert(key) }
            }
        }
        return found.sorted {
            "\($0)".count == "\($1)".count ? "\($0)" < "\($1)" : "\($0)".count < "\($1)".count
        }
    }

    private static func key(_ name: String) -> SchemaKey? {
        if let id = UInt32(name), "\(id)" == name { return .id(id) }
        let isGUID =
            name.utf8.count == 36
            && name.enumerated().allSatisfy { index, character in
                [8, 13, 18, 23].contains(index)
                    ? character == "-" : "0123456789abcdef".contains(character)
            }
        return isGUID ? .guid(name) : nil
    }

    // MARK: What a schema needs

    /// A schema of Avro with the files of the types that it names, each behind what it names.
    private func whole(_ file: SchemaFile) throws(Failure) -> [SchemaFile] {
        var files = [file]
        while true {
            let lack = RecordSchema.lack(ofAvro: files)
            guard let name = lack.missing else {
                guard let why = lack.why else { return files }
                throw Failure(why: "\(path)/\(file.name): \(why)")
            }
            // A name without a dot may have been written for one outside of its namespace.
            let names =
                ["\(name).avsc"] + (name.split(separator: ".").last.map { ["\($0).avsc"] } ?? [])
            var found: SchemaFile?
            for other in names where found == nil && !files.contains(where: { $0.name == other }) {
                found = try text(other).map { SchemaFile(name: other, text: $0) }
            }
            guard let found, files.count < Self.mostFiles else {
                throw Failure(
                    why: "\(path)/\(file.name) needs the type \(name), and \(names[0]) is not there"
                )
            }
            files.insert(found, at: 0)
        }
    }

    /// Adds the files that a text of Protobuf imports.
    private func addImports(
        of text: String, _ name: String, to files: inout [SchemaFile], level: Int
    ) throws(Failure) {
        guard level <= Self.mostLevels else { throw Failure(why: "imports go in a circle") }
        for imported in Self.imports(of: text) where !files.contains(where: { $0.name == imported })
        {
            // These come with Protobuf.
            if imported.hasPrefix("google/protobuf/") { continue }
            guard !imported.hasPrefix("/"), !imported.split(separator: "/").contains(".."),
                let other = try self.text(imported)
            else { throw Failure(why: "\(path)/\(name) imports \(imported), which is not there") }
            try addImports(of: other, imported, to: &files, level: level + 1)
            guard !files.contains(where: { $0.name == imported }) else { continue }
            files.append(SchemaFile(name: imported, text: other))
        }
    }

    private static func imports(of text: String) -> [String] {
        final class Found { var names: [String] = [] }
        let found = Found()
        let bytes = text.utf8.map { CChar(bitPattern: $0) }
        _ = ps_imports(
            bytes, bytes.count, Unmanaged.passUnretained(found).toOpaque()
        ) { context, start, count in
            guard let context else { return }
            let name = String(
                decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
            Unmanaged<Found>.fromOpaque(context).takeUnretainedValue().names.append(name)
        }
        return found.names
    }

    // MARK: Files

    private var names: [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            names.append(name)
        }
        return names.sorted()
    }

    /// The text of a file; nil where there is none.
    private func text(_ name: String) throws(Failure) -> String? {
        guard let file = fopen("\(path)/\(name)", "rb") else {
            let code = errno
            if code == ENOENT { return nil }
            throw Failure(why: "\(path)/\(name): \(String(cString: strerror(code)))")
        }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: Self.mostBytes + 1)
        let count = fread(&bytes, 1, bytes.count, file)
        guard count <= Self.mostBytes, ferror(file) == 0 else {
            throw Failure(why: "\(path)/\(name) cannot be read or is too large")
        }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
