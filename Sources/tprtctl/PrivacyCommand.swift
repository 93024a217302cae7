import ArgumentParser
import FoundationEssentials
import JSONText
import Programs
import Settings
import Storage

/// `tprtctl privacy`.
struct PrivacyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "privacy", abstract: "See what is kept of whom, and look after the key of the site.",
        subcommands: [PrivacyReportCommand.self, PrivacyRotateCommand.self])
}

/// `tprtctl privacy report`.
struct PrivacyReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Say what is kept where, in which form and for how long.",
        discussion: """
            It follows from the settings; no daemon has to run. Below the table stands what is more than greylisting needs, \
            with the setting that changes it.
            """)

    @OptionGroup var settings: SettingFiles

    @Flag(help: "Print the report as JSON.")
    var json = false

    func run() throws {
        let environment = ProcessInfo.processInfo.environment
        let report = PrivacyReport(
            try settings.load(environment: environment), in: StateDirectory(environment: environment))
        try say(json ? report.json.text : report.text)
    }
}

/// `tprtctl privacy rotate`.
struct PrivacyRotateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Replace the key of the site by a new one.",
        discussion: """
            The key that was current becomes the former one, under which entries are still looked up: no sender waits for it. \
            What was the former one before is gone, and with it what is known under it alone: wait grey_max_age between two \
            rotations. Reload tprtd afterwards. Where there is no key yet, the first one is made.

            Servers that share a database get the new key in two steps: with --prepare it is looked up by, and no more; when \
            all have a copy of the file and were reloaded, the command without it makes that key the current one. Copy the \
            file again then.
            """)

    @OptionGroup var settings: SettingFiles

    @Flag(help: "Make the next key, without writing by it yet.")
    var prepare = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() throws {
        let environment = ProcessInfo.processInfo.environment
        let configuration = try settings.load(environment: environment)
        let path = StateDirectory(environment: environment).expand(configuration.service.privacyKey)
        let rotation = try KeyRotation(of: SiteKeyFile(path: path), preparing: prepare)
        if !configuration.usesSiteKey {
            note("nothing is made under this key: service.privacy is standard, and log.log_addresses isn't hashed")
        }
        try say(json ? rotation.json.text : rotation.text)
    }
}

/// What becomes of the file with the keys of the site.
struct KeyRotation {
    /// What was done.
    enum Step: String {
        case made, prepared, rotated
    }

    let step: Step
    let path: String
    private let keys: SiteKeys

    /// Makes the file, or replaces it.
    init(of file: SiteKeyFile, preparing isPreparing: Bool) throws(ProgramError) {
        path = file.path
        guard path.hasPrefix("/") else {
            throw ProgramError(
                .configuration, "service.privacy_key: \(bareOrQuoted(path)) is not an absolute path: begin it with /")
        }
        // Waits until no other one is at work here.
        let replacement = try FileReplacement(of: path)
        guard let old = try file.read() else {
            (step, keys) = (.made, SiteKeys(current: .random()))
            guard try file.make(keys) else {
                throw ProgramError(.unavailable, "\(path): it was made meanwhile: run the command again")
            }
            return
        }
        if isPreparing, old.other?.role == .next {
            throw ProgramError(
                .dataError,
                "\(path): the next key is prepared already: copy the file, reload, then run it without --prepare")
        }
        (step, keys) = isPreparing ? (.prepared, old.prepared) : (.rotated, old.rotated)
        try replacement.replace(by: keys.text)
    }

    private var sentences: [String] {
        switch step {
        case .made:
            [
                "\(path): made, with key \(keys.current.mark)", "Restart tprtd where it runs already.",
                "Servers that share the database need a copy of this file.",
            ]
        case .prepared:
            [
                "\(path): key \(keys.other?.key.mark ?? "") will be the next one; \(keys.current.mark) stays current",
                "Reload tprtd here; copy the file to the servers that share the database, and reload them.",
                "Then run tprtctl privacy rotate here.",
            ]
        case .rotated:
            [
                "\(path): key \(keys.current.mark) is current; \(keys.other?.key.mark ?? "") is the former one",
                "Reload tprtd here; copy the file to the servers that share the database, and reload them.",
            ]
        }
    }

    /// For people.
    var text: String { sentences.joined(separator: "\n") }

    /// For programs: what was done, and the marks by which keys are told apart.
    var json: JSONValue {
        .object([
            "done": .string(step.rawValue), "path": .string(path), "current": .string(keys.current.mark),
            "other": keys.other.map { other in
                .object(["key": .string(other.key.mark), "role": .string(other.role.rawValue)])
            } ?? .null,
        ])
    }
}
