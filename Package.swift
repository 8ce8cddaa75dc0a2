// swift-tools-version: 6.2
import PackageDescription

// Every C library is a system library behind a module map of our own: no pkg-config, because the
// package manager drops the -D flags that Debian's .pc files carry. The names of the -dev packages
// are in Makefile, which installs them.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// Files of a room that are not compiled: scripts/embed writes them into its sources.
let embedded = ["Ledger": ["Commit/commit.lua"]]

/// A room of the house: its name and the only other rooms that it may import.
func room(_ name: String, _ imports: String...) -> Target {
    .target(
        name: name, dependencies: imports.map { .init(stringLiteral: $0) },
        exclude: embedded[name] ?? [], swiftSettings: settings)
}

func tests(_ name: String, _ imports: String...) -> Target {
    .testTarget(
        name: name, dependencies: imports.map { .init(stringLiteral: $0) }, swiftSettings: settings)
}

let package = Package(
    name: "odometer",
    products: [
        .executable(name: "odometer", targets: ["odometer"]),
        // For Fuzz/Driver, a package of its own.
        .library(name: "FuzzTargets", targets: ["FuzzTargets"]),
    ],
    targets: [
        .systemLibrary(name: "CRdkafka"), .systemLibrary(name: "CHiredis"),
        .systemLibrary(name: "CMicroHTTPD"), .systemLibrary(name: "CYAML"),
        .systemLibrary(name: "CJWT"), .systemLibrary(name: "CCrypto"),
        .systemLibrary(name: "CSSL"),
        .systemLibrary(name: "CZlib"), .systemLibrary(name: "CZstd"),
        .systemLibrary(name: "CMalloc"), .systemLibrary(name: "CCurl"),
        .target(
            name: "CEventScan",
            cxxSettings: [.define("NDEBUG"), .unsafeFlags(["-O3"])],
            linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "CTables"),
        .target(name: "CProtoSchema", linkerSettings: [.linkedLibrary("protobuf")]),
        .target(
            name: "CRecordScan", dependencies: ["CEventScan", "CProtoSchema"],
            cxxSettings: [.define("NDEBUG"), .unsafeFlags(["-O3"])],
            linkerSettings: [.linkedLibrary("simdjson")]),

        room("Metering", "CEventScan", "CRecordScan", "CProtoSchema", "CTables"),
        room("Spelling"),
        room("Zones", "Metering", "Spelling"),
        room("Catalog", "Metering", "Spelling", "Zones", "CYAML"),
        room("Inference", "Metering"),
        room("Kafka", "CRdkafka", "CMalloc"),
        room("Redis", "CHiredis", "CSSL"),
        room("Ledger", "Metering", "Redis"),
        room("Pipeline", "Metering", "Kafka", "Redis", "Ledger"),
        room("Registry", "Metering", "CRecordScan", "CProtoSchema", "CCurl", "CSSL"),
        room("Query", "Metering", "Ledger", "Zones"),
        room("HTTPServer", "CMicroHTTPD"),
        room("Ingest", "Metering", "Kafka", "CZlib"),
        room(
            "API", "Metering", "Query", "HTTPServer", "Ingest", "Spelling", "Zones", "CJWT",
            "CCrypto"),
        room("Workload"),
        room("Replay", "Kafka", "Redis", "Workload", "CZlib", "CZstd"),
        room("Printing"),
        room("Verify", "Kafka", "Redis", "Workload", "Printing", "CYAML", "CProtoSchema"),
        room(
            "Laboratory", "Kafka", "Redis", "Ledger", "HTTPServer", "Workload", "Replay", "Verify",
            "Printing", "CCrypto"),
        .executableTarget(
            name: "odometer",
            dependencies: [
                "Metering", "Catalog", "Inference", "Kafka", "Redis", "Ledger", "Pipeline", "Query",
                "HTTPServer", "API", "Spelling", "Zones", "Workload", "Replay", "Verify",
                "Printing", "Laboratory", "CMalloc", "Registry", "Ingest",
            ],
            swiftSettings: settings),

        // `make bench` measures beside this one what exactly once costs. It counts without it, so it is
        // a program of its own and not declared as a product: `odometer` cannot do what it does.
        .executableTarget(
            name: "odometer-bench-plain",
            dependencies: [
                "Metering", "Catalog", "Kafka", "Redis", "Ledger", "Pipeline", "HTTPServer",
            ],
            path: "Benchmarks/Plain", swiftSettings: settings),
        // The stages of the way one by one, over the log or over events in memory.
        .executableTarget(
            name: "odometer-bench-stages",
            dependencies: [
                "Metering", "Catalog", "Kafka", "Ledger", "Pipeline", "CAllocationCount",
            ],
            path: "Benchmarks/Stages", swiftSettings: settings),
        // What a program that adds nothing up would send for the same events.
        .executableTarget(
            name: "odometer-bench-increments", dependencies: ["Workload", "Verify"],
            path: "Benchmarks/Increments", swiftSettings: settings),

        .target(name: "CAllocationCount", path: "Tests/CAllocationCount"),
        // What several targets of tests use: a Redis server of their own, the files of the checkout.
        .target(
            name: "TestSupport", dependencies: ["Redis"], path: "Tests/TestSupport",
            swiftSettings: settings),
        .target(
            name: "EventScanTarget", dependencies: ["CEventScan"], path: "Fuzz/EventScan"),
        .target(
            name: "RecordScanTarget", dependencies: ["CEventScan", "CRecordScan"],
            path: "Fuzz/RecordScan"),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "Metering", "Catalog", "Redis", "Ledger", "Query", "HTTPServer", "API", "Workload",
                "Verify",
            ], path: "Fuzz/Targets", swiftSettings: settings),
        tests(
            "MeteringTests", "Metering", "Catalog", "Workload", "Ledger", "Verify", "Zones",
            "CAllocationCount", "TestSupport"),
        tests("SpellingTests", "Spelling"),
        tests("InferenceTests", "Inference", "Metering", "Catalog", "Workload", "TestSupport"),
        tests("ZonesTests", "Zones", "Metering", "Verify", "Workload"),
        tests("KafkaTests", "Kafka"),
        tests("RedisTests", "Redis", "TestSupport"),
        tests("LedgerTests", "Ledger", "Redis", "Metering", "TestSupport"),
        tests(
            "PipelineTests", "Pipeline", "Ledger", "Kafka", "Metering", "Redis", "Catalog",
            "Verify",
            "TestSupport"),
        tests(
            "SimulationTests", "Pipeline", "Ledger", "Kafka", "Metering", "Redis", "Catalog",
            "TestSupport"),
        tests("HTTPServerTests", "HTTPServer", "TestSupport"),
        tests("IngestTests", "Ingest", "Metering", "Kafka", "Catalog", "CZlib", "TestSupport"),
        tests(
            "APITests", "API", "Query", "HTTPServer", "Ingest", "Ledger", "Redis", "Metering",
            "Catalog",
            "Zones", "FuzzTargets", "EventScanTarget", "RecordScanTarget", "TestSupport"),
        tests("WorkloadTests", "Workload", "Verify", "Kafka", "Redis", "TestSupport"),
        tests(
            "OdometerTests", "odometer", "API", "HTTPServer", "Ingest", "Ledger", "Metering",
            "Pipeline",
            "Replay", "Kafka", "Laboratory", "Printing", "Redis", "Verify", "Workload", "Zones",
            "TestSupport"),
        tests("RegistryTests", "Registry", "Metering"),
        tests("TidyTests", "TestSupport"),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
