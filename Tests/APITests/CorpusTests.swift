import Foundation
import FuzzTargets
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
            let problem = target.problem(
                with: try Checkout.bytes("Fuzz/corpus/\(name)/\(file)"))
            #expect(problem == nil, "\(name)/\(file)")
        }
    }
}
