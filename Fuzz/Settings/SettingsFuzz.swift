import JSONText
import Programs
import StoreURLs

@testable import Settings
@testable import tprtctl

/// What sets up the daemon: the first byte says what the rest is.
///
/// What a configuration says, written down, says the same; so does a value by itself. What is wrong is said in one line each. A
/// command line of postgrey makes settings, or says why not.
@Sendable func checkSettings(_ input: [UInt8]) throws(BrokenPromise) {
    guard let kind = input.first else { return }
    let bytes = Array(input.dropFirst())
    let text = String(decoding: bytes, as: UTF8.self)
    switch kind % 6 {
    case 0: try checkFile(bytes)
    case 1: try checkInjections(lines(of: bytes).map { String(decoding: $0, as: UTF8.self) })
    case 2: try checkValues(text)
    case 3: try checkURL(text)
    case 4: try checkPostgrey(lines(of: bytes).map { String(decoding: $0, as: UTF8.self) })
    default: try checkVariables(text)
    }
}

private func checkFile(_ bytes: [UInt8]) throws(BrokenPromise) {
    let file = ConfigurationFile(path: "tprt.conf", bytes: bytes)
    try check(Result { () throws(SettingErrors) in try Configuration.load(files: [file]) })
}

private func checkInjections(_ injections: [String]) throws(BrokenPromise) {
    try check(Result { () throws(SettingErrors) in try Configuration.load(injections: injections) })
}

private func check(_ loading: Result<LoadedConfiguration, SettingErrors>) throws(BrokenPromise) {
    switch loading {
    case .success(let loaded): try checkPrinting(of: loaded)
    case .failure(let errors): for error in errors.errors { try checkLine(error.description) }
    }
}

private func checkPrinting(of loaded: LoadedConfiguration) throws(BrokenPromise) {
    let text = loaded.printedJSON(revealingSecrets: true)
    let file = ConfigurationFile(path: "again", bytes: Array(text.utf8))
    let again = try? Configuration.load(files: [file]).configuration
    try expect(again == loaded.configuration, "read back otherwise: \(text)")
    for line in loaded.printed().split(separator: "\n") { try checkLine(String(line)) }
}

private func checkValues(_ text: String) throws(BrokenPromise) {
    try check(ByteSize.self, text)
    try check(Duration.self, text)
    try check(SocketMode.self, text)
    try check(Int.self, text)
    try check(Bool.self, text)
    try check([String].self, text)
    try check(JSONValue.self, text)
}

/// A value that is read of a text is the same by what is written of it, as text and as JSON.
private func check<Value: SettingValue>(_ type: Value.Type, _ text: String) throws(BrokenPromise) {
    switch Result(catching: { () throws(ValueError) in try Value(text: text) }) {
    case .success(let value):
        try expect((try? Value(text: value.text)) == value, "\(type): \(text) is written as \(value.text)")
        try expect((try? Value(json: value.json)) == value, "\(type): \(text) is written as \(value.json.text)")
    case .failure(let error): try checkLine(error.description)
    }
}

/// What a log says of a store's place, without login and options, is a place, too, and the same.
private func checkURL(_ url: String) throws(BrokenPromise) {
    switch Result(catching: { () throws(StoreURLError) in try StoreLocation(url: url) }) {
    case .success(.redis(let location)) where !url.contains("%"):
        guard case .redis(let other)? = try? StoreLocation(url: location.description) else {
            throw BrokenPromise(description: "\(location) is no place")
        }
        try expect(other.servers == location.servers && other.database == location.database, "\(location) is \(other)")
    case .success: break
    case .failure(let error): try expect(!error.description.isEmpty, "no reason")
    }
}

private func checkPostgrey(_ words: [String]) throws(BrokenPromise) {
    let host = PostgreySettings.Host(
        isRoot: true, text: nil, listDirectory: "/etc/postgrey", copyDirectory: "/var/lib/tprt", database: nil,
        controlSocket: nil, exists: { $0.count.isMultiple(of: 2) })
    let reading = Result { () throws(PostgreyCommandLine.ParseError) in
        try PostgreySettings(PostgreyCommandLine(words), on: host)
    }
    switch reading {
    case .success(let settings):
        for assignment in settings.assignments {
            try expect(Configuration.field(assignment.key) != nil, "no such setting: \(assignment.key)")
        }
        try check(Result { () throws(SettingErrors) in try Configuration.load(flags: settings.assignments) })
    case .failure(let error): try expect(!error.message.isEmpty, "no reason")
    }
}

private func checkVariables(_ text: String) throws(BrokenPromise) {
    switch Result(catching: { () throws(ShellVariables.ParseError) in try ShellVariables(text) }) {
    case .success(let variables):
        let written = variables.settings.map { name, setting in
            let parts = setting.value.split(separator: "'", omittingEmptySubsequences: false)
            return "\(name)='\(parts.joined(separator: "'\\''"))'\n"
        }.joined()
        let again = (try? ShellVariables(written))?.settings.mapValues(\.value)
        try expect(again == variables.settings.mapValues(\.value), "\(written) is read back as \(again ?? [:])")
    case .failure(let error): try expect(error.line >= 1, "a fault in line \(error.line)")
    }
}

private func checkLine(_ text: String) throws(BrokenPromise) {
    try expect(!text.unicodeScalars.contains(where: breaksLine), "not on one line: \(text)")
}
