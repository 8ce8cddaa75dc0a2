import Foundation

/// A line plot as inline SVG, without scripts; its colours are those of `PageStyle.sheet`, which
/// has three.
public struct LinePlot {
    /// One line of the plot.
    public struct Series {
        /// Its name in the legend.
        public let name: String
        /// The points in their order; nil for y breaks the line.
        public let points: [(x: Double, y: Double?)]

        /// Makes a line of these parts.
        public init(name: String, points: [(x: Double, y: Double?)]) {
            self.name = name
            self.points = points
        }
    }

    /// How the numbers of an axis are spaced and written.
    public struct Axis {
        let isLogarithmic: Bool
        let least: Double?
        let isTime: Bool
        let ticks: [(value: Double, text: String)]?
        let text: (Double) -> String

        /// Makes an axis that spans the values that are shown.
        ///
        /// - Parameters:
        ///   - isLogarithmic: equal factors have equal distances; values must be above 0.
        ///   - least: the value at which it begins; nil: the least value shown.
        ///   - isTime: its values are seconds; ticks are at whole seconds, minutes or hours.
        ///   - ticks: its ticks; nil: at round numbers.
        ///   - text: how the number of a tick is written.
        public init(
            isLogarithmic: Bool = false, least: Double? = nil, isTime: Bool = false,
            ticks: [(value: Double, text: String)]? = nil,
            text: @escaping (Double) -> String = { LinePlot.plain($0) }
        ) {
            self.isLogarithmic = isLogarithmic
            self.least = least
            self.isTime = isTime
            self.ticks = ticks
            self.text = text
        }
    }

    private let title: String
    private let note: String
    private let x: Axis
    private let y: Axis
    private let series: [Series]

    /// Makes a plot of at most three lines; `note` says in a sentence what it shows.
    public init(
        title: String, note: String, x: Axis = Axis(), y: Axis = Axis(), series: [Series]
    ) {
        self.title = title
        self.note = note
        self.x = x
        self.y = y
        self.series = series
    }

    private static let size = (width: 720.0, height: 240.0)
    private static let frame = (left: 64.0, right: 12.0, top: 10.0, bottom: 34.0)

    /// The HTML figure with heading, legend and SVG.
    public var html: String {
        let points = series.flatMap(\.points)
        let xs = points.map(\.x)
        let ys = points.compactMap(\.y)
        let xRange = LinePlot.range(xs, x)
        let yRange = LinePlot.range(ys, y)
        var svg =
            "<svg viewBox=\"0 0 \(Int(LinePlot.size.width)) \(Int(LinePlot.size.height))\" role=\"img\" "
            + "aria-label=\"\(HTMLText.escaped(title + ". " + note))\">"
        for (value, text) in y.ticks ?? LinePlot.ticks(yRange, y) where yRange.contains(value) {
            let place = position(value, yRange, y, isVertical: true)
            svg += "<line class=grid x1=64 x2=708 y1=\(place) y2=\(place) />"
            svg +=
                "<text class=tick x=58 y=\(place) dy=4 text-anchor=end>\(HTMLText.escaped(text))</text>"
        }
        for (value, text) in x.ticks ?? LinePlot.ticks(xRange, x) where xRange.contains(value) {
            let place = position(value, xRange, x, isVertical: false)
            svg += "<line class=mark x1=\(place) x2=\(place) y1=206 y2=210 />"
            // Centred, the last text would be cut off at the edge.
            let anchor = (Double(place) ?? 0) > 680 ? "end" : "middle"
            svg +=
                "<text class=tick x=\(place) y=230 text-anchor=\(anchor)>\(HTMLText.escaped(text))</text>"
        }
        svg += "<line class=axis x1=64 x2=708 y1=206 y2=206 />"
        for (number, line) in series.enumerated() {
            svg += path(line, number + 1, xRange, yRange)
        }
        let legend = series.enumerated().map {
            "<li><i class=k\($0.offset + 1)></i>\(HTMLText.escaped($0.element.name))</li>"
        }.joined()
        return """
            <figure><figcaption><h3>\(HTMLText.escaped(title))</h3><p>\(HTMLText.escaped(note))</p>\
            <ul class=legend>\(legend)</ul></figcaption><div class=plot>\(svg)</svg></div></figure>
            """
    }

