import Catalog
import Foundation
import Metering

/// The texts of a catalog and where they come from.
struct MeterFiles: Sendable {
    /// The path that the files were read from, or `built in`.
    let origin: String
    let files: [(name: String, text: [UInt8])]

    /// The files of `--meters`; without it those of `../share/odometer/meters` beside the
    /// executable (/usr/share/odometer/meters when it is installed), or else those that are built
    /// in.
    static func read(_ path: String?) throws(CommandFailure) -> MeterFiles {
        if let path {
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
                throw .usage("--meters \(path): no such file or directory")
            }
            return isDirectory.boolValue
                ? try directory(path)
                : MeterFiles(origin: path, files: [(path, try FileText.read(path))])
        }
        if let shared = sharedDirectory { return try directory(shared) }
        return MeterFiles(
            origin: "built in",
            files: ShippedMeters.files.map { (name: $0.name, text: Array($0.text.utf8)) })
    }

    /// The declarations; throws where a text is no catalog, or one that cannot be counted by.
    func catalog() throws(CommandFailure) -> MeterCatalog {
        do throws(CatalogError) {
            return try CatalogReader.check(files: files)
        } catch {
            throw .usage("catalog: \(error.description)")
        }
    }

    private static var sharedDirectory: String? {
        guard let executable = Bundle.main.executablePath else { return nil }
        let path = URL(fileURLWithPath: executable).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("share/odometer/meters").path
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }

    private static func directory(_ path: String) throws(CommandFailure) -> MeterFiles {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw .usage("--meters \(path): cannot be read")
        }
        var files: [(name: String, text: [UInt8])] = []
        for name in names.filter({ $0.hasSuffix(".yaml") }).sorted() {
            files.append((name, try FileText.read("\(path)/\(name)")))
        }
        guard !files.isEmpty else { throw .usage("--meters \(path): holds no *.yaml") }
        return MeterFiles(origin: path, files: files)
    }
}
