import Foundation
import FuzzTargets
import Testing

/// What the fuzzers begin with and what they found is looked at in
/// every run, also where no fuzzer is.
@Suite struct CorpusTests {
    @Test(arguments: FuzzTargets.names)
    func everyInputOfTheCorpusIsAnsweredAsItMustBe(_ name: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fuzz/corpus/\(name)")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(files.count >= 10)
        let redis = name == "request" ? try PrivateRedis() : nil
        let target = try #require(
            try FuzzTargets.make(name, redis: redis.map { $0.directory + "/s" }))
        for file in files {
            let input = [UInt8](try Data(contentsOf: folder.appending(path: file)))
            let problem = target.problem(with: input)
            #expect(problem == nil, "\(name)/\(file)")
        }
    }
}
