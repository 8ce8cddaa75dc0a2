// swift-tools-version: 6.2
import PackageDescription

// Runs the Swift fuzz targets with libFuzzer. A package of its own, because it can be linked only
// with the flags in Tests/run.
let package = Package(
    name: "fuzz-driver",
    dependencies: [.package(name: "odometer", path: "../..")],
    targets: [
        .executableTarget(
            name: "fuzz", dependencies: [.product(name: "FuzzTargets", package: "odometer")],
            path: ".", exclude: [], sources: ["Driver.swift"],
            // libFuzzer is written in C++.
            linkerSettings: [.linkedLibrary("stdc++")])
    ],
    swiftLanguageModes: [.v6]
)
