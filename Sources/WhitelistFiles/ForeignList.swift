import JSONText
public import Whitelists

/// A list in another program's form, which is read by what knows that form: to be turned into a list of ours.
public struct ForeignList: Sendable {
    /// What was read.
    public struct Contents: Sendable {
        /// The entries, each with its line.
        public let entries: [WhitelistEntry]
        /// What could not be read: the line and a sentence.
        public let messages: [(line: Int, message: String)]

        /// Entries, and what is wrong with other lines.
        public init(entries: [WhitelistEntry], messages: [(line: Int, message: String)]) {
            self.entries = entries
            self.messages = messages
        }
    }

    /// What its URLs begin with, such as `sqlgrey-fqdn`.
    public let scheme: String
    /// Makes entries of a text; throws where it is something else as a whole.
    private let parse: @Sendable (_ path: String, _ bytes: [UInt8]) throws(WhitelistError) -> Contents

    /// Lists of that form.
    public init(
        scheme: String, parse: @escaping @Sendable (_ path: String, _ bytes: [UInt8]) throws(WhitelistError) -> Contents
    ) {
        self.scheme = scheme
        self.parse = parse
    }

    /// The schemes of lists that are turned into ours, but aren't read by the daemon.
    package static let schemes = ["sqlgrey-fqdn", "sqlgrey-ip", "milter-greylist", "iredapd"]

    func read<Sink>(
        _ bytes: [UInt8], of path: String, _ options: SourceOptions, into collector: EntryCollector<Sink>
    ) throws(WhitelistError) {
        let contents = try parse(path, bytes)
        let path = bareOrQuoted(path)
        for message in contents.messages { collector.report(of: "\(path):\(message.line)", message.message) }
        for entry in contents.entries {
            let location = entry.line.map { "\(path):\($0)" } ?? path
            guard collector.hasRoom else { return collector.report(of: location, "there are too many entries") }
            do throws(EntryError) {
                if let note = try ListScreening(options: options).check(entry.condition, entry.effect) {
                    collector.note(at: location, note)
                }
                collector.add(entry, at: location)
            } catch {
                collector.report(of: location, error.message)
            }
        }
    }
}

extension ForeignList: Hashable {
    /// Whether both are of the same form.
    public static func == (one: Self, other: Self) -> Bool { one.scheme == other.scheme }

    /// Hashes the form.
    public func hash(into hasher: inout Hasher) { hasher.combine(scheme) }
}
