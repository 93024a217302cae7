import JSONText

/// One thing that is wrong with a configuration.
public struct SettingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Who said it.
    public var origin: Origin
    /// The setting it is about, if it is about one.
    public var key: String?
    /// What is wrong.
    public var complaint: String
    /// What would be right, if that can be said.
    public var remedy: String?

    /// An error about one setting, or about a source as a whole.
    public init(origin: Origin, key: String? = nil, complaint: String, remedy: String? = nil) {
        self.origin = origin
        self.key = key
        self.complaint = complaint
        self.remedy = remedy
    }

    /// One line, such as `/etc/tprt.conf:3: service.grey_dely: no such setting (did you mean service.grey_delay?)`.
    public var description: String {
        var parts = [origin.description]
        if let key, !origin.namesItsSetting { parts.append(named(key)) }
        parts.append(Complaint(complaint, remedy: remedy).description)
        return parts.joined(separator: ": ")
    }
}

/// Everything that is wrong with a configuration; never empty.
public struct SettingErrors: Error, Sendable, Equatable, CustomStringConvertible {
    /// The errors in the order in which they were met.
    public var errors: [SettingError]

    /// A collection of errors.
    public init(_ errors: [SettingError]) {
        self.errors = errors
    }

    /// One line for each error.
    public var description: String {
        errors.map(\.description).joined(separator: "\n")
    }
}
