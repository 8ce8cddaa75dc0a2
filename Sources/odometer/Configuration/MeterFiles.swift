import Catalog
import Foundation
import Metering

/// The texts of a catalog and where they were found.
struct MeterFiles: Sendable {
    let place: String
    let files: [(name: String, text: [UInt8])]

    /// The files of `--meters`, or else of `../share/odometer/meters` beside the executable (which
    /// for an installed one is /usr/share/odometer/meters), or else the ones that are built in.
    static func read(_ path: String?) throws(CommandFailure) -> MeterFiles {
        if let path {
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
                throw .usage("--meters \(path): no such file or directory")
            }
            return isDirectory.boolValue
                ? try directory(path)
                : MeterFiles(place: path, files: [(path, try FileText.read(path))])
        }
        if let shared = sharedDirectory { return try directory(shared) }
        return MeterFiles(
            place: "built in",
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
        return MeterFiles(place: path, files: files)
    }
}
