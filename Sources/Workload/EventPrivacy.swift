extension EventGenerator {
    private static var browsers: [StaticString] {
        ["Chrome", "Safari", "Firefox", "Edge", "Samsung Internet"]
    }
    private static var systems: [StaticString] { ["Windows", "Android", "iOS", "macOS", "Linux"] }
    private static var countries: [StaticString] {
        ["DE", "US", "FR", "GB", "PL", "NL", "ES", "IT", "SE", "JP"]
    }
    private static var categories: [StaticString] {
        ["\"analytics\":", "\"marketing\":", "\"functional\":", "\"personal: {x}\":"]
    }
    private static var requestTypes: [StaticString] {
        ["access", "erasure", "rectification", "portability"]
    }
    private static var statuses: [StaticString] {
        ["received", "in_progress", "waiting_for_user", "completed", "rejected"]
    }

    mutating func fillConsent(_ organization: Int, _ now: Int64) {
        begin(.consentRecorded, organization: organization, time: eventTime(now))
        let kind = random.below(10)
        putText("\"consent\":", kind < 5 ? "full" : kind < 8 ? "partial" : "none")
        if random.below(20) != 0 { putUser(random.below(population.users)) }
        putText("\"browser\":", Self.browsers[random.skewed(5)])
        if random.below(10) != 0 { putText("\"os\":", Self.systems[random.skewed(5)]) }
        if random.below(10) != 0 { putText("\"country\":", Self.countries[random.skewed(10)]) }
        if random.below(8) != 0 { putProject(random.skewed(population.projects)) }
        if random.below(6) != 0 {
            field("\"categories\":{")
            isFirstField = true
            for category in 0..<1 + random.below(4) {
                let isGranted = kind < 5 || (kind < 8 && category & 1 == 0)
                putText(Self.categories[category], isGranted ? "granted" : "denied")
            }
            writer.put(byte: 0x7D)
            isFirstField = false
        }
        end()
    }

    mutating func fillCompliance(_ organization: Int, _ now: Int64) {
        guard
            requests.count > profile.openRequests / 2 || (random.below(3) > 0 && !requests.isEmpty)
        else { return createRequest(organization, now) }
        if random.below(4) == 0, requests.count < profile.openRequests {
            return createRequest(organization, now)
        }
        let slot = random.below(requests.count)
        let request = requests[slot]
        let time = max(eventTime(now), request.createdAtMilliseconds)
        if request.status >= 3 {
            begin(.complianceResolved, organization: request.organization, time: time)
            putRequest(request)
            putNumber("\"resolutionSeconds\":", Int((time - request.createdAtMilliseconds) / 1_000))
            putOrigin(request)
            end()
            requests[slot] = requests[requests.count - 1]
            requests.removeLast()
        } else {
            let next = request.status == 0 ? 1 : request.status == 2 ? 1 : 2 + random.below(3)
            begin(.complianceStatusChanged, organization: request.organization, time: time)
            putRequest(request)
            field("\"createdAt\":\"")
            writer.put(milliseconds: request.createdAtMilliseconds)
            writer.put(byte: 0x22)
            putText("\"from\":", Self.statuses[request.status])
            putText("\"to\":", Self.statuses[next])
            putOrigin(request)
            end()
            requests[slot].status = next
        }
    }

    private mutating func createRequest(_ organization: Int, _ now: Int64) {
        let hasProject = random.below(8) != 0
        let request = OpenRequest(
            organization: organization, serial: serial, type: random.skewed(4), status: 0,
            country: random.skewed(12),
            project: hasProject ? random.skewed(population.projects) : -1,
            createdAtMilliseconds: eventTime(now))
        begin(.complianceCreated, organization: organization, time: request.createdAtMilliseconds)
        putRequest(request)
        putText("\"status\":", Self.statuses[0])
        putOrigin(request)
        end()
        requests.append(request)
    }

    private mutating func putRequest(_ request: OpenRequest) {
        field("\"requestId\":\"r-")
        writer.put(decimal: request.serial)
        writer.put(byte: 0x22)
        putText("\"type\":", Self.requestTypes[request.type])
    }

    private mutating func putOrigin(_ request: OpenRequest) {
        if request.country < 10 { putText("\"country\":", Self.countries[request.country]) }
        if request.project >= 0 { putProject(request.project) }
    }
}
