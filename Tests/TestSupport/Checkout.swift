package import Foundation

/// The files of this repository, wherever it was checked out.
package enum Checkout {
    /// The folder that holds Package.swift.
    package static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// A path relative to the root.
    package static func url(_ path: String) -> URL { root.appending(path: path) }

    package static func text(_ path: String) throws -> String {
        try String(contentsOf: url(path), encoding: .utf8)
    }

    package static func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: url(path)))
    }

    /// Names of the visible files of a folder, sorted.
    package static func files(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: url(folder).path)
            .filter { !$0.hasPrefix(".") }.sorted()
    }

    /// The meters that are shipped: a name and a YAML text each, sorted by name.
    package static func shippedMeters() throws -> [(name: String, text: [UInt8])] {
        try meters(in: "schemas/meters")
    }

    /// The catalog files of a folder: a name and a YAML text each, sorted by name.
    package static func meters(in folder: String) throws -> [(name: String, text: [UInt8])] {
        try files(in: folder).filter { $0.hasSuffix(".yaml") }
            .map { ($0, try bytes("\(folder)/\($0)")) }
    }
}
