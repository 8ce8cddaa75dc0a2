import Foundation
import TestSupport

/// The files of this repository, as the tests of the floor plan see them.
enum SourceTree {
    /// Paths of all files below a folder, relative to the root, hidden
    /// ones and build folders left out.
    static func files(in folder: String, ending: String) -> [String] {
        let base = Checkout.root.appendingPathComponent(folder)
        guard
            let walk = FileManager.default.enumerator(
                at: base, includingPropertiesForKeys: nil, options: [.skipsHiddenFiles])
        else { return [] }
        return walk.compactMap { $0 as? URL }.map(\.path)
            .filter { $0.hasSuffix(ending) }
            .map { String($0.dropFirst(Checkout.root.path.count + 1)) }
            .sorted()
    }

    /// Names of the folders within a folder.
    static func folders(in folder: String) -> [String] {
        let base = Checkout.root.appendingPathComponent(folder).path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: base)) ?? []
        return names.filter { isFolder("\(folder)/\($0)") }.sorted()
    }

    /// The text of a file; nil where there is none.
    static func text(_ path: String) -> String? {
        try? String(contentsOf: Checkout.root.appendingPathComponent(path), encoding: .utf8)
    }

    /// The lines of a file.
    static func lines(_ path: String) -> [Substring] {
        (text(path) ?? "").split(separator: "\n", omittingEmptySubsequences: false)
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: Checkout.root.appendingPathComponent(path).path)
    }

    static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        let full = Checkout.root.appendingPathComponent(path).path
        return FileManager.default.fileExists(atPath: full, isDirectory: &isFolder)
            && isFolder.boolValue
    }

    /// Swift files of the product, not of the tests.
    static let sources = files(in: "Sources", ending: ".swift")
    /// All Swift files.
    static let allSwift =
        sources
        + ["Tests", "Benchmarks", "Fuzz"].flatMap { files(in: $0, ending: ".swift") }

    /// The code of a Swift file.
    static func code(_ path: String) -> SwiftText { codes[path] ?? SwiftText("") }

    // Read once: every test looks at all of it.
    private static let codes = Dictionary(
        uniqueKeysWithValues: allSwift.map { ($0, SwiftText(text($0) ?? "")) })
}
