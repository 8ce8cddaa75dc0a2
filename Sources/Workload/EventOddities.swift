extension EventGenerator {
    /// Writes a record that cannot be counted: malformed, with a bad field, from the future, or of
    /// a type that no catalog knows.
    mutating func fillOddity(_ now: Int64) {
        let organization = pickOrganization()
        let dice = Double(random.next() >> 11) / 9_007_199_254_740_992
        if dice < odds.oddSums[0] {
            fillMalformed(organization, eventTime(now))
        } else if dice < odds.oddSums[1] {
            fillBadField(organization, eventTime(now))
        } else if dice < odds.oddSums[2] {
            // The year 2199: in the future whenever the record is sent.
            begin(
                .tokenIssued, organization: organization,
                time: 7_226_582_400_000 + Int64(random.below(1_000_000_000)))
            putText("\"agent\":", "agent-0")
            end()
        } else {
            begin(.unknown, organization: organization, time: eventTime(now))
            putNumber("\"count\":", random.below(100))
            putText("\"note\":", "nested \\\"text\\\" \\ud83d\\ude00")
            end()
        }
    }

    private mutating func fillMalformed(_ organization: Int, _ time: Int64) {
        begin(.tokenIssued, organization: organization, time: time)
        if frame.isBinary {
            // Either the version is missing, or it is there and the value ends too early.
            frame.hasVersion = random.below(2) == 0
            if !frame.hasVersion {
                putText("\"agent\":", "agent-1")
                end()
            }
            return
        }
        let start = frame.timeEnd
        switch random.below(10) {
        case 0:
            frame.hasValue = false
            writer.truncate(to: start)
        case 1: writer.truncate(to: start)
        case 2: break  // Cut off after the envelope.
        case 3:
            replaceValue(
                "{\"specversion\":\"1.0\",\"id\":\"x\",\"source\":\"s\",\"type\":\"token.issued\"}")
        case 4: replaceValue("not JSON at all")
        case 5:
            putText("\"agent\":", "agent-1")
            end()
            writer.put(" {}")
        case 6:
            putText("\"agent\":", "agent-1")
            putText("\"agent\":", "agent-2")
            end()
        case 7:
            field("\"agent\":\"")
            writer.put(byte: 0xC3)
            writer.put(byte: 0x28)
            writer.put(byte: 0x22)
            end()
        case 8:
            putText("\"agent\":", "agent-1")
            field("\"deep\":")
            for _ in 0..<70 { writer.put(byte: 0x5B) }
            for _ in 0..<70 { writer.put(byte: 0x5D) }
            end()
        default:
            replaceValue(
                """
                {"specversion":"1.0","id":"x","source":"s","type":"token.issued",\
                "subject":"nobody","time":"2026-03-09T14:15:16","data":{"agent":"a"}}
                """)
        }
    }

    private mutating func replaceValue(_ text: StaticString) {
        writer.truncate(to: frame.timeEnd)
        writer.put(text)
    }

    private mutating func fillBadField(_ organization: Int, _ time: Int64) {
        switch random.below(6) {
        case 0:
            begin(.tokenIssued, organization: organization, time: time)
        case 1:
            begin(.dataPointsIngested, organization: organization, time: time)
            putText("\"count\":", "12")
        case 2:
            begin(.dataPointsIngested, organization: organization, time: time)
            putNumber("\"count\":", -1 - random.below(9))
        case 3:
            begin(.dataPointsIngested, organization: organization, time: time)
            putNumber("\"count\":", 9_007_199_254_740_992)
        case 4:
            begin(.consentRecorded, organization: organization, time: time)
            putText("\"consent\":", "maybe")
        default:
            begin(.tokenIssued, organization: organization, time: time)
            field("\"agent\":\"")
            for _ in 0..<257 { writer.put(byte: 0x61) }
            writer.put(byte: 0x22)
        }
        end()
    }
}
