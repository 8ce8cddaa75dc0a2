import API
import Dispatch
import HTTPServer
import Synchronization
import Testing

@testable import odometer

/// `/readyz` outside and on the listener for machines.
struct ReadinessTests {
    private static let reason =
        "redis connect: redis://svc-counter@10.0.0.7:6379/3: Connection refused"

    private final class Looks: Sendable {
        let count = Atomic<Int>(0)
    }

    private func worker() throws -> APIWorker {
        let settings = try Settings(options: Options.configurable, flags: [:], environment: [:]) {
            _ in []
        }
        return try MachineParts(settings, log: Log(isJSON: false, least: .error)).makeWorker()
    }

    @Test func outsideNobodyIsToldWhyAndFewLooksAnswerMany() throws {
        let looks = Looks()
        let worker = try worker()
        let pages = StatePages(trouble: { _ in
            looks.count.add(1, ordering: .relaxed)
            return Self.reason
        })
        let request = try Request(method: .get, target: Array("/readyz".utf8))
        let begin = MonotonicTime.nanoseconds()
        for _ in 0..<500 {
            let answer = try #require(pages.answer(worker, request))
            #expect(answer.status == 503)
            #expect(
                String(decoding: answer.body, as: UTF8.self)
                    == #"{"error":"Service Unavailable","message":"Not ready"}"#)
            #expect(answer.headers.contains { $0.name == "Retry-After" && $0.value == "1" })
        }
        let seconds = Int((MonotonicTime.nanoseconds() - begin) / 1_000_000_000)
        #expect((1...seconds + 1).contains(looks.count.load(ordering: .relaxed)))
    }

    @Test func theListenerForMachinesSaysWhyAtOnce() throws {
        let looks = Looks()
        let worker = try worker()
        let pages = StatePages(
            trouble: { _ in
                looks.count.add(1, ordering: .relaxed) == (1, 2) ? nil : Self.reason
            }, admin: StatePages.Admin(metrics: { [] }, troubles: { [] }))
        let request = try Request(method: .get, target: Array("/readyz".utf8))
        let first = try #require(pages.answer(worker, request))
        #expect(first.status == 503)
        #expect(String(decoding: first.body, as: UTF8.self).contains("10.0.0.7:6379"))
        let second = try #require(pages.answer(worker, request))
        #expect(second.status == 200)
        #expect(String(decoding: second.body, as: UTF8.self) == #"{"status":"ok"}"#)
    }

    @Test func anAnswerIsASecondOldAtMost() {
        let readiness = Readiness()
        let second: UInt64 = 1_000_000_000
        var isReady = true
        var looks = 0
        func ask(at time: UInt64) -> Bool {
            readiness.isReady(at: time, clock: { time }) {
                looks += 1
                return isReady
            }
        }
        #expect(ask(at: 5 * second))
        isReady = false
        #expect(ask(at: 5 * second) && ask(at: 6 * second - 1))
        #expect(looks == 1)
        #expect(!ask(at: 6 * second))
        isReady = true
        #expect(!ask(at: 7 * second - 1))
        #expect(looks == 2)
        #expect(ask(at: 7 * second))
        // Somebody who waited while that look was made.
        #expect(ask(at: 7 * second - 5))
        #expect(looks == 3)
    }

    @Test func oneLooksTheOthersWaitForIt() {
        let readiness = Readiness()
        let looks = Looks()
        DispatchQueue.concurrentPerform(iterations: 32) { _ in
            let isReady = readiness.isReady(at: 1, clock: { 2 }) {
                looks.count.add(1, ordering: .relaxed)
                return true
            }
            #expect(isReady)
        }
        #expect(looks.count.load(ordering: .relaxed) == 1)
    }

    @Test func whoCameLateInALongLookSharesWhatItFound() {
        let readiness = Readiness()
        let second: UInt64 = 1_000_000_000
        var looks = 0
        // A look from 5 s to 8 s; these came while it was made.
        for time in [5 * second, 6 * second, 7 * second, 8 * second - 1, 9 * second - 1] {
            let isReady = readiness.isReady(at: time, clock: { 8 * second }) {
                looks += 1
                return true
            }
            #expect(isReady)
        }
        #expect(looks == 1)
        _ = readiness.isReady(at: 9 * second, clock: { 9 * second }) {
            looks += 1
            return true
        }
        #expect(looks == 2)
    }
}
