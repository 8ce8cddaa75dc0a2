import Spelling
import Testing

@Suite struct SuggestionTests {
    @Test(arguments: [
        ("day", "days"), ("Days", "days"), ("startDate", "start_date"), ("limits", "limit"),
        ("lmiit", "limit"), ("da", "days"), ("", nil), ("start", nil), ("ab", nil),
        (String(repeating: "x", count: 100_000), nil),
    ])
    func theNearestWordIsAtMostTwoEditsAway(word: String, nearest: String?) {
        let known = ["days", "start_date", "limit"]
        #expect(Suggestion.nearest(to: word, among: known) == nearest)
        let text = nearest.map { " (did you mean \($0)?)" } ?? ""
        #expect(Suggestion.text(for: word, among: known) == text)
    }

    @Test func aWordOfWhichNothingIsLeftIsNotSuggested() {
        #expect(Suggestion.nearest(to: "xy", among: ["ab"]) == nil)
        #expect(Suggestion.nearest(to: "ay", among: ["ab"]) == "ab")
        #expect(Suggestion.nearest(to: "a", among: []) == nil)
    }
}
