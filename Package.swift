// swift-tools-version: 6.2
import PackageDescription

/// Settings of every target of ours: the strict modes that keep the module table of the design true.
let strict: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ] + (Context.environment["WARNINGS_AS_ERRORS"] == nil ? [] : [.treatAllWarnings(as: .error)])

/// Whether `make fuzz` builds: code that it is to explore has to count its branches.
let isFuzzing = Context.environment["FUZZ"] != nil
let fuzzed =
    strict + (isFuzzing ? [.unsafeFlags(["-sanitize=fuzzer", "-parse-as-library", "-enable-testing"])] : [])

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
/// Locks only.
///
/// The standard library's `Mutex` is invisible to the thread sanitizer on Linux, which then reports races that are
/// none.
let locks = Target.Dependency.product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let metricsTestKit = Target.Dependency.product(name: "MetricsTestKit", package: "swift-metrics")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let lifecycleTestKit = Target.Dependency.product(
    name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")

let package = Package(
    name: "tprt",
    // One program under two names: the daemon and the tool share nearly all of their code.
    products: [
        .executable(name: "tprtd", targets: ["tprt"]),
        .executable(name: "tprtctl", targets: ["tprt"]),
    ],
    // Exact versions: what was tested is what is built. NOTICE in the package names those of the libraries that they use.
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        .executableTarget(name: "tprt", dependencies: ["tprtd", "tprtctl"], swiftSettings: strict),
        .target(
            name: "tprtd",
            dependencies: [
                "Policy", "Greylist", "Storage", "Engine", "Settings", "Whitelists", "WhitelistFiles", "Server",
                "Programs", "Control", "TrustedFiles", "CProcess", arguments, logging, metrics, lifecycle, unixSignals,
                nioCore,
                nioPosix,
                locks,
            ], swiftSettings: strict),
        .target(name: "CProcess"),
        .target(name: "CMapGuard"),
        .target(name: "TrustedFiles", dependencies: ["CProcess"], swiftSettings: strict),
        .target(
            name: "tprtctl",
            dependencies: [
                "Greylist", "Storage", "Settings", "JSONText", "Whitelists", "WhitelistFiles", "Programs", "Control",
                "TrustedFiles", "CProcess", arguments, unixSignals, locks,
            ], swiftSettings: strict),
        .target(
            name: "Programs",
            dependencies: [
                "Greylist", "Storage", "Settings", "WhitelistFiles", "LMDBStore", "GDBMStore", "RedisStore",
                "TrustedFiles", locks,
            ],
            swiftSettings: strict),
        .target(name: "JSONText", swiftSettings: strict),
        .target(name: "Control", dependencies: ["JSONText"], swiftSettings: strict),
        .target(name: "Settings", dependencies: ["JSONText"], swiftSettings: strict),
        .target(
            name: "WhitelistFiles", dependencies: ["Greylist", "Whitelists", "JSONText", "TrustedFiles", locks],
            swiftSettings: strict),
        .target(name: "Policy", dependencies: [nioCore], swiftSettings: strict),
        .target(name: "Greylist", swiftSettings: strict),
        .target(
            name: "CRE2", linkerSettings: [.linkedLibrary("re2"), .linkedLibrary("stdc++")]),
        .target(
            name: "Whitelists", dependencies: ["Policy", "Greylist", "CRE2", nioCore],
            swiftSettings: strict),
        .target(name: "Storage", dependencies: ["Greylist", crypto, locks], swiftSettings: strict),
        .systemLibrary(name: "CLMDB", providers: [.apt(["liblmdb-dev"])]),
        .systemLibrary(name: "CGDBM", providers: [.apt(["libgdbm-dev"])]),
        .target(
            name: "Engine", dependencies: ["Policy", "Greylist", "Whitelists", "Storage", locks], swiftSettings: strict),
        .target(
            name: "Server",
            dependencies: [
                "Policy", "Greylist", "Whitelists", "Storage", "Engine", "Control", "TrustedFiles", nioCore, nioPosix,
                locks,
                logging, metrics, lifecycle, unixSignals,
            ], swiftSettings: strict),
        .target(
            name: "LMDBStore",
            dependencies: ["Storage", "Greylist", "CLMDB", "CMapGuard", crypto, nioCore, nioPosix, locks],
            swiftSettings: strict),

        .target(
            name: "GDBMStore", dependencies: ["Storage", "Greylist", "CGDBM", nioPosix, locks], swiftSettings: strict),
        .target(
            name: "RedisStore",
            dependencies: ["Storage", "Greylist", "TrustedFiles", nioCore, nioPosix, nioSSL, locks],
            swiftSettings: fuzzed),

        .testTarget(name: "PolicyTests", dependencies: ["Policy", nioCore], swiftSettings: strict),
        .testTarget(name: "GreylistTests", dependencies: ["Greylist"], swiftSettings: strict),
        .testTarget(
            name: "WhitelistsTests", dependencies: ["Greylist", "Whitelists"], swiftSettings: strict),
        .target(
            name: "StoreContract", dependencies: ["Greylist", "Storage"], path: "Tests/StoreContract",
            swiftSettings: strict),
        .target(
            name: "ScenarioFiles", dependencies: ["Greylist", "Whitelists", "WhitelistFiles", "Storage", "Engine"],
            path: "Tests/ScenarioFiles", swiftSettings: strict),
        .testTarget(
            name: "EngineTests",
            dependencies: [
                "Policy", "Greylist", "Whitelists", "Storage", "Engine", "StoreContract", "ScenarioFiles", nioCore,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "StorageTests", dependencies: ["Greylist", "Storage", "StoreContract"], swiftSettings: strict),
        .testTarget(
            name: "LMDBStoreTests", dependencies: ["Greylist", "Storage", "StoreContract", "LMDBStore", locks],
            exclude: ["Fixtures"], swiftSettings: strict),
        .testTarget(
            name: "GDBMStoreTests", dependencies: ["Greylist", "Storage", "StoreContract", "GDBMStore", locks],
            swiftSettings: strict),
        .target(name: "RedisLab", path: "Tests/RedisLab", swiftSettings: strict),
        .testTarget(
            name: "RedisStoreTests",
            dependencies: ["Greylist", "Storage", "StoreContract", "RedisStore", "RedisLab", nioCore, nioPosix, locks],
            swiftSettings: strict),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "Policy", "Greylist", "Whitelists", "Storage", "Engine", "Server", "Control", "ScenarioFiles", nioCore,
                nioPosix, locks, logging, metrics, metricsTestKit, lifecycle, lifecycleTestKit, unixSignals,
            ], swiftSettings: strict),
        .testTarget(name: "JSONTextTests", dependencies: ["JSONText"], swiftSettings: strict),
        .testTarget(name: "ControlTests", dependencies: ["Control"], swiftSettings: strict),
        .testTarget(name: "SettingsTests", dependencies: ["Settings", "JSONText"], swiftSettings: strict),
        .testTarget(
            name: "WhitelistFilesTests", dependencies: ["WhitelistFiles", "Whitelists", "Greylist", locks],
            swiftSettings: strict),
        .testTarget(name: "ProgramsTests", dependencies: ["Programs", "Greylist", locks], swiftSettings: strict),
        .testTarget(
            name: "tprtdTests",
            dependencies: [
                "tprtd", "Settings", "Greylist", "Storage", "Engine", "Server", "Programs", "Control", "Whitelists",
                "WhitelistFiles", nioCore, arguments, locks,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "tprtctlTests",
            dependencies: [
                "tprtctl", "Greylist", "JSONText", "Whitelists", "WhitelistFiles", "Storage", "Settings", "Programs",
                "LMDBStore", arguments, locks,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ManualTests", dependencies: ["tprtd", "tprtctl", "Settings", "WhitelistFiles", arguments],
            swiftSettings: strict),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "tprtd", "tprtctl", "Policy", "Greylist", "Whitelists", "Engine", "Server", "Storage", "LMDBStore",
                "RedisLab",
                nioCore,
            ], path: "Integration",
            swiftSettings: strict),
    ],
    cxxLanguageStandard: .cxx17
)

if isFuzzing {
    package.products.append(.library(name: "RESPFuzz", type: .static, targets: ["RESPFuzz"]))
    package.targets.append(
        .target(
            name: "RESPFuzz", dependencies: ["Storage", "RedisStore", nioCore], path: "Fuzz/RESP", exclude: ["corpus"],
            swiftSettings: fuzzed))
}

// What `Benchmarks/whitelists` and `Benchmarks/micro` run.
if Context.environment["BENCHMARKS"] != nil {
    package.targets.append(.target(name: "CAllocations", path: "Benchmarks/Allocations"))
    package.targets.append(
        .executableTarget(
            name: "micro-benchmark",
            dependencies: [
                "CAllocations", "Policy", "Greylist", "Whitelists", "Storage", "Engine", "RedisStore", nioCore,
            ], path: "Benchmarks/Micro", swiftSettings: strict))
    package.targets.append(
        .executableTarget(
            name: "whitelist-benchmark",
            dependencies: ["Policy", "Greylist", "Whitelists", "WhitelistFiles", nioCore],
            path: "Benchmarks/Whitelists", swiftSettings: strict))
}
