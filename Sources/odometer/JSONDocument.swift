import Foundation
import Printing

extension JSONText {
    /// The document that `--json` prints: members sorted, two spaces a level.
    ///
    /// - Throws: a defect of ours where the object holds what JSON cannot say.
    static func document(_ object: Any) throws(CommandFailure) -> String {
        do {
            let data = try JSONSerialization.data(
                withJSONObject: object,
                options: [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes])
            return String(decoding: data, as: UTF8.self)
        } catch {
            throw CommandFailure(.defect, "--json: \(error)")
        }
    }
}

extension Output {
    /// One JSON document for programs.
    static func json(_ object: Any) throws(CommandFailure) { line(try JSONText.document(object)) }
}
