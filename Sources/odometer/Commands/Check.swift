import API
import Ledger
import Metering
import Printing
import Redis

extension Commands {
    private static let acl = Option(
        name: "acl", placeholder: "", value: .flag,
        help: "Print only the line for redis-cli that makes a Redis user with the rights needed.",
        source: .call)

    private static let example = Option(
        name: "example", placeholder: "NAME",
        value: .choice(ForeignFormats.all.map(\.name).sorted()),
        help:
            "Print only a catalog for topics of another producer, with a sample and what it counts.",
        source: .call)

    static let check = Command(
        path: ["check"],
        summary:
            "Check configuration and catalog; print the values in effect and where each came from.",
        details: """
            Asks neither Kafka nor Redis. Secrets are masked. Exit code 2: something is wrong that run, serve
            or up would refuse before they ask anybody.
            With --acl it prints one line, ACL SETUSER, for the user of --redis (or odometer) and the keys of
            --prefix; put a password in the place of PASSWORD. In a cluster each node needs it.
            With --example it prints a catalog file for a topic that something else writes; records and the
            cells that they count follow as comments.
            """,
        options: Options.configurable + [acl, example],
        examples: [
            ("check", "what the defaults and the environment say"),
            ("check --config /etc/odometer.yaml", "a configuration file"),
            ("check --meters my-meters/", "a catalog of one's own"),
            ("check --example nginx", "a catalog to begin with: that of nginx's access log"),
            ("check --acl --prefix odo", "the Redis user that all commands need"),
        ],
        run: runCheck)

    private static func runCheck(_ call: borrowing Invocation) throws(CommandFailure) -> ExitCode {
        let settings = call.settings
        if settings.isOn(acl) {
            let redis = try settings.redisAddress()
            Output.line(
                ServerRights.aclLine(
                    user: redis.user ?? "odometer", prefix: try settings.keyLayout().prefix,
                    isCluster: redis.cluster != nil))
            return .ok
        }
        if let name = settings.text(example) {
            printExample(name)
            return .ok
        }
        printSettings(settings)
        // Made as for `up`, but not started: what run, serve or up would refuse is refused here.
        let machine = try Machine(settings, [.counting, .answering], log: call.log)
        let catalog = machine.parts.catalog
        Output.line(
            "\nCatalog: \(try MeterFiles.read(settings.text(Options.meters)).origin), "
                + "\(catalog.events.count) event types, \(catalog.meters.count) meters\n")
        printMeters(catalog)
        try printEvents(catalog)
        printDecimals(catalog)
        printAcross(catalog)
        try printRecords(catalog, settings)
        printWindows(span: Int64(settings.integer(Options.dedupeWindow)))
        Output.line("\n" + ZoneRules.line)
        printZones(catalog)
        if let warning = ZoneRules.warning { call.log.warning(warning) }
        printMissing(machine.answering?.service.missing ?? [])
        return .ok
    }

    /// A catalog of one's own has hardly any of what the published requests need.
    private static func printMissing(_ missing: [MissingMeters]) {
        let lines = missing.flatMap(\.lines)
        guard let first = lines.first else { return }
        if lines.count > 12 {
            Output.line(
                "\nThe published requests need \(lines.count) meters that this catalog does not "
                    + "have (\(first)).\n/v1/meters/METER answers each meter above.")
            return
        }
        Output.line("\nRequests that this catalog cannot answer:")
        for line in lines { Output.line("  \(line)") }
    }

    private static func printSettings(_ settings: Settings) {
        var rows = [["SETTING", "VALUE", "FROM"]]
        for option in Options.configurable where option.name != Options.kafkaProperty.name {
            guard let setting = settings.setting(option) else { continue }
            let value = setting.texts.joined(separator: ", ")
            rows.append([
                option.path ?? option.name, option.isSecret ? masked(option, in: settings) : value,
                setting.source.description,
            ])
        }
        for property in settings.kafkaProperties {
            rows.append([
                "kafka.\(property.name)", property.isSecret ? "•••" : property.value,
                property.source.description,
            ])
        }
        Output.table(rows)
    }

    /// How many partitions there are only Kafka knows.
    private static func printWindows(span: Int64) {
        let each = Double(SeenWindow.fullByteCount(span: span))
        let examples = [4, 64, 256].map { "\($0) partitions \(bytes(Double($0) * each))" }
        Output.line(
            "\nWindows of ids, once full: \(bytes(each)) a partition, "
                + "\(examples.joined(separator: ", "))")
    }

    /// Redis' URL without its password, in whichever form it was written; dots for other secrets.
    private static func masked(_ option: Option, in settings: Settings) -> String {
        guard option.name == Options.redis.name else { return "•••" }
        return (try? settings.redisAddress())?.description ?? "•••"
    }
}
