// swift-tools-version: 6.2
import PackageDescription

// The Swift fuzz targets behind libFuzzer. A package of its own: only with the flags in Tests/run
// can it be linked, and nothing else needs it.
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