    private func path(
        _ line: Series, _ number: Int, _ xRange: ClosedRange<Double>, _ yRange: ClosedRange<Double>
    ) -> String {
        var text = ""
        var isOpen = false
        var lone = ""
        for (place, point) in line.points.enumerated() {
            guard let value = point.y else {
                isOpen = false
                continue
            }
            let at =
                "\(position(point.x, xRange, x, isVertical: false)) "
                + position(max(value, yRange.lowerBound), yRange, y, isVertical: true)
            text += (isOpen ? "L" : "M") + at
            let isLast = place + 1 == line.points.count || line.points[place + 1].y == nil
            // A line of one point would be invisible.
            if !isOpen, isLast {
                let parts = at.split(separator: " ")
                lone += "<circle class=d\(number) cx=\(parts[0]) cy=\(parts[1]) r=2.5 />"
            }
            isOpen = true
        }
        return text.isEmpty ? "" : "<path class=s\(number) d=\"\(text)\" />" + lone
    }

    /// A coordinate in the picture, with one decimal.
    private func position(
        _ value: Double, _ range: ClosedRange<Double>, _ axis: Axis, isVertical: Bool
    ) -> String {
        func scaled(_ number: Double) -> Double { axis.isLogarithmic ? log10(number) : number }
        let (low, high) = (scaled(range.lowerBound), scaled(range.upperBound))
        let share = high > low ? (scaled(value) - low) / (high - low) : 0.5
        let frame = LinePlot.frame
        let size = LinePlot.size
        let place =
            isVertical
            ? size.height - frame.bottom - share * (size.height - frame.bottom - frame.top)
            : frame.left + share * (size.width - frame.left - frame.right)
        return String(format: "%.1f", place)
    }

    /// The range that an axis spans.
    static func range(_ values: [Double], _ axis: Axis) -> ClosedRange<Double> {
        var low = axis.least ?? values.min() ?? 0
        var high = values.max() ?? 1
        if axis.isLogarithmic {
            low = max(low, 0.001)
            return low...max(high, low * 10)
        }
        if high <= low { high = low + 1 }
        return low...high * 1.02
    }

    /// Ticks at round numbers: 1, 2 or 5 times a power of ten.
    static func ticks(_ range: ClosedRange<Double>, _ axis: Axis) -> [(Double, String)] {
        if axis.isLogarithmic {
            let powers =
                Int(
                    log10(range.lowerBound).rounded(.up))...max(
                    Int(log10(range.lowerBound).rounded(.up)), Int(log10(range.upperBound)))
            return powers.map { (pow(10, Double($0)), axis.text(pow(10, Double($0)))) }
        }
        let rough = (range.upperBound - range.lowerBound) / 4
        let power = pow(10, log10(rough).rounded(.down))
        var step = ([1, 2, 5, 10].first { $0 * power >= rough } ?? 10) * power
        if axis.isTime, rough > 1 {
            let steps = [2.0, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400]
            step = steps.first { $0 >= rough } ?? (rough / 3_600).rounded(.up) * 3_600
        }
        let first = (range.lowerBound / step).rounded(.up) * step
        return stride(from: first, through: range.upperBound, by: step).map { ($0, axis.text($0)) }
    }

    /// A number without trailing zeros, short: `1.5`, `20`, `1,500`, `2 M`.
    public static func plain(_ number: Double) -> String {
        switch abs(number) {
        case 1_000_000...: trimmed(number / 1_000_000) + " M"
        case 10_000...: trimmed(number / 1_000) + " k"
        case 1_000...: ValueText.grouped(Int64(number))
        default: trimmed(number)
        }
    }

    /// Seconds as `0:30` or `1:02:00`.
    public static func clock(_ seconds: Double) -> String {
        let whole = Int(seconds)
        if seconds != Double(whole) { return trimmed(seconds) + " s" }
        let rest = ValueText.padded(whole % 60, 2)
        guard whole >= 3_600 else { return "\(whole / 60):\(rest)" }
        return "\(whole / 3_600):\(ValueText.padded(whole / 60 % 60, 2)):\(rest)"
    }

    /// Milliseconds as `0.5 ms`, `20 ms`, `5 s`.
    public static func milliseconds(_ number: Double) -> String {
        number >= 1_000 ? trimmed(number / 1_000) + " s" : trimmed(number) + " ms"
    }

    private static func trimmed(_ number: Double) -> String {
        var text = String(format: "%.3f", number)
        while text.contains("."), text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }
}
