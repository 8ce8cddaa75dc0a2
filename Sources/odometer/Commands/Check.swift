import API
import Foundation
import HTTPServer
import Ledger
import Metering
import Query
import Redis

extension Commands {
    private static let acl = Option(
        name: "acl", placeholder: "", value: .flag,
        help: "Print only the line for redis-cli that makes a Redis user with the rights needed.",
        source: .call)

    static let check = Command(
        path: ["check"],
        summary: "Check configuration and catalog; print what holds and where it came from.",
        details: """
            Asks neither Kafka nor Redis. Secrets are masked. Exit code 2: something is wrong.
            With --acl it prints one line, ACL SETUSER, for the user of --redis (or odometer) and the keys of
            --prefix; put a password in the place of PASSWORD.
            """,
        options: Options.configurable + [acl],
        examples: [
            ("check", "what the defaults and the environment say"),
            ("check --config /etc/odometer.yaml", "a configuration file"),
            ("check --meters my-meters/", "a catalog of one's own"),
            ("check --acl --prefix odo", "the Redis user that all commands need"),
        ],
        run: runCheck)

    private static func runCheck(_ call: borrowing Invocation) throws(CommandFailure) -> ExitCode {
        let settings = call.settings
        if settings.isOn(acl) {
            let user = try settings.redisConfiguration().user ?? "odometer"
            Output.line(ServerRights.aclLine(user: user, prefix: try settings.keyLayout().prefix))
            return .ok
        }
        printSettings(settings)
        for name in settings.unknownVariables {
            Output.line("warning: the environment variable \(name) is none of ours")
        }
        _ = try settings.redisConfiguration()
        _ = try settings.keyLayout()
        _ = try settings.kafkaConfiguration(log: call.log)
        let files = try MeterFiles.read(settings.text(Options.meters))
        let catalog = try files.catalog()
        Output.line(
            "\nCatalog: \(files.place), \(catalog.events.count) event types, "
                + "\(catalog.meters.count) meters\n")
        printMeters(catalog)
        try printMissing(catalog, try settings.keyLayout())
        return .ok
    }

    private static func printSettings(_ settings: Settings) {
        var rows = [["SETTING", "VALUE", "FROM"]]
        for option in Options.configurable where option.name != Options.kafkaProperty.name {
            guard let setting = settings.setting(option) else { continue }
            let value = setting.texts.joined(separator: ", ")
            rows.append([
                option.path ?? option.name, option.isSecret ? masked(value, of: option) : value,
                setting.origin.description,
            ])
        }
        for property in settings.kafkaProperties {
            rows.append([
                "kafka.\(property.name)", property.isSecret ? "•••" : property.value,
                property.origin.description,
            ])
        }
        Output.table(rows)
    }

    /// What the catalog lacks for the APIs; a catalog of one's own may well do without some of them.
    private static func printMissing(
        _ catalog: MeterCatalog, _ layout: KeyLayout
    ) throws(CommandFailure) {
        let engine = QueryEngine(catalog: catalog, layout: layout, clock: WallClock { 0 })
        let service: APIService
        do throws(HTTPError) {
            service = try APIService(
                engine: engine, dialects: APIService.allDialects(verifier: nil))
        } catch {
            throw CommandFailure(.defect, error.message)
        }
        if !service.missing.isEmpty { Output.line("\nRequests that this catalog cannot answer:") }
        for line in service.missing.flatMap(\.lines) { Output.line("  \(line)") }
    }

    private static func printMeters(_ catalog: MeterCatalog) {
        var rows = [["METER", "KIND", "WINDOWS", "PER", "BY", "EVENTS"]]
        for meter in catalog.meters {
            let scopes = meter.scopes.map {
                $0.isEmpty ? "organization" : $0.joined(separator: "+")
            }
            var kind = meter.kind.rawValue
            if let keep = meter.keep { kind += " \(keep.rawValue)" }
            var events: [String] = []
            for clause in meter.clauses where !events.contains(clause.event) {
                events.append(clause.event)
            }
            rows.append([
                meter.name, kind, meter.windows.map(\.name).joined(separator: " "),
                scopes.joined(separator: " "), meter.by.joined(separator: " "),
                events.joined(separator: " "),
            ])
        }
        Output.table(rows)
    }

    /// Of a URL only the password is secret.
    private static func masked(_ value: String, of option: Option) -> String {
        guard option.name == Options.redis.name else { return "•••" }
        guard let at = value.lastIndex(of: "@"), let scheme = value.range(of: "://") else {
            return value
        }
        let user = value[scheme.upperBound..<at].prefix { $0 != ":" }
        return value[..<scheme.upperBound] + user + ":•••" + value[at...]
    }
}
