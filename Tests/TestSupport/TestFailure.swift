/// Why a test cannot go on.
package struct TestFailure: Error {
    package let text: String

    package init(_ text: String) { self.text = text }
}
