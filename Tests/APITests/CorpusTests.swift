import EventScanTarget
import Foundation
import FuzzTargets
import RecordScanTarget
import TestSupport
import Testing

/// What the fuzzers begin with and what they found is looked at in
/// every run, also where no fuzzer is.
@Suite struct CorpusTests {
    @Test(arguments: FuzzTargets.names)
    func everyInputOfTheCorpusIsAnsweredAsItMustBe(_ name: String) throws {
        let files = try Checkout.files(in: "Fuzz/corpus/\(name)")
        #expect(files.count >= 10)
        let redis = name == "request" ? try TestRedis() : nil
        let target = try #require(
            try FuzzTargets.make(name, redis: redis.map { $0.socket }))
        for file in files {
            let finding = target.finding(
                for: try Checkout.bytes("Fuzz/corpus/\(name)/\(file)"))
            #expect(finding == nil, "\(name)/\(file)")
        }
    }

    @Test func everyTextOfTheScannersCorpusIsScannedTheSameInAllWays() throws {
        let folder = "Fuzz/corpus/event_scan"
        let named = try Checkout.files(in: folder).map { try Checkout.bytes("\(folder)/\($0)") }
        let packed = try Self.unpack(Checkout.bytes(folder + ".packed"))
        #expect(named.count >= 10)
        #expect(packed.count >= 300)
        for text in named + packed {
            let finding = event_scan_finding(text, text.count).map { String(cString: $0) }
            #expect(finding == nil, "\(String(decoding: text, as: UTF8.self).debugDescription)")
        }
    }

    @Test func everyRecordOfTheReadersCorpusIsReadTheSameByAll() throws {
        let folder = "Fuzz/corpus/record_scan"
        let files = try Checkout.files(in: folder)
        #expect(files.count >= 10)
        for file in files {
            let bytes = try Checkout.bytes("\(folder)/\(file)")
            let finding = record_scan_finding(bytes, bytes.count).map { String(cString: $0) }
            #expect(finding == nil, "\(file)")
        }
    }

    /// The inputs of a file that `Fuzz/pack` wrote: a length, a line
    /// break, so many bytes, a line break.
    private static func unpack(_ bytes: [UInt8]) throws -> [[UInt8]] {
        var inputs: [[UInt8]] = []
        var rest = bytes[...]
        while let lineBreak = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let count = try #require(Int(String(decoding: rest[..<lineBreak], as: UTF8.self)))
            let input = rest[(lineBreak + 1)...].prefix(count)
            try #require(input.count == count)
            inputs.append(Array(input))
            rest = rest[(input.endIndex + 1)...]
        }
        try #require(rest.isEmpty)
        return inputs
    }
}
