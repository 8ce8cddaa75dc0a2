import HTTPServer
import Testing

@Suite struct MetricsTests {
    private func lines(_ text: PrometheusText) -> [String] {
        String(decoding: text.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test func labelsAndHelpAreEscaped() {
        var text = PrometheusText()
        text.family("a", .gauge, help: "one\\two\n\"three\"")
        text.sample("a", [("x", "b\\\"\n"), ("y", "é")], Int64(-1))
        text.sample("a", [], Double.infinity)
        text.sample("a", [], -Double.infinity)
        text.sample("a", [], Double.nan)
        text.sample("a", [], 0.25)
        text.counter("c", help: "h", 3)
        text.gauge("g", help: "h", 1.5)
        #expect(
            lines(text) == [
                #"# HELP a one\\two\n"three""#, "# TYPE a gauge",
                #"a{x="b\\\"\n",y="é"} -1"#, "a +Inf", "a -Inf", "a NaN", "a 0.25",
                "# HELP c h", "# TYPE c counter", "c 3",
                "# HELP g h", "# TYPE g gauge", "g 1.5",
            ])
    }

    @Test func requestsAreCountedByRouteAndStatus() {
        let metrics = RequestMetrics(routes: ["overview", "usage"])
        metrics.record(route: 0, status: 200, nanoseconds: 500_000)
        metrics.record(route: 0, status: 200, nanoseconds: 500_001)
        metrics.record(route: 0, status: 404, nanoseconds: 2_000_000_000)
        metrics.record(route: nil, status: 404, nanoseconds: 1)
        metrics.record(route: 9, status: 999, nanoseconds: 1)
        var text = PrometheusText()
        metrics.write(to: &text)
        let lines = lines(text)
        let total = "odometer_http_requests_total"
        let duration = "odometer_http_request_duration_seconds"
        #expect(lines.contains("# TYPE \(total) counter"))
        #expect(lines.contains(#"\#(total){route="overview",status="200"} 2"#))
        #expect(lines.contains(#"\#(total){route="overview",status="404"} 1"#))
        #expect(lines.contains(#"\#(total){route="unmatched",status="404"} 1"#))
        #expect(lines.contains(#"\#(total){route="unmatched",status="500"} 1"#))
        #expect(!lines.contains { $0.contains("usage") })
        #expect(lines.contains(#"\#(duration)_bucket{route="overview",le="0.0005"} 1"#))
        #expect(lines.contains(#"\#(duration)_bucket{route="overview",le="0.001"} 2"#))
        #expect(lines.contains(#"\#(duration)_bucket{route="overview",le="1.0"} 2"#))
        #expect(lines.contains(#"\#(duration)_bucket{route="overview",le="+Inf"} 3"#))
        #expect(lines.contains(#"\#(duration)_sum{route="overview"} 2.001000001"#))
        #expect(lines.contains(#"\#(duration)_count{route="overview"} 3"#))
    }
}
