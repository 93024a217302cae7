import Engine
import FileCalls
import Greylist
import History
import Programs
import Server
import Storage
import StoreURLs
import SystemPackage
import TrustedFiles

extension Plan {
    /// What opens the stores, with everything read that may be out of reach later; starts no thread.
    func storeFactory(report: @escaping @Sendable (String) -> Void) throws(ProgramError) -> StoreFactory {
        var factory = StoreFactory(
            keyPrefix: keyPrefix, maintenanceLease: maintenance.interval.components.seconds * 9 / 10,
            syncInterval: syncInterval, boot: boot, now: WallClock.now, report: report)
        factory.separatesTables = separatesTables
        do throws(StoreError) {
            try factory.load(greylist)
        } catch {
            throw ProgramError(error, of: "service.grey_db")
        }
        for (key, location) in otherDatabases {
            do throws(StoreError) { try factory.load(location) } catch { throw ProgramError(error, of: key) }
        }
        return factory
    }

    /// Opens the store: one for the tables that have the same URL, and joined ones where there are several.
    func openStore(with factory: StoreFactory) throws(ProgramError) -> any Store {
        try refuse(greylist, of: "service.grey_db")
        for (key, location) in otherDatabases { try refuse(location, of: key) }
        stateDirectory?.make()
        do throws(StoreError) {
            return try factory.open(
                greylist: greylist, autoWhitelist: hasAutoWhitelist ? autoWhitelist : nil,
                identity: hasIdentityTable ? identityDatabase : nil)
        } catch {
            throw ProgramError(error, of: key(of: error) ?? "service.grey_db")
        }
    }

    /// The databases that are opened beside that of the greylist, with the settings that name them.
    var otherDatabases: [(key: String, location: StoreLocation)] {
        let databases =
            (hasAutoWhitelist ? [("service.awl_db", autoWhitelist)] : [])
            + (hasIdentityTable ? [("service.identity_db", identityDatabase)] : [])
        return databases.filter { $0.1 != greylist }
    }

    /// Refuses a database that isn't root's where the daemon stays root.
    private func refuse(_ location: StoreLocation, of key: String) throws(ProgramError) {
        let owner: FileUser?
        do throws(FileError) {
            owner = try DatabaseOwner.of(location)
        } catch {
            throw ProgramError(.noPermission, "\(key): \(error)")
        }
        guard let owner else { return }
        throw ProgramError(
            .noPermission,
            "\(key): \(location.path ?? ""): it or its directory belongs to \(owner.name), and root opens no such database: "
                + "set server.user to \(owner.name), or name another file")
    }

    /// Whose the file of the history is, or its directory, where root may not open it; nil where it may.
    var foreignOwnerOfHistory: String? {
        guard let history else { return nil }
        do throws(FileError) {
            return try FileReach(history.path).owner(ofFilesWith: ["-wal", "-shm"])?.name
        } catch {
            return error.message
        }
    }

    /// A warning where the auto-whitelist isn't where earlier versions had it without `awl_db`, and there is one there.
    ///
    /// It looks at that file in a forked process, so there must not be another thread.
    func warningOfFormerAutoWhitelist() async -> String? {
        guard let path = formerAutoWhitelist, autoWhitelist != .lmdb(path: path), FileNames.exists(path),
            (try? refuse(.lmdb(path: path), of: "")) != nil,
            let reader = try? StoreFactory(now: WallClock.now, report: { _ in }).openSource(
                .lmdb(path: path), holding: .autoWhitelist)
        else { return nil }
        let count = try? await reader.count(.autoWhitelist)
        await reader.close()
        guard let count, count > 0 else { return nil }
        return "service.awl_db isn't set, so the auto-whitelist is with grey_db; lmdb://\(path) has one with \(count) "
            + "clients, which isn't used: set awl_db to that, or copy it with tprtctl store copy --table auto-whitelist"
    }

    /// Opens the control socket, where there is to be one.
    func openControlSocket(for owner: SocketOwner?) throws(ProgramError) -> OpenListener? {
        guard let controlSocket else { return nil }
        do throws(ListenError) {
            return try OpenListener.open(controlSocket, backlog: 16, owner: owner).first
        } catch {
            throw ProgramError(error, of: "server.control_socket")
        }
    }

    /// Opens all listeners, or none.
    func openListeners(for owner: SocketOwner?) throws(ProgramError) -> [OpenListener] {
        var opened: [OpenListener] = []
        for (index, address) in listeners.enumerated() {
            do throws(ListenError) {
                opened += try OpenListener.open(
                    address, backlog: backlog, takesOverStale: takesOverStale, owner: owner,
                    patience: PortPatience { message in
                        _ = try? FileDescriptor.standardError.writeAll("\(Program.name): warning: \(message)\n".utf8)
                    })
            } catch {
                for listener in opened { listener.close() }
                throw ProgramError(error, of: address.key(at: index))
            }
        }
        return opened
    }

    /// Whether the auto-whitelist is on.
    var hasAutoWhitelist: Bool { engine.options.rules.clientCount > 0 }

    /// Whether there is a table of identities: senders are known by such.
    var hasIdentityTable: Bool { engine.options.identity != .off }

    /// A warning where it may not.
    var warningOfExposedIdentities: String? {
        guard hasIdentityTable, !identityTableIsUsable else { return nil }
        return "service.identity_db: identities would share a Redis database with other tables and have no key_prefix, "
            + "so a TPRT 0.9.3 there would remove them; the fast lane is off: set key_prefix, or set identity_db to "
            + "another database"
    }

    /// The setting of the file whose fault it is, where that isn't the one of the greylist.
    private func key(of error: StoreError) -> String? {
        otherDatabases.first { _, location in
            guard let path = location.path else { return false }
            return error.description.contains("://\(path): ")
        }?.key
    }
}

extension StoreLocation {
    /// The file of the database, or the socket that leads to it; nil where there is none in the file system.
    var path: String? {
        if case .redis(let location) = self, case .unixSocket(let path) = location.servers { return path }
        return file
    }
}

extension ListenAddress {
    /// The setting that names the listener of that number.
    fileprivate func key(at index: Int) -> String {
        switch self {
        case _ where index > 0: "server.listen"
        case .unix: "server.socket_path"
        case .inet: "server.socket_listen_host"
        }
    }
}

extension ProgramError {
    /// A fault of a store, with the setting that names it.
    fileprivate init(_ error: StoreError, of key: String) {
        let remedy = error.code == .inUse ? ": stop that one, or name another file" : ""
        self.init(ExitStatus(error.code), "\(key): \(error)\(remedy)")
    }
}

extension ProgramError {
    /// A listener can't be opened.
    ///
    /// - Parameter setting: that which wants it; nil for those of the policy protocol
    init(_ error: ListenError, of setting: String? = nil) {
        let status: ExitStatus =
            switch error.code {
            case .taken: .unavailable
            case .denied: .noPermission
            case .cannotCreate: .cannotCreate
            case .unusable: .configuration
            }
        self.init(status, (setting.map { "\($0): " } ?? "") + error.description)
    }
}
