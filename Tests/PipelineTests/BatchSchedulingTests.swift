import Foundation
import Testing

@testable import Pipeline

@Suite(.enabled(if: sched_getscheduler(0) == 0, "started under another policy"))
struct BatchSchedulingTests {
    /// 0 is the usual policy, 3 the one for batch work.
    private func policy() -> Int32 { sched_getscheduler(0) }

    private func policyOfNewThread(_ before: @escaping @Sendable () -> Void = {}) -> Int32 {
        nonisolated(unsafe) var found: Int32 = -1
        do throws(ThreadRefusal) {
            let thread = try WorkerThread {
                before()
                found = sched_getscheduler(0)
            }
            #expect(thread.join(deadline: .max))
        } catch { Issue.record("\(error.message)") }
        return found
    }

    @Test func itIsInheritedWithinTheBodyOnly() {
        let outcome = policyOfNewThread {
            #expect(policy() == 0)
            let inside = BatchScheduling.inherited { (policy(), policyOfNewThread()) }
            #expect(inside == (3, 3))
            #expect(policy() == 0 && policyOfNewThread() == 0)
        }
        #expect(outcome == 0)
    }

    @Test func aThreadAdoptsIt() {
        #expect(policyOfNewThread { BatchScheduling.adopt() } == 3)
    }

    /// A process that was started with another policy (`chrt --idle 0 odometer …`) keeps it.
    @Test func anotherPolicyStays() {
        let outcome = policyOfNewThread {
            var parameters = sched_param(sched_priority: 0)
            guard sched_setscheduler(0, 5, &parameters) == 0 else { return }
            BatchScheduling.adopt()
            #expect(policy() == 5)
            #expect(BatchScheduling.inherited { policyOfNewThread() } == 5)
        }
        #expect(outcome == 5)
    }
}
