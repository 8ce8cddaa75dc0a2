/// Writes metrics in the text format of Prometheus (version 0.0.4).
///
/// Call `family` once for each metric, then `sample` for its samples. Names are written as they
/// are; label values and help texts are escaped. Not safe for several threads.
public struct PrometheusText: Sendable {
    /// The type of a metric.
    public enum Kind: String, Sendable {
        /// A number that only rises.
        case counter
        /// A number that rises and falls.
        case gauge
        /// A distribution over buckets.
        case histogram
    }

    /// A label's name and value.
    public typealias Label = (name: String, value: String)

    /// The media type of the text.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// What has been written.
    public private(set) var bytes: [UInt8] = []

    /// An empty text.
    public init() {}

    /// Writes the HELP and TYPE lines of a metric.
    public mutating func family(_ name: String, _ kind: Kind, help: String) {
        append("# HELP \(name) ")
        appendEscaped(help, quotes: false)
        append("\n# TYPE \(name) \(kind.rawValue)\n")
    }

    /// Writes a sample with an integer.
    public mutating func sample(_ name: String, _ labels: [Label] = [], _ value: UInt64) {
        line(name, labels, String(value))
    }

    /// Writes a sample with an integer.
    public mutating func sample(_ name: String, _ labels: [Label] = [], _ value: Int64) {
        line(name, labels, String(value))
    }

    /// Writes a sample with a floating-point number.
    public mutating func sample(_ name: String, _ labels: [Label] = [], _ value: Double) {
        line(name, labels, PrometheusText.text(value))
    }

    /// Writes a metric with one sample.
    public mutating func counter(_ name: String, help: String, _ value: UInt64) {
        family(name, .counter, help: help)
        sample(name, [], value)
    }

    /// Writes a metric with one sample.
    public mutating func gauge(_ name: String, help: String, _ value: Double) {
        family(name, .gauge, help: help)
        sample(name, [], value)
    }

    /// Writes the lines of one histogram.
    ///
    /// `counts` has one number for each bound, not cumulative, and one for values above the last
    /// bound.
    public mutating func histogram(
        _ name: String, _ labels: [Label] = [], bounds: [Double], counts: [UInt64], sum: Double
    ) {
        precondition(counts.count == bounds.count + 1, "one count a bound and one above")
        var total: UInt64 = 0
        for (index, count) in counts.enumerated() {
            total += count
            let bound = index < bounds.count ? PrometheusText.text(bounds[index]) : "+Inf"
            line(name + "_bucket", labels + [("le", bound)], String(total))
        }
        line(name + "_sum", labels, PrometheusText.text(sum))
        line(name + "_count", labels, String(total))
    }

    private static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value.description
    }

    private mutating func line(_ name: String, _ labels: [Label], _ value: String) {
        append(name)
        for (index, label) in labels.enumerated() {
            append(index == 0 ? "{" : ",")
            append(label.name)
            append("=\"")
            appendEscaped(label.value, quotes: true)
            append("\"")
        }
        append(labels.isEmpty ? " " : "} ")
        append(value)
        append("\n")
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func appendEscaped(_ text: String, quotes: Bool) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): append("\\\\")
            case UInt8(ascii: "\n"): append("\\n")
            case UInt8(ascii: "\"") where quotes: append("\\\"")
            default: bytes.append(byte)
            }
        }
    }
}
