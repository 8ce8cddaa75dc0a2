import Ledger
import Registry

extension SchemaKeeper {
    /// Whether the place of the schemas answers, for `odometer doctor`.
    var finding: Finding {
        func finding(_ grade: Finding.Grade, _ text: String, _ remedy: String? = nil) -> Finding {
            Finding(grade, "schemas", "schemas-reach", text, remedy: remedy)
        }
        func many(_ count: Int, _ word: String) -> String {
            "\(count) \(word)\(count == 1 ? "" : "s")"
        }
        let remedy =
            "correct --schemas or its credentials; partitions wait for schemas that are not known"
        switch survey() {
        case .failed(let why):
            return finding(.error, "schemas cannot be asked for: \(place): \(why)", remedy)
        case .subjects(0), .files(0, _):
            return finding(.warning, "\(place) has no schemas", remedy)
        case .subjects(let count):
            return finding(.ok, "the registry at \(place) answers: \(many(count, "subject"))")
        case .files(let count, let unusable):
            guard let first = unusable.first else {
                return finding(.ok, "\(place) has \(many(count, "schema"))")
            }
            return finding(
                .warning,
                "\(place) has \(many(count, "schema")), of which \(unusable.count) cannot be used: "
                    + first,
                "correct these files; partitions wait for their schemas")
        }
    }
}
