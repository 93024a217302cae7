import Bytes
import JSONText

extension LoadedConfiguration {
    /// What is allowed and yet hardly meant, a sentence each, with what to write.
    public func hints() -> [String] {
        let service = configuration.service
        var hints: [(key: String, message: String)] = []
        for (key, text) in [
            ("service.grey_text", service.greyText), ("service.grey_smtp_header", service.greySmtpHeader),
        ] {
            hints += ForeignPlaceholder.all(in: text, isHeader: key == "service.grey_smtp_header").map { (key, $0) }
        }
        let (type, path) = (configuration.server.socketType, configuration.server.socketPath)
        if type == .unix, !path.hasPrefix("/") {
            hints.append(
                (
                    "server.socket_path",
                    "\(shortened(path)) is relative to the directory in which the program is started; what "
                        + "Postfix calls unix:\(path) is \(shortened("/var/spool/postfix/\(path)"))"
                ))
        }
        return hints.map { "\(origin(of: $0.key)): \($0.key): \($0.message)" }
    }
}

/// Something that another program would replace, and ours sends as it stands: `%s`, `$wait`, `<seconds>`.
private enum ForeignPlaceholder {
    /// A sentence for each, in the order of the text.
    static func all(in text: String, isHeader: Bool) -> [String] {
        let bytes = Array(text.utf8)
        var (found, index): ([String], Int) = ([], 0)
        while index < bytes.count {
            guard let (length, name) = placeholder(bytes[index...]) else {
                index += 1
                continue
            }
            let shown = shortened(String(decoding: bytes[index..<index + length], as: UTF8.self))
            let message = "\(shown) is sent as it stands; \(advice(on: name, isHeader: isHeader))"
            if !found.contains(message) { found.append(message) }
            index += length
        }
        return found
    }

    /// The placeholder at the beginning of a text: its length, and the name in it.
    private static func placeholder(_ text: ArraySlice<UInt8>) -> (length: Int, name: String)? {
        func enclosed(_ open: String, _ close: String) -> (Int, String)? {
            guard text.starts(with: Array(open.utf8)) else { return nil }
            let rest = text.dropFirst(open.utf8.count)
            let name = rest.prefix { $0.isLetterOrDigit || $0 == UInt8(ascii: "_") }
            guard !name.isEmpty, rest.dropFirst(name.count).starts(with: Array(close.utf8)) else { return nil }
            return (open.utf8.count + name.count + close.utf8.count, String(decoding: name, as: UTF8.self))
        }
        switch text.first {
        case UInt8(ascii: "%"):
            if let found = enclosed("%(", ")s") ?? enclosed("%(", ")d") ?? enclosed("%{", "}") ?? enclosed("%", "%") {
                return found
            }
            // %s, and %5d as printf(3) has it.
            let flags = text.dropFirst().prefix { $0.isDigit || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
            guard let letter = text.dropFirst(1 + flags.count).first, letter.isLetter else { return nil }
            // "50%off" is a text.
            let next = text.dropFirst(2 + flags.count).first
            guard next.map({ !$0.isLetterOrDigit }) ?? true else { return nil }
            return (2 + flags.count, String(decoding: [letter], as: UTF8.self))
        case UInt8(ascii: "$"):
            if let found = enclosed("$(", ")") ?? enclosed("${", "}") { return found }
            guard let found = enclosed("$", ""), !found.1.utf8.allSatisfy(\.isDigit) else { return nil }
            return found
        case UInt8(ascii: "{"): return enclosed("{{", "}}")
        case UInt8(ascii: "<"): return enclosed("<", ">").flatMap { ours($0.1, isHeader: false) == nil ? nil : $0 }
        case UInt8(ascii: "["): return enclosed("[", "]").flatMap { ours($0.1, isHeader: false) == nil ? nil : $0 }
        case UInt8(ascii: "@"): return enclosed("@", "@")
        default: return nil
        }
    }

    private static func advice(on name: String, isHeader: Bool) -> String {
        if let ours = ours(name, isHeader: isHeader) { return "write {\(ours)}" }
        return "the variables are {wait}, {delay}, {hostname}, {date} and {recipient_domain}"
    }

    /// The variable that stands for what another program's does: postgrey has %s and %r in its text, and %t, %d and %h in
    /// its header.
    private static func ours(_ name: String, isHeader: Bool) -> String? {
        let seconds = isHeader ? "delay" : "wait"
        return switch name.lowercased() {
        case "s", "t", "i", "u", "e", "seconds", "second", "secs", "sec", "time", "remaining", "timeout", "retry":
            seconds
        case "wait": "wait"
        case "delay", "delayed", "elapsed": "delay"
        case "d": isHeader ? "date" : "wait"
        case "h", "host", "hostname", "server", "myhostname": "hostname"
        case "date", "now", "timestamp": "date"
        case "r", "domain", "recipient", "recipient_domain", "rcpt": "recipient_domain"
        default: nil
        }
    }
}

/// Settings that are right one by one and wrong together.
struct Conflict: Equatable {
    /// The settings, the one to name first.
    var keys: [String]
    var message: ValueError

    /// The conflict as an error of the first of its settings that somebody gave.
    func error(in loaded: LoadedConfiguration) -> SettingError {
        let given = keys.first { loaded.origins[$0] != nil }
        return SettingError(
            origin: given.map { loaded.origin(of: $0) } ?? .default, key: given ?? keys.first,
            message: message.message, remedy: message.remedy)
    }
}

extension LoadedConfiguration {
    /// What is wrong between settings.
    func conflicts() -> [Conflict] {
        let service = configuration.service
        var conflicts: [Conflict] = []
        if service.greyRetryWindow <= service.greyDelay {
            conflicts.append(
                Conflict(
                    keys: ["service.grey_retry_window", "service.grey_delay"],
                    message: ValueError(
                        "grey_retry_window, \(service.greyRetryWindow.text), is not longer than "
                            + "grey_delay, \(service.greyDelay.text)",
                        remedy: "no retry could ever pass")))
        }
        if service.greyMaxAge < service.greyRetryWindow {
            conflicts.append(
                Conflict(
                    keys: ["service.grey_max_age", "service.grey_retry_window"],
                    message: ValueError(
                        "grey_max_age, \(service.greyMaxAge.text), is shorter than "
                            + "grey_retry_window, \(service.greyRetryWindow.text)",
                        remedy: "entries would be gone before their retry")))
        }
        if configuration.log.logType == .file, configuration.log.logFile.isEmpty {
            conflicts.append(
                Conflict(
                    keys: ["log.log_file", "log.log_type"],
                    message: ValueError("log_type is file, and log_file is empty", remedy: "give log_file a path")))
        }
        return conflicts
    }
}
