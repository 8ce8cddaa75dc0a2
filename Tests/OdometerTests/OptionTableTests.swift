import API
import Foundation
import HTTPServer
import Printing
import TestSupport
import Testing

@testable import odometer

/// The table of settings in docs/OPERATIONS.md says what the options are declared with.
struct OptionTableTests {
    /// One line of the table; several options may share it.
    private struct Row {
        let names: [String]
        let paths: [String]
        let standard: String
        let meaning: String
    }

    /// Defaults that depend on the machine or on other settings, and how the table words them.
    private static let wordedDefaults = [
        "group": "`odometer-PREFIX`", "lanes": "cores", "meters": "built in",
        "organization-requests": "¾ of the threads; below 4 threads 0",
    ]

    private static func rows() throws -> [Row] {
        let text = try Checkout.text("docs/OPERATIONS.md")
        return text.split(separator: "\n").filter { $0.hasPrefix("| `--") }.map { line in
            let cells = line.split(separator: "|").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            return Row(
                names: quoted(cells[0]).map { String($0.dropFirst(2)) }, paths: quoted(cells[1]),
                standard: cells[2], meaning: cells[3])
        }
    }

    /// The texts between backticks.
    private static func quoted(_ text: String) -> [String] {
        text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }

    private static let listed = Options.configurable.filter { $0.source != .environment }

    /// Numbers of the table's texts, and of the paragraph below it, that no option sets.
    @Test func fixedLimitsStandThereAsTheyAre() throws {
        let text = try Checkout.text("docs/OPERATIONS.md")
        let server = ServerConfiguration()
        func grouped(_ number: Int) -> String { ValueText.grouped(Int64(number)) }
        #expect(
            text.contains(
                "HTTP: \(grouped(server.connectionLimit)) connections, "
                    + "\(server.idleTimeoutSeconds) s idle, \(server.requestTimeoutSeconds) s a "
                    + "request, \(server.maxBodyBytes / 1_024) KiB body"))
        #expect(
            text.contains(
                "every \(grouped(RequestLimits.commandsPerUnit)) commands to Redis that it needs, or "
                    + "\(grouped(RequestLimits.membersPerUnit)) members of tables"))
    }

    @Test func theTableListsEveryOption() throws {
        let names = try Self.rows().flatMap(\.names)
        let expected = Self.listed.map(\.name) + [Options.acceptContract.name]
        #expect(Set(names) == Set(expected) && names.count == expected.count)
    }

    @Test(arguments: listed.map(\.name))
    func anOptionStandsThereAsItIsDeclared(_ name: String) throws {
        let option = try #require(Self.listed.first { $0.name == name })
        let row = try #require(try Self.rows().first { $0.names.contains(name) })
        let index = try #require(row.names.firstIndex(of: name))

        let parts = try #require(option.path).split(separator: ".", maxSplits: 1)
        #expect(row.paths[index] == parts.joined(separator: ": "))

        let standard = Self.wordedDefaults[name] ?? option.standard.map { "`\($0)`" } ?? "–"
        #expect(row.standard == standard)

        switch option.value {
        case .integer(let range):
            let ends = [range.lowerBound, range.upperBound].map { ValueText.grouped(Int64($0)) }
            #expect(row.meaning.holds(ends.joined(separator: "–")))
        case .duration(let range):
            let ends = [range.lowerBound, range.upperBound].map(ValueText.duration)
            #expect(row.meaning.holds(ends.joined(separator: "–")))
        case .choice(let choices):
            let words = Self.quoted(row.standard) + Self.quoted(row.meaning)
            #expect(Set(choices).isSubset(of: words))
        case .flag, .text, .moment, .address, .network: break
        }
    }
}

extension String {
    /// Whether the text has a range by itself, not as a part of another number.
    fileprivate func holds(_ range: String) -> Bool {
        [" ", ";", ":", ","].contains { (" " + self + " ").contains(" \(range)\($0)") }
    }
}
