// swift-tools-version: 6.2
import PackageDescription

/// Whether `make fuzz` builds: code that it is to explore has to count its branches, and to notice what it reads beyond an end.
let isFuzzing = Context.environment["FUZZ"] != nil
/// Whether `make simulate` builds: a release build of what tests see the inside of.
let isSimulating = Context.environment["SIMULATION"] != nil

/// Settings of every target of ours: the strict modes that keep the module table of the design true.
let strict: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ] + (Context.environment["WARNINGS_AS_ERRORS"] == nil ? [] : [.treatAllWarnings(as: .error)])
    + (isFuzzing ? [.unsafeFlags(["-sanitize=fuzzer,address", "-parse-as-library", "-O"])] : [])
    + (isSimulating ? [.unsafeFlags(["-enable-testing"])] : [])

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
/// Locks only.
///
/// The standard library's `Mutex` is invisible to the thread sanitizer on Linux, which then reports races that are
/// none.
let locks = Target.Dependency.product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let lifecycleTestKit = Target.Dependency.product(
    name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")

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
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        // What only tests use: their children. Without the trait that brings Foundation.
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2", traits: []),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    ],
    targets: [
        // The program, which acts as daemon or tool depending on its name.
        .executableTarget(name: "tprt", dependencies: ["DaemonApp", "tprtctl"], swiftSettings: strict),
        // The daemon: plan, privileges, chroot, reload; the only place where back ends and option names meet.
        .target(
            name: "DaemonApp",
            dependencies: [
                "FileCalls", "Policy", "Greylist", "Domains", "SPF", "Storage", "StoreURLs", "FileStorage", "Engine",
                "Settings", "Resolver", "Whitelists",
                "WhitelistFiles", "LogOutput", "ServiceManager", "Server", "Programs", "Control", "TrustedFiles",
                "Exposition", "Web", "History", "JSONText", "CProcess", arguments, logging, lifecycle, unixSignals,
                nioCore, nioPosix, locks, system,
            ], swiftSettings: strict),
        .target(name: "CProcess"),
        .target(name: "CMapGuard"),
        // What swift-system lacks for files: names, locks, syncs, owners, whole contents.
        .target(name: "FileCalls", dependencies: [system], swiftSettings: strict),
        // Whose rights apply where root follows a path.
        .target(name: "TrustedFiles", dependencies: ["FileCalls", "CProcess", system], swiftSettings: strict),
        // The tool for administrators.
        .target(
            name: "tprtctl",
            dependencies: [
                "Bytes", "Greylist", "Domains", "SPF", "Resolver", "Storage", "StoreURLs", "FileStorage", "Settings",
                "JSONText", "Whitelists", "WhitelistFiles", "Import", "Programs", "Control", "TrustedFiles", "CProcess",
                "FileCalls", "Policy", "Engine", "History", nioCore,
                arguments, unixSignals, locks, system,
            ], swiftSettings: strict),
        // What the programs share: opening stores and whitelists by their URL, exit statuses, directories, the clock.
        .target(
            name: "Programs",
            dependencies: [
                "FileCalls", "Greylist", "Storage", "StoreURLs", "FileStorage", "Settings", "WhitelistFiles", "Engine",
                "LMDBStore",
                "GDBMStore", "RedisStore", "TrustedFiles", "JSONText", locks, system,
            ],
            swiftSettings: strict),
        // A JSON reader that knows lines and columns.
        .target(name: "JSONText", dependencies: ["Bytes"], swiftSettings: strict),
        // The messages of the control socket.
        .target(name: "Control", dependencies: ["JSONText"], swiftSettings: strict),
        // Every option, declared once.
        .target(name: "Settings", dependencies: ["Bytes", "JSONText"], swiftSettings: strict),
        // Reading whitelists: files, directories, lists from elsewhere.
        .target(
            name: "WhitelistFiles",
            dependencies: ["FileCalls", "Bytes", "Greylist", "Whitelists", "JSONText", "TrustedFiles", locks, system],
            swiftSettings: strict),
        // Hexadecimal and decimal digits, lower case, line ends, comparison by vectors: what Policy and Greylist share.
        .target(name: "Bytes", swiftSettings: strict),
        // Request, reply, decoder, encoder.
        .target(name: "Policy", dependencies: ["Bytes", nioCore], swiftSettings: strict),
        // Addresses, envelope, judgement, wording: pure, no clock, no I/O.
        .target(name: "Greylist", dependencies: ["Bytes"], swiftSettings: strict),
        // Organisations by the public suffix list, generic names, shared identities: who a client is by names alone.
        .target(name: "Domains", dependencies: ["Bytes", "Greylist", "CPSL"], swiftSettings: strict),
        .systemLibrary(name: "CPSL", providers: [.apt(["libpsl-dev"])]),
        // Whether a host may send for a domain (RFC 7208): a value that asks questions and is resumed by answers.
        .target(name: "SPF", dependencies: ["Bytes"], swiftSettings: strict),
        // Answers and SPF outcomes for event loops: libunbound on a thread of its own, deadlines, bounds.
        .target(name: "Resolver", dependencies: ["SPF", "Bytes", "CUnbound", nioCore, locks], swiftSettings: strict),
        .systemLibrary(name: "CUnbound", providers: [.apt(["libunbound-dev"])]),
        .target(
            name: "CRE2", linkerSettings: [.linkedLibrary("re2"), .linkedLibrary("stdc++")]),
        // Conditions, and the first entry that matches.
        .target(
            name: "Whitelists", dependencies: ["Bytes", "Policy", "Greylist", "Domains", "CRE2", nioCore],
            swiftSettings: strict),
        // The `Store` protocol, lookups as data, tables, keys, bounds, the memory store.
        .target(name: "Storage", dependencies: ["Bytes", "Greylist", crypto, locks], swiftSettings: strict),
        // The URLs of stores and what they may say.
        .target(name: "StoreURLs", dependencies: ["Bytes"], swiftSettings: strict),
        // What stores in files share: the storage thread, the pending tracker, locks, markers, quarantine.
        .target(
            name: "FileStorage", dependencies: ["FileCalls", "Bytes", "Greylist", "Storage", nioPosix, locks, system],
            swiftSettings: strict),
        // Databases and whitelists of other greylisters as sources of entries.
        .target(
            name: "Import", dependencies: ["FileCalls", "Bytes", "Greylist", "Storage", "Whitelists", grdb, system],
            swiftSettings: strict),
        .systemLibrary(name: "CLMDB", providers: [.apt(["liblmdb-dev"])]),
        .systemLibrary(name: "CGDBM", providers: [.apt(["libgdbm-dev"])]),
        // `PolicyEngine`, `Decision`, `DecisionRecord` and its words.
        .target(
            name: "Engine", dependencies: ["Policy", "Greylist", "Domains", "SPF", "Whitelists", "Storage", locks],
            swiftSettings: strict),
        // Formats and destinations of log lines.
        .target(
            name: "LogOutput",
            dependencies: [
                "FileCalls", "Bytes", "Policy", "Greylist", "SPF", "Whitelists", "Storage", "Engine", "TrustedFiles",
                nioCore,
                nioPosix,
                locks,
                logging, system,
            ], swiftSettings: strict),
        // Prometheus text: a pure writer.
        .target(name: "Exposition", dependencies: ["Bytes"], swiftSettings: strict),
        // Metrics, health and the page over HTTP; what they show comes as closures.
        .target(
            name: "Web", dependencies: ["Bytes", "Exposition", "JSONText", nioCore, nioPosix, nioHTTP1, locks, crypto],
            swiftSettings: strict),
        // Cases, attempts and minutes in SQLite: what became of which mail, and why.
        .target(
            name: "History",
            dependencies: ["FileCalls", "Bytes", "Greylist", "Storage", "Engine", grdb, locks, system],
            swiftSettings: strict),
        // What systemd tells a service, and what it is told.
        .target(
            name: "ServiceManager", dependencies: ["TrustedFiles", locks, system], swiftSettings: strict),
        // Listeners, connections, pipeline, store gate, maintenance, reload, control.
        .target(
            name: "Server",
            dependencies: [
                "FileCalls", "Policy", "Greylist", "Whitelists", "Storage", "Engine", "SPF", "Resolver", "LogOutput",
                "ServiceManager", "Control", "TrustedFiles", nioCore, nioPosix, locks, logging, lifecycle, unixSignals,
                system,
            ], swiftSettings: strict),
        // The embedded store.
        .target(
            name: "LMDBStore",
            dependencies: [
                "FileCalls", "Storage", "FileStorage", "Greylist", "CLMDB", "CMapGuard", crypto, nioCore, nioPosix,
                locks, system,
            ], swiftSettings: strict),
        // The files of TPRT 0.9.3.
        .target(
            name: "GDBMStore",
            dependencies: ["FileCalls", "Bytes", "Storage", "FileStorage", "Greylist", "CGDBM", system],
            swiftSettings: strict),
        // A client for Redis and Valkey: protocol, connections, Sentinels, clusters.
        .target(
            name: "RedisClient", dependencies: [nioCore, nioPosix, nioSSL, locks], swiftSettings: strict),
        // Entries and lists in Redis.
        .target(
            name: "RedisStore",
            dependencies: [
                "FileCalls", "Storage", "StoreURLs", "RedisClient", "Greylist", "TrustedFiles", nioCore, nioPosix,
                nioSSL, locks, system,
            ], swiftSettings: strict),

        .testTarget(name: "BytesTests", dependencies: ["Bytes", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "FileCallsTests", dependencies: ["FileCalls", "TestSupport", system], swiftSettings: strict),
        .testTarget(name: "PolicyTests", dependencies: ["Policy", "TestSupport", nioCore], swiftSettings: strict),
        .testTarget(name: "GreylistTests", dependencies: ["SampleOptions", "Greylist"], swiftSettings: strict),
        .testTarget(name: "DomainsTests", dependencies: ["Greylist", "Domains"], swiftSettings: strict),
        .target(name: "SPFZones", dependencies: ["SPF"], path: "Tests/SPFZones", swiftSettings: strict),
        .testTarget(
            name: "SPFTests", dependencies: ["SPF", "SPFZones"], exclude: ["Fixtures"], swiftSettings: strict),
        .target(
            name: "ScriptedDNS", dependencies: ["TestSupport"], path: "Tests/ScriptedDNS", swiftSettings: strict),
        .testTarget(
            name: "ResolverTests",
            dependencies: ["SPF", "Resolver", "ScriptedDNS", "TestSupport", nioCore, nioEmbedded, nioPosix, locks],
            swiftSettings: strict),
        .testTarget(
            name: "WhitelistsTests", dependencies: ["Greylist", "Whitelists", "TestSupport"], swiftSettings: strict),
        .target(
            name: "StoreContract", dependencies: ["SampleOptions", "Greylist", "Storage", "Engine"],
            path: "Tests/StoreContract",
            swiftSettings: strict),
        .target(
            name: "ScenarioFiles",
            dependencies: ["SampleOptions", "Greylist", "Whitelists", "WhitelistFiles", "Storage", "Engine"],
            path: "Tests/ScenarioFiles", swiftSettings: strict),
        .testTarget(
            name: "EngineTests",
            dependencies: [
                "SampleOptions", "Policy", "Greylist", "Whitelists", "Storage", "Engine", "StoreContract",
                "ScenarioFiles", nioCore,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "StorageTests", dependencies: ["SampleOptions", "Bytes", "Greylist", "Storage", "StoreContract"],
            swiftSettings: strict),
        .testTarget(name: "StoreURLsTests", dependencies: ["StoreURLs"], swiftSettings: strict),
        .testTarget(
            name: "FileStorageTests", dependencies: ["Greylist", "Storage", "FileStorage", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ImportTests",
            dependencies: [
                "SampleOptions", "Bytes", "FileCalls", "Import", "Greylist", "Storage", "Whitelists", "TrustedFiles",
                "TestSupport",
                grdb,
                system,
            ], exclude: ["PostfixLogs"], swiftSettings: strict),
        .target(
            name: "SampleOptions", dependencies: ["Greylist", "Storage", "Engine"], path: "Tests/SampleOptions",
            swiftSettings: strict),
        .target(
            name: "TestSupport", dependencies: [subprocess, system], path: "Tests/TestSupport",
            swiftSettings: strict),
        .testTarget(name: "TestSupportTests", dependencies: ["TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "LMDBStoreTests",
            dependencies: [
                "SampleOptions", "Greylist", "Storage", "FileStorage", "StoreContract", "LMDBStore", "TestSupport",
                locks,
            ],
            exclude: ["Fixtures"], swiftSettings: strict),
        .testTarget(
            name: "GDBMStoreTests",
            dependencies: [
                "SampleOptions", "Greylist", "Storage", "StoreContract", "GDBMStore", "TestSupport", locks, system,
            ],
            swiftSettings: strict),
        .target(
            name: "RedisLab",
            dependencies: ["RedisClient", "RedisStore", "StoreURLs", "TestSupport", nioCore, nioPosix, locks],
            path: "Tests/RedisLab",
            swiftSettings: strict),
        .testTarget(
            name: "RedisClientTests",
            dependencies: [
                "RedisClient", "RedisStore", "StoreURLs", "Storage", "RedisLab", "TestSupport", nioCore, nioPosix,
                locks,
            ], swiftSettings: strict),
        .testTarget(
            name: "RedisStoreTests",
            dependencies: [
                "SampleOptions", "Greylist", "Storage", "StoreURLs", "StoreContract", "RedisClient", "RedisStore",
                "RedisLab",
                "TestSupport", nioCore, nioPosix, nioEmbedded, locks,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "LogOutputTests",
            dependencies: [
                "Bytes", "Policy", "Greylist", "SPF", "Whitelists", "Storage", "Engine", "LogOutput", "SampleOptions",
                "TestSupport", nioCore, locks, logging, system,
            ], swiftSettings: strict),
        .testTarget(name: "ExpositionTests", dependencies: ["Exposition", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "WebTests",
            dependencies: [
                "Web", "Exposition", "JSONText", "TestSupport", nioCore, nioEmbedded, nioHTTP1, nioPosix, locks,
            ], swiftSettings: strict),
        .testTarget(
            name: "HistoryTests",
            dependencies: [
                "SampleOptions", "History", "Greylist", "Policy", "Storage", "Engine", "TestSupport", nioCore, grdb,
                system,
            ], swiftSettings: strict),
        .testTarget(
            name: "ServiceManagerTests", dependencies: ["ServiceManager", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "SampleOptions", "Policy", "Greylist", "Domains", "SPF", "Resolver", "Whitelists", "Storage", "Engine",
                "LogOutput", "ServiceManager", "Server",
                "Control", "ScenarioFiles", "TestSupport", nioCore, nioEmbedded, nioPosix, locks, logging,
                lifecycle, lifecycleTestKit, unixSignals,
            ], swiftSettings: strict),
        .target(
            name: "WaitSimulation",
            dependencies: [
                "SampleOptions", "Policy", "Greylist", "Domains", "SPF", "SPFZones", "Storage", "Engine", "TestSupport",
                nioCore,
            ],
            path: "Benchmarks/Wait/Simulation", swiftSettings: strict),
        .testTarget(
            name: "WaitSimulationTests", dependencies: ["SampleOptions", "SPF", "WaitSimulation"], swiftSettings: strict
        ),
        .target(
            name: "Simulation",
            dependencies: [
                "SampleOptions", "Greylist", "Domains", "SPF", "SPFZones", "Resolver", "Storage", "FileStorage",
                "LMDBStore", "StoreURLs", "RedisClient", "RedisStore", "Engine", "LogOutput", "Server", "TestSupport",
                nioCore, nioEmbedded, logging, system,
            ], path: "Tests/Simulation",
            exclude: ["Program", "Faults", "README.md", "plant", "run"], swiftSettings: strict),
        .testTarget(name: "SimulationTests", dependencies: ["Simulation"], swiftSettings: strict),
        .testTarget(name: "JSONTextTests", dependencies: ["JSONText", "TestSupport"], swiftSettings: strict),
        .testTarget(name: "ControlTests", dependencies: ["Control"], swiftSettings: strict),
        .testTarget(
            name: "SettingsTests", dependencies: ["Settings", "JSONText"], exclude: ["Fixtures"],
            swiftSettings: strict),
        .testTarget(
            name: "WhitelistFilesTests",
            dependencies: ["WhitelistFiles", "Whitelists", "Greylist", "TestSupport", locks, system],
            swiftSettings: strict),
        .testTarget(
            name: "ProgramsTests",
            dependencies: [
                "Programs", "Settings", "Greylist", "Storage", "FileCalls", "WhitelistFiles", "TestSupport", locks,
                system,
            ], swiftSettings: strict),
        .testTarget(
            name: "DaemonAppTests",
            dependencies: [
                "DaemonApp", "Settings", "Policy", "Greylist", "Domains", "Resolver", "Storage", "StoreURLs", "Engine",
                "Exposition", "Web", "History",
                "LogOutput", "Server",
                "Programs",
                "Control", "Whitelists", "WhitelistFiles", "TestSupport", nioCore, arguments, locks, system,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "tprtctlTests",
            dependencies: [
                "SampleOptions", "tprtctl", "Control", "Domains", "Greylist", "Resolver", "JSONText", "Whitelists",
                "WhitelistFiles", "Storage", "StoreURLs", "Settings", "Programs", "LMDBStore", "Import", "Engine",
                "History", "SPFZones", "WaitSimulation",
                "Policy", nioCore, "ScriptedDNS", "TestSupport", arguments, locks,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ManualTests",
            dependencies: ["DaemonApp", "tprtctl", "Settings", "WhitelistFiles", "TestSupport", arguments],
            swiftSettings: strict),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "SampleOptions", "DaemonApp", "tprtctl", "Policy", "Greylist", "Whitelists", "Engine", "LogOutput",
                "Storage",
                "FileStorage", "LMDBStore", "SPF", "Resolver", "Import", "Exposition", "History", "JSONText",
                "RedisLab",
                "ScriptedDNS", "TestSupport",
                nioCore, system,
            ], path: "Integration",
            swiftSettings: strict),
    ],
    cxxLanguageStandard: .cxx17
)

// A check of each reader of what others wrote. `make fuzz` has libFuzzer call them with what it makes up, a test with the inputs
// that are kept; they look into modules as tests do, so no release build has them.
let fuzzTargets = [
    "Address", "Control", "DNS", "HTTP", "Import", "JSON", "Journal", "LineList", "Name", "NameList", "Policy",
    "PostfixLog", "RESP", "Record", "SPF", "Sender", "Settings", "Whitelist",
]
let besideChecks =
    ["README.md", "SPFCases"] + fuzzTargets.flatMap { ["\($0)/corpus", "\($0)/dictionary"] }
let fuzzDependencies: [Target.Dependency] = [
    "Policy", "Greylist", "Domains", "SPF", "Resolver", "Whitelists", "WhitelistFiles", "Storage", "StoreURLs",
    "LMDBStore", "GDBMStore", "RedisClient", "Engine", "SampleOptions", "LogOutput", "Web", "Server", "Control",
    "Settings", "JSONText", "Import", "Programs", "tprtctl", nioCore, nioEmbedded, nioHTTP1, crypto,
]
if isFuzzing {
    package.products.append(.library(name: "Fuzz", type: .static, targets: ["Fuzz"]))
    package.targets.append(
        .target(
            name: "Fuzz", dependencies: fuzzDependencies, path: "Fuzz", exclude: besideChecks + ["CorpusTests.swift"],
            swiftSettings: strict))
} else {
    package.targets.append(
        .testTarget(
            name: "FuzzTests", dependencies: fuzzDependencies, path: "Fuzz",
            exclude: besideChecks + ["LibFuzzer.swift"],
            swiftSettings: strict))
}

// What `make fuzz-spf` compares with another implementation.
if Context.environment["SPF_CASES"] != nil {
    package.targets.append(
        .executableTarget(
            name: "spf-cases", dependencies: ["SPF", "SPFZones"], path: "Fuzz/SPFCases", exclude: ["compare"],
            swiftSettings: strict))
}

// What `make simulate` runs.
if isSimulating {
    package.targets.append(
        .executableTarget(
            name: "simulate", dependencies: ["Simulation"], path: "Tests/Simulation/Program", swiftSettings: strict))
}

// What `Benchmarks/whitelists`, `Benchmarks/micro`, `Benchmarks/wait` and `Benchmarks/history` run.
if Context.environment["BENCHMARKS"] != nil {
    package.targets.append(.target(name: "CAllocations", path: "Benchmarks/Allocations"))
    package.targets.append(
        .executableTarget(
            name: "micro-benchmark",
            dependencies: [
                "SampleOptions", "CAllocations", "Policy", "Greylist", "Whitelists", "Storage", "Engine", "RedisClient",
                "RedisStore",
                nioCore,
            ], path: "Benchmarks/Micro", swiftSettings: strict))
    package.targets.append(
        .executableTarget(
            name: "whitelist-benchmark",
            dependencies: ["SampleOptions", "Policy", "Greylist", "Whitelists", "WhitelistFiles", nioCore],
            path: "Benchmarks/Whitelists", swiftSettings: strict))
    package.targets.append(
        .executableTarget(
            name: "history-benchmark",
            dependencies: ["SampleOptions", "Domains", "Policy", "Greylist", "Storage", "Engine", "History", nioCore],
            path: "Benchmarks/History", swiftSettings: strict))
    package.targets.append(
        .executableTarget(
            name: "wait-benchmark", dependencies: ["WaitSimulation"], path: "Benchmarks/Wait",
            exclude: ["Simulation"], swiftSettings: strict))
}
