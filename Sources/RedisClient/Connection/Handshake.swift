import NIOCore

/// What is said on a new connection before it is used: all at once, to be answered in this order.
struct Handshake {
    enum Step: Equatable { case login, database, name, memory, role }

    /// What follows from the answer to a step.
    enum Verdict: Equatable {
        case good
        /// It is good, but the administrator should know this.
        case warning(String)
        case fault(RedisError)
    }

    var login: RedisLogin?
    var database = 0
    /// Whether only a master will do.
    var demandsMaster = false
    /// Whether to look if the server forgets entries when its memory is full.
    var asksForMemory = false

    var steps: [Step] {
        var steps: [Step] = []
        if login != nil { steps.append(.login) }
        if database != 0 { steps.append(.database) }
        steps.append(.name)
        if asksForMemory { steps.append(.memory) }
        if demandsMaster { steps.append(.role) }
        return steps
    }

    /// Writes the command of a step.
    func write(_ step: Step, into buffer: inout ByteBuffer) {
        switch step {
        case .login:
            // Servers before Redis 6 know the shorter form alone.
            buffer.writeCommand("AUTH", arguments: login?.user == nil ? 1 : 2)
            if let user = login?.user { buffer.writeBulk(user) }
            buffer.writeBulk(login?.password ?? "")
        case .database:
            buffer.writeCommand("SELECT", arguments: 1)
            buffer.writeBulk(database)
        case .name:
            buffer.writeCommand("CLIENT", arguments: 2)
            buffer.writeBulk("SETNAME")
            buffer.writeBulk("tprt")
        case .memory:
            buffer.writeCommand("INFO", arguments: 1)
            buffer.writeBulk("memory")
        case .role: buffer.writeCommand("ROLE", arguments: 0)
        }
    }

    /// Judges the answer to a step.
    func judge(_ reply: RESPValue, to step: Step) -> Verdict {
        if case .error(let text) = reply { return judge(RedisError(reply: text), to: step) }
        switch step {
        case .login, .database, .name: return .good
        case .memory: return Self.evictionWarning(in: reply.string ?? "").map { .warning($0) } ?? .good
        case .role:
            let role = reply.elements?.first?.string
            if role == "master" { return .good }
            return .fault(RedisError(.unavailable(.notServing), "the server is not a master"))
        }
    }

    private func judge(_ fault: RedisError, to step: Step) -> Verdict {
        if case .unavailable = fault.kind { return .fault(fault) }
        switch step {
        case .login:
            // A server that doesn't know the command repeats its arguments, the password among them.
            let words = fault.isMisconfiguration ? fault.message : "it doesn't take AUTH as we send it"
            return .fault(RedisError(.misconfigured, "the server refuses the login: \(words)"))
        case .database:
            return .fault(RedisError(.misconfigured, "the server refuses database \(database): \(fault.message)"))
        case .role:
            return .fault(RedisError(.misconfigured, "the server doesn't tell its role: \(fault.message)"))
        case .name, .memory:
            // Nice to have. Who isn't logged in won't be able to do anything else either.
            let isNoLogin = fault.message.hasPrefix("NOAUTH") || fault.message.hasPrefix("DENIED")
            return isNoLogin ? .fault(fault) : .good
        }
    }

    /// What `INFO memory` gives away: a bound of the memory, and what is done at it.
    private static func evictionWarning(in info: String) -> String? {
        func value(_ name: String) -> Substring? {
            info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("\(name):") }?.dropFirst(name.count + 1)
        }
        guard let bound = value("maxmemory"), bound != "0", let policy = value("maxmemory_policy"),
            policy != "noeviction"
        else { return nil }
        let words = String(logSafe: ByteBuffer(substring: policy))
        return """
            the server may evict entries when its memory is full (maxmemory-policy \(words)): \
            set maxmemory-policy noeviction
            """
    }
}
