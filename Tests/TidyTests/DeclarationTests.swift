import Foundation
import TestSupport
import Testing

/// What is declared is used.
@Suite struct DeclarationTests {
    /// Names that only a protocol of a library asks for.
    private static let witnesses: Set<String> = []

    @Test func noDeclarationOfTheProductIsNamedOnlyOnce() {
        var census = Census()
        for path in SourceTree.allSwift { census.read(path) }
        let dead = census.declared.filter { census.counts[$0.key] == 1 }.map(\.value)
            .filter { !Self.witnesses.contains($0.name) }
        for declaration in dead.sorted(by: { $0.path < $1.path }) {
            Issue.record("\(declaration.path): nothing uses \(declaration.name)")
        }
        // Otherwise it has looked at nothing.
        #expect(census.declared.count > 1_000)
    }

    @Test func aDeclarationThatNothingUsesIsFound() {
        var census = Census()
        let source = """
            // func used: a word of a comment is no use
            func used() { _ = Kind.first }
            enum Kind { case first; case second }
            let text = "\\(second)"
            """
        census.read(Array(source.utf8), path: "Sources/a.swift")
        let dead = census.declared.filter { census.counts[$0.key] == 1 }.map(\.value.name)
        #expect(dead.sorted() == ["text", "used"])
    }

    /// How often each word occurs, and which words the product declares.
    private struct Census {
        /// By hash: as texts the words of all sources would take seconds.
        var counts: [UInt64: Int] = [:]
        var declared: [UInt64: (name: String, path: String)] = [:]

        private static let keywords = Set(
            ["func", "var", "let", "case", "struct", "class", "enum", "protocol", "typealias"].map {
                hash(Array($0.utf8)[...])
            })

        mutating func read(_ path: String) {
            read((try? Checkout.bytes(path)) ?? [], path: path)
        }

        mutating func read(_ bytes: [UInt8], path: String) {
            let isProduct = path.hasPrefix("Sources/")
            for line in bytes.split(separator: UInt8(ascii: "\n")) {
                let code = line.drop { $0 == UInt8(ascii: " ") }
                if code.starts(with: "//".utf8) { continue }
                var previous: UInt64 = 0
                for word in code.split(whereSeparator: { !SwiftText.isWordByte($0) }) {
                    let hash = Self.hash(word)
                    counts[hash, default: 0] += 1
                    // A pattern begins with a dot, a constant of C or a number.
                    if isProduct, Self.keywords.contains(previous),
                        code[word.startIndex - 1] == UInt8(ascii: " "),
                        word.first.map({ $0 >= UInt8(ascii: "a") }) == true
                            || previous != Self.hash(Array("case".utf8)[...])
                    {
                        declared[hash] = (String(decoding: word, as: UTF8.self), path)
                    }
                    previous = hash
                }
            }
        }

        /// FNV-1a of 64 bits.
        private static func hash(_ word: ArraySlice<UInt8>) -> UInt64 {
            word.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        }
    }
}
