import HTTPServer
import Metering
import Query

/// `POST /v1/check`: may this much more be used?
extension OperationsDialect {
    /// How long a check waits for Redis before it is answered without it.
    static let checkWait: Duration = .milliseconds(250)

    var checkRoutes: [DialectRoute] {
        [DialectRoute("check", root + "/check", method: .post, answer: check)]
    }

    private func check(_ call: borrowing Call) throws(Problem) -> Reply {
        var request: CheckRequest?
        var problem: Problem?
        do throws(Problem) {
            let found = try CheckRequest(call.request.body)
            // Requests that differ in amounts alone read the same.
            call.worker.expect(
                call.request.digest(with: [credentialHeaders], insteadOfBody: found.reads))
            request = found
        } catch { problem = error }
        call.worker.deadline = min(call.worker.deadline, .now + OperationsDialect.checkWait)
        let (credential, isAway) = try caller(call, subject: request?.subject)
        try Parameters.refuseAll(of: call.request, badStatus: 400)
        guard let request else { throw problem ?? .fault }
        let organization = try subject(of: request, credential)
        if !isAway {
            do throws(Problem) {
                return try answer(request, call, organization)
            } catch {
                guard error.status == 503 else { throw error }
                memory.noteAway(organization)
            }
        }
        return try answerAway(request, call, organization)
    }

    /// Whose request it is; keys of every role may check, because who sends events checks first.
    ///
    /// `isAway`: Redis does not answer, and the credential was valid lately.
    private func caller(
        _ call: borrowing Call, subject: [UInt8]?
    ) throws(Problem) -> (credential: Credential, isAway: Bool) {
        let secret = call.bearerToken()
        let hash = secret.flatMap { APIKey($0)?.hash }
        let known = hash.flatMap { memory.credential($0) }.flatMap { known in
            let now = call.worker.engine.clock.nanoseconds
            return known.expiresAtNanoseconds.map { now < $0 } ?? true ? known : nil
        }
        if let hash, let known, memory.isAway(subject ?? known.organization) {
            try call.charge.begin(credential: hash)
            try call.charge.enter(known.organization, credential: hash)
            return (known, true)
        }
        do throws(Problem) {
            let found = try call.requireCredential(
                secret, for: self, message: "Invalid or missing API key")
            memory.learn(found)
            return (found, false)
        } catch {
            if error.status == 401, let hash { memory.forget(credential: hash) }
            guard error.status == 503, let known else { throw error }
            memory.noteAway(subject ?? known.organization)
            return (known, true)
        }
    }

    /// The organization that is asked about: an operator names any, other keys have their own.
    private func subject(
        of request: CheckRequest, _ credential: Credential
    ) throws(Problem) -> [UInt8] {
        guard credential.role != .operator else {
            guard let subject = request.subject else {
                throw Problem(400, "An operator's key has no organization: subject is missing")
            }
            return subject
        }
        if let subject = request.subject, subject != credential.organization {
            throw Problem(403, "The key belongs to another organization than the subject")
        }
        return credential.organization
    }

    // MARK: Answers

    private static let ownMembers = ProfileMembers(["limits", "billingDay"])
    private static let planMembers = ProfileMembers(["limits"])

    /// Reads limits and numbers together, by the limits that were read last; again where Redis has
    /// others by now.
    private func answer(
        _ request: CheckRequest, _ call: borrowing Call, _ organization: [UInt8]
    ) throws(Problem) -> Reply {
        var known = memory.limits(of: organization)
        for _ in 0..<4 {
            var inquiry = call.worker.inquiry(organization)
            let own = inquiry.profile("organization", members: OperationsDialect.ownMembers)
            let plan = inquiry.profile("plan", members: OperationsDialect.planMembers)
            var held: [HeldCheck] = []
            var refusal: Problem?
            if let known {
                do throws(Problem) {
                    held = try hold(request, known, call.worker.engine, isRead: true)
                } catch { refusal = error }
            }
            let questions = held.map { $0.limits.compactMap(\.plan).map { inquiry.rows($0) } }
            let answers = try call.answer(inquiry)
            let (profile, bought) = (answers[own], answers[plan])
            let texts = KnownLimits.Texts(
                own: profile?["limits"], billingDay: profile?["billingDay"],
                plan: bought?["limits"])
            guard let current = known, current.texts == texts else {
                known = try OperationsDialect.limits(texts)
                continue
            }
            memory.learn(current, of: organization)
            if let refusal { throw refusal }
            let verdicts = zip(held, questions).map { check, questions in
                CheckVerdict(
                    check,
                    used: questions.map { question in
                        let rows = answers[question]
                        return (amount: rows.total, isExact: !rows.hasOthers)
                    })
            }
            return Reply(answers) { json in
                write(verdicts, request, answers.asOfMilliseconds, call.worker.engine, to: &json)
            }
        }
        // They changed at every look.
        throw .unavailable
    }

    private static func limits(_ texts: KnownLimits.Texts) throws(Problem) -> KnownLimits {
        do throws(UsageLimitError) {
            return try KnownLimits(texts)
        } catch {
            throw Problem(501, "The directory's limits cannot be read: \(error.text)")
        }
    }

    /// By the limits that are known from before; throws 503 where none are.
    private func answerAway(
        _ request: CheckRequest, _ call: borrowing Call, _ organization: [UInt8]
    ) throws(Problem) -> Reply {
        guard let known = memory.recentLimits(of: organization) else { throw .unavailable }
        let engine = call.worker.engine
        let held = try hold(request, known, engine, isRead: false)
        let verdicts = held.map { CheckVerdict(away: $0) }
        var json = JSONWriter()
        write(verdicts, request, nil, engine, to: &json)
        return Reply(json.bytes, asOfMilliseconds: nil, isAtomic: true)
    }

    private func hold(
        _ request: CheckRequest, _ known: KnownLimits, _ engine: QueryEngine, isRead: Bool
    ) throws(Problem) -> [HeldCheck] {
        var held: [HeldCheck] = []
        var cells = 0
        for (index, check) in request.checks.enumerated() {
            do throws(Problem) {
                let found = try HeldCheck(check, known, engine, isRead: isRead)
                cells += found.limits.reduce(0) { $0 + ($1.plan?.cells ?? 0) }
                try OperationsDialect.check(cells: cells)
                held.append(found)
            } catch {
                guard request.isList else { throw error }
                throw Problem(error.status, "checks[\(index)]: \(error.message)")
            }
        }
        return held
    }

    private static func check(cells: Int) throws(Problem) {
        do throws(QuestionError) {
            try QuestionPlan.check(cells: cells)
        } catch { throw Problem(400, error.description) }
    }

    private func write(
        _ verdicts: [CheckVerdict], _ request: CheckRequest, _ asOfMilliseconds: Int64?,
        _ engine: QueryEngine, to json: inout JSONWriter
    ) {
        let now = engine.clock.nanoseconds / 1_000_000
        guard request.isList else {
            verdicts.first?.write(
                to: &json, asOfMilliseconds: asOfMilliseconds, nowMilliseconds: now)
            return
        }
        json.object { json in
            json.array("checks") { list in
                for verdict in verdicts {
                    verdict.write(
                        to: &list, asOfMilliseconds: asOfMilliseconds, nowMilliseconds: now)
                }
            }
        }
    }
}
