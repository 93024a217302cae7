import TestSupport

extension RedisServer {
    /// Runs a command by `redis-cli` and returns what that prints: strings as they are, each of an array on a line.
    ///
    /// Throws if Redis answers with an error. It may do everything, whatever clients may do, unless it is to be done
    /// as some `user`.
    @discardableResult
    public func command(_ arguments: String..., as user: RedisUser? = nil) async throws -> String {
        try await command(arguments, as: user)
    }

    /// Runs a command that is already in words.
    @discardableResult
    public func command(_ words: [String], as user: RedisUser? = nil) async throws -> String {
        try await ask(client(as: user) + words)
    }

    /// Runs a command of which each argument is quoted where it has to be, as `"\x00a"`, and returns such a text.
    func quotedCommand(_ arguments: [String]) async throws -> String {
        try await ask(client() + ["--no-raw", "--quoted-input"] + arguments)
    }

    /// Runs one of the cluster manager's commands of `redis-cli`.
    func manageCluster(_ arguments: [String]) async throws {
        try await run(client() + ["--cluster"] + arguments)
    }

    /// The value of a field in a section of `INFO`.
    public func info(_ field: String, in section: String) async throws -> String? {
        fieldValue(field, in: try await command("INFO", section))
    }

    /// What a command prints, without the last newline.
    private func ask(_ command: [String]) async throws -> String {
        let text = try await run(command)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    /// `redis-cli` with the way to this server.
    private func client(as user: RedisUser? = nil) -> [String] {
        var client = ["redis-cli", "-e"]
        if let socketPath {
            client += ["-s", socketPath]
        } else {
            client += ["-h", host, "-p", "\(port)"]
        }
        if let certificates {
            client += ["--tls", "--cacert", certificates.authority]
            client += ["--cert", certificates.client.certificate, "--key", certificates.client.key]
        }
        if let user = user ?? administrator {
            client += ["--no-auth-warning", "--user", user.name, "-a", user.password]
        }
        return client
    }
}

/// The value of a field in a text of lines such as `field:value`.
func fieldValue(_ field: String, in text: String) -> String? {
    // The lines end with CR LF, which is one Character.
    text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("\(field):") }.map {
        String($0.dropFirst(field.count + 1))
    }
}
