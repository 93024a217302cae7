import JSONText
import Settings
import Testing

@Suite("Every setting is declared once")
struct DeclarationTests {
    @Test("every stored property of a section has a field of its name, and no field is without one")
    func everyPropertyHasAField() {
        let defaults = Configuration()
        for (section, value) in [
            ("log", defaults.log as Any), ("server", defaults.server), ("service", defaults.service),
        ] {
            let properties = Mirror(reflecting: value).children.compactMap(\.label)
            let names = Configuration.fields.filter { $0.section == section }.map { camelCase($0.name) }
            #expect(Set(properties) == Set(names), "section \(section)")
            #expect(properties.count == names.count, "section \(section)")
        }
        #expect(Mirror(reflecting: defaults).children.compactMap(\.label) == Configuration.sections)
    }

    @Test("keys, flags and environment names are unique")
    func namesAreUnique() {
        let fields = Configuration.fields
        #expect(Set(fields.map(\.key)).count == fields.count)
        #expect(Set(fields.map(\.environmentName)).count == fields.count)
        let flags = fields.compactMap(\.flag)
        #expect(Set(flags.map(\.long)).count == flags.count)
        #expect(flags.compactMap(\.short) == ["l"])
    }

    @Test("the flags are those of TPRT 0.9.3")
    func flagsOfTheOriginal() {
        let flags = Configuration.fields.compactMap { field in field.flag.map { "--\($0.long) \(field.key)" } }
        let same = [
            "log.log_type", "log.log_level", "log.log_file", "log.log_facility", "log.log_syslog_dest",
            "server.socket_type", "server.socket_mode", "server.socket_path", "server.socket_listen_host",
            "server.socket_listen_port", "server.daemonize", "server.chroot", "server.chroot_dir", "server.user",
            "server.group", "server.pid_file_path", "service.grey_db", "service.awl_client_count", "service.awl_db",
            "service.wl_sources",
        ].map { key in "--\(key.split(separator: ".")[1]) \(key)" }
        #expect(Set(flags) == Set(same + ["--hostname service.grey_hostname", "--delay service.grey_delay"]))
    }

    @Test("every summary is a sentence, and every default is allowed", arguments: Configuration.fields)
    func declarationIsSound(field: Field) throws {
        #expect(field.summary.hasSuffix("."))
        #expect(field.discussion.isEmpty || field.discussion.hasSuffix("."))
        let defaults = Configuration()
        var copy = defaults
        try field.apply(.json(field.json(in: defaults)), to: &copy)
        try field.apply(.text(field.text(in: defaults)), to: &copy)
        #expect(copy == defaults)
    }

    @Test("the example file says nothing, and uncommented it says the defaults")
    func exampleReadsBack() throws {
        let example = Configuration.exampleFile()
        let silent = try Configuration.load(files: [file(example)])
        #expect(silent == LoadedConfiguration())

        let lines = example.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let text = line.drop { $0 == " " }
            return text.hasPrefix("//\"") ? String(text.dropFirst(2)) : String(line)
        }
        let loud = try Configuration.load(files: [file(lines.joined(separator: "\n"))])
        #expect(loud.configuration == Configuration())
        #expect(Set(loud.origins.keys) == Set(Configuration.fields.filter { !$0.isRefused }.map(\.key)))
        #expect(lines.allSatisfy { $0.count <= 120 })
    }

    @Test("setting one field changes that property and no other", arguments: Configuration.fields)
    func oneFieldOneProperty(field: Field) throws {
        let defaults = Configuration()
        var changed = defaults
        try field.apply(.json(otherValue(for: field)), to: &changed)
        #expect(
            Configuration.changes(from: defaults, to: changed) == [Change(key: field.key, mayReload: field.mayReload)])
        #expect(differingProperties(defaults, changed) == ["\(field.section).\(camelCase(field.name))"])
    }

    /// A value that is allowed and not the default.
    private func otherValue(for field: Field) -> JSONValue {
        let defaults = Configuration()
        switch field.json(in: defaults) {
        case .bool(let value): return .bool(!value)
        case .array: return .array([.string("file:///other")])
        case .object: return .object(["other": .null])
        case .int(let value): return .int(value > 1 ? value - 1 : value + 1)
        case .string(let text):
            if let other = field.choices.first(where: { $0 != text }) { return .string(other) }
            let others = [
                "service.grey_action": "450 4.2.0", "service.grey_smtp_header": "X-Other: yes",
                "service.sync_interval": "300ms", "server.socket_mode": "0600", "server.control_socket": "/other",
                "service.history_max_size": "1GiB",
            ]
            return .string(others[field.key] ?? "other")
        case .double, .null: return .null
        }
    }

    private func differingProperties(_ first: Configuration, _ second: Configuration) -> [String] {
        zip(Mirror(reflecting: first).children, Mirror(reflecting: second).children).flatMap { a, b in
            zip(Mirror(reflecting: a.value).children, Mirror(reflecting: b.value).children)
                .filter { "\($0.value)" != "\($1.value)" }
                .map { "\(a.label ?? "").\($0.0.label ?? "")" }
        }
    }

    private func camelCase(_ name: String) -> String {
        let words = name.split(separator: "_")
        return words.dropFirst().reduce(String(words.first ?? "")) { $0 + $1.prefix(1).uppercased() + $1.dropFirst() }
    }
}
