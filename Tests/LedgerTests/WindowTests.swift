import Foundation
import Metering
import Testing

/// Windows and dates against Foundation's calendar, day by day from 1700 to 2200.
@Suite struct WindowTests {
    var calendar: Calendar {
        var calendar = Calendar(identifier: .iso8601)
        calendar.timeZone = TimeZone(identifier: "UTC") ?? .gmt
        return calendar
    }

    @Test func everyDayOfFiveCenturies() throws {
        let calendar = calendar
        let first = CivilDate(year: 1700, monthOfYear: 1, dayOfMonth: 1).dayNumber
        let last = CivilDate(year: 2200, monthOfYear: 12, dayOfMonth: 31).dayNumber
        #expect(last - first + 1 == 182_986)
        // Foundation walks month by month; within a month the days must follow one another.
        var day = first
        var month = CivilDate(day: first).month
        while day <= last {
            let start = Date(timeIntervalSince1970: Double(day) * 86_400)
            let parts = calendar.dateComponents([.year, .month, .day], from: start)
            let days = try #require(calendar.range(of: .day, in: .month, for: start)?.count)
            #expect(parts.day == 1)
            for index in 0..<Int32(days) {
                let date = CivilDate(day: day + index)
                guard date.year == Int32(parts.year ?? 0),
                    date.monthOfYear == Int32(parts.month ?? 0), date.dayOfMonth == index + 1,
                    date.dayNumber == day + index, date.month == month,
                    date.daysInMonth == Int32(days)
                else {
                    Issue.record("day \(day + index) is \(date)")
                    return
                }
            }
            #expect(CivilDate(month: month).dayNumber == day)
            #expect(Window.month.start(of: month) == Int64(day) * 86_400)
            #expect(Window.month.end(of: month) == Int64(day + Int32(days)) * 86_400)
            day += Int32(days)
            month += 1
        }
        #expect(day == last + 1)
    }

    @Test func weekdaysFollowFoundation() {
        let calendar = calendar
        for day in stride(from: Int32(-98_615), through: 84_371, by: 11) {
            let date = Date(timeIntervalSince1970: Double(day) * 86_400)
            let weekday = Int32(calendar.component(.weekday, from: date)) - 1
            #expect(CivilDate.weekday(day: day) == weekday)
        }
    }

    @Test func everySecondIsInItsWindowOnly() {
        var random = SeededGenerator(seed: 5)
        let edges: [Int64] = [0, 59, 60, 899, 900, 86_399, 86_400, 951_782_400, 4_107_542_400]
        var seconds = edges + edges.map { -$0 } + edges.map { $0 - 1 }
        seconds += (0..<20_000).map { _ in
            Int64.random(in: -8_520_336_000...7_289_654_399, using: &random)
        }
        for second in seconds {
            for window in Window.allCases {
                let number = window.number(ofSecond: second)
                #expect(window.start(of: number) <= second && second < window.end(of: number))
                if window != .all {
                    #expect(window.number(ofSecond: window.start(of: number)) == number)
                    #expect(window.number(ofSecond: window.end(of: number)) == number + 1)
                }
            }
        }
        #expect(Window.all.start(of: 0) == .min && Window.all.end(of: 0) == .max)
    }

    @Test func namesComeBack() {
        for window in Window.allCases { #expect(Window(name: window.name) == window) }
        #expect(Window(name: "week") == nil)
    }
}
