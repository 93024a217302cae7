import JSONText
import Programs
import Settings

/// What a migration found on this machine, and what is to be done; nothing is changed yet.
struct Migration {
    /// Something that was found, and what is in it.
    struct Finding {
        let place: String
        let contents: String
    }

    /// A file to write or commands to type, with the reason.
    struct Step {
        let reason: String
        let lines: [String]
    }

    /// Whom it leaves, as in `postgrey`.
    let from: String
    var findings: [Finding] = []
    var configuration = MigratedConfiguration()
    var uses: [PostfixRestrictions.Use] = []
    /// What somebody should know: a sentence each.
    var warnings: [String] = []
    /// What is left to the administrator, in its order.
    var steps: [Step] = []
    /// The arguments of `tprtctl import`; nil where there is nothing to import.
    var importing: [String]?

    /// Looks where Postfix asks a server that listens as these settings say; a Postfix that can't be asked is told of.
    mutating func findUses(of server: Configuration.Server, in postconf: Postconf) {
        do throws(ProgramError) {
            uses = try PostfixRestrictions.uses(of: server, in: postconf)
        } catch {
            warnings += error.messages
        }
        findings += uses.map { Finding(place: $0.parameter, contents: $0.found) }
        if uses.isEmpty { findings.append(Finding(place: "Postfix", contents: "no check_policy_service asks there")) }
    }

    /// The lines at the head of the configuration.
    var title: [String] {
        [
            "The configuration of tprtd, see tprt.conf(5), as tprtctl migrate \(from) made it of what it found.",
            "What isn't said here has its default. After a change: tprtd --check-config -c FILE, tprtctl reload.",
        ]
    }
}

/// What a migration came to.
struct MigrationReport {
    /// What became of the configuration.
    enum Outcome {
        /// It would be written.
        case shown
        /// It was written; the former file has that name now.
        case written(former: String?)
        /// An earlier migration wrote it, and it stays as it is.
        case kept(former: String)
    }

    let migration: Migration
    /// Where the configuration goes.
    let path: String
    let outcome: Outcome
    /// What a running daemon said of its reload.
    var reload: [String] = []
    var summary: ImportSummary?

    var text: String {
        var parts: [String] = []
        let width = migration.findings.map(\.place.count).max() ?? 0
        let found = migration.findings.map { finding in
            "  \(finding.place)\(String(repeating: " ", count: width - finding.place.count))  \(finding.contents)"
        }
        parts.append((["found:"] + found).joined(separator: "\n"))
        parts.append(configuration)
        if !reload.isEmpty { parts.append((["tprtd:"] + reload.map { "  \($0)" }).joined(separator: "\n")) }
        if let summary { parts.append("\(migration.from)'s database: \(summary.text)") }
        parts += migration.uses.map(Self.text)
        parts += migration.steps.map { step in
            (["\(step.reason):"] + step.lines.map { "    \($0)" }).joined(separator: "\n")
        }
        return parts.joined(separator: "\n\n")
    }

    private var configuration: String {
        let settings = counted(migration.configuration.count, "setting", "settings")
        switch outcome {
        case .shown:
            let lines = migration.configuration.text(migration.title).split(separator: "\n")
            return (["\(path) would be:"] + lines.map { "    \($0)" }).joined(separator: "\n")
        case .written(let former?): return "\(path): written, \(settings); the former file is \(former)"
        case .written(nil): return "\(path): written, \(settings)"
        case .kept(let former):
            return "\(path): an earlier migration wrote it (\(former) is what was there before); it stays as it is"
        }
    }

    private static func text(of use: PostfixRestrictions.Use) -> String {
        var lines = ["Postfix, \(use.parameter):"]
        if use.found == use.better {
            lines.append("  can stay: \(use.found)")
        } else {
            lines += ["  instead of: \(use.found)", "  better:     \(use.better)"]
        }
        if !use.refusesUnknownBefore { lines.append("  with reject_unlisted_recipient before it") }
        return lines.joined(separator: "\n")
    }

    /// One JSON object.
    var json: JSONValue {
        let (result, former): (String, String?) =
            switch outcome {
            case .shown: ("shown", nil)
            case .written(let former): ("written", former)
            case .kept(let former): ("kept", former)
            }
        let uses = migration.uses.map { use in
            JSONValue.object([
                "parameter": .string(use.parameter), "found": .string(use.found), "better": .string(use.better),
                "refuses_unknown_before": .bool(use.refusesUnknownBefore),
            ])
        }
        return .object([
            "from": .string(migration.from),
            "found": .array(
                migration.findings.map { .object(["place": .string($0.place), "contents": .string($0.contents)]) }),
            "configuration": .object([
                "path": .string(path), "result": .string(result), "former": former.map { .string($0) } ?? .null,
                "text": .string(migration.configuration.text(migration.title)),
            ]),
            "reload": .array(reload.map { .string($0) }), "postfix": .array(uses),
            "import": summary?.json ?? .null, "warnings": .array(migration.warnings.map { .string($0) }),
            "steps": .array(
                migration.steps.map { step in
                    .object(["reason": .string(step.reason), "lines": .array(step.lines.map { .string($0) })])
                }),
        ])
    }
}
