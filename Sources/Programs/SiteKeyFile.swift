import FileCalls
import Glibc
public import Settings
public import Storage
import SystemPackage
public import TrustedFiles
public import WhitelistFiles

/// The file with the keys of the site (`service.privacy_key`): its owner alone may read it.
public struct SiteKeyFile: Sendable, Equatable {
    /// Where it is.
    public let path: String
    /// Whom root becomes that reads it; nil where it stays who it is.
    private let user: FileUser?

    /// The file of that path.
    ///
    /// - Parameter user: whom root becomes that reads it, and whose a file is that it makes
    public init(path: String, for user: FileUser? = nil) {
        self.path = path
        self.user = user
    }

    /// The file that the settings name; nil where nothing is made under the site's key.
    public init?(_ configuration: Configuration, in state: StateDirectory, for user: FileUser? = nil) {
        guard configuration.usesSiteKey else { return nil }
        self.init(path: state.expand(configuration.service.privacyKey), for: user)
    }

    /// The keys in it; nil where there is no file.
    ///
    /// - Parameter access: how it is reached from a chroot; nil: as any other file
    public func read(through access: FileAccess? = nil) throws(ProgramError) -> SiteKeys? {
        let file: FileDescriptor
        var owners: Set<UInt32> = [0, geteuid()]
        if let user { owners.insert(user.user) }
        if let access {
            do throws(FileAccess.SystemError) {
                file = try access.open(path)
            } catch {
                if error.code == .noSuchFileOrDirectory { return nil }
                throw denial("\(error.code)", error.code.rawValue)
            }
        } else {
            do throws(FileError) {
                let reach = try FileReach(path, service: user)
                file = try reach.open(.readOnly)
                // In a directory of root's nobody else puts a file.
                if let owner = reach.user?.user ?? (reach.isRoots && !reach.isShared ? file.owner : nil) {
                    owners.insert(owner)
                }
            } catch {
                if error.code == ENOENT { return nil }
                throw denial(error.message, error.code)
            }
        }
        defer { try? file.close() }
        return try keys(in: file, of: owners)
    }

    private func keys(in file: FileDescriptor, of owners: Set<UInt32>) throws(ProgramError) -> SiteKeys {
        let (status, bytes): (Stat, [UInt8])
        do throws(Errno) {
            status = try Stat(file)
            bytes = status.type == .regular ? try file.readToEnd(limit: SiteKeys.textLimit) : []
        } catch {
            throw denial("\(error)", error.rawValue)
        }
        guard status.type == .regular else { throw fault("is not a regular file: name one") }
        guard owners.contains(status.userID.rawValue) else {
            let owner = FileUser.name(of: status.userID.rawValue)
            throw fault("belongs to \(owner), who may change it: give it to the user of tprtd (chown)")
        }
        let others: FilePermissions = [.groupReadWriteExecute, .otherReadWriteExecute]
        guard status.permissions.isDisjoint(with: others) else {
            let mode = String(status.permissions.rawValue & 0o777, radix: 8)
            throw fault(
                "others may read or change it (mode 0\(mode)): chmod 600 \(path); "
                    + "where they may have read it, tprtctl privacy rotate makes another key")
        }
        guard bytes.count <= SiteKeys.textLimit else {
            throw fault("has more than \(SiteKeys.textLimit) bytes: \(Self.remedy)")
        }
        do throws(SiteKeys.ParseError) {
            return try SiteKeys(text: bytes)
        } catch {
            throw fault("\(error): \(Self.remedy)")
        }
    }

    private static let remedy =
        "copy the file from another server or a backup, or move it away: then a new one is made, and every sender waits once"

    /// Whether there is a file; nil where that can't be seen.
    ///
    /// What is in it isn't looked at.
    public var presence: Bool? {
        guard let reach = try? FileReach(path, service: user) else { return nil }
        do throws(Errno) {
            try reach.act { () throws(Errno) in try FileNames.find(reach.path) }
            return true
        } catch {
            return error == .noSuchFileOrDirectory ? false : nil
        }
    }

    /// The keys that these settings name, for a program that goes by them and makes none; nil where they need none.
    public static func keys(of settings: Configuration, in state: StateDirectory) throws(ProgramError) -> SiteKeys? {
        guard let file = SiteKeyFile(settings, in: state) else { return nil }
        guard let keys = try file.read() else {
            throw ProgramError(
                .noInput,
                "service.privacy_key: \(file.path): file does not exist: tprtd makes it when it starts, and so does "
                    + "tprtctl privacy rotate")
        }
        return keys
    }

    /// The keys in the file, which is made where there is none.
    ///
    /// Where two programs make it at the same time, both have the keys of the one that was first.
    public func readOrMake() throws(ProgramError) -> (keys: SiteKeys, isNew: Bool) {
        if let keys = try read() { return (keys, false) }
        let keys = SiteKeys(current: .random())
        if try make(keys) { return (keys, true) }
        guard let keys = try read() else { throw fault("was made and removed meanwhile: try again") }
        return (keys, false)
    }

    /// Makes the file; false where there is one by now.
    ///
    /// It appears under its name when all of it is on the disk.
    public func make(_ keys: SiteKeys) throws(ProgramError) -> Bool {
        let reach: FileReach
        do throws(FileError) {
            reach = try FileReach(path, service: user)
        } catch {
            throw denial(error.message, error.code)
        }
        do throws(Errno) {
            guard let user else { return try reach.act { () throws(Errno) in try put(keys) } }
            return try user.act { () throws(Errno) in try put(keys) }
        } catch {
            throw denial(
                "\(error)" + (user.map { geteuid() == 0 ? " (as user \($0.name))" : "" } ?? ""), error.rawValue,
                makes: true)
        }
    }

    private func put(_ keys: SiteKeys) throws(Errno) -> Bool {
        let slash = path.lastIndex(of: "/")
        let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        let temporary = "\(directory)/.\(name).\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
        let file = try systemCall {
            try FileDescriptor.open(
                temporary, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec, .noFollow],
                permissions: .ownerReadWrite)
        }
        defer {
            try? file.close()
            try? FileNames.remove(temporary)
        }
        try file.setPermissions(.ownerReadWrite)
        _ = try systemCall { try file.writeAll(keys.text) }
        try file.sync()
        do throws(Errno) {
            try FileNames.link(temporary, as: path)
        } catch {
            guard error == .fileExists else { throw error }
            return false
        }
        let parent = try systemCall {
            try FileDescriptor.open(directory, .readOnly, options: [.directory, .closeOnExec])
        }
        defer { try? parent.close() }
        try parent.sync()
        return true
    }

    // MARK: What is wrong

    private func fault(_ message: String) -> ProgramError {
        ProgramError(.configuration, "service.privacy_key: \(path): \(message)")
    }

    private func denial(_ message: String, _ code: CInt, makes: Bool = false) -> ProgramError {
        let isDenied = code == EACCES || code == EPERM || code == EROFS
        let remedy: String =
            switch code {
            case EACCES where makes, EPERM where makes, EROFS:
                ": give its directory to the user of tprtd, or make the file: tprtctl privacy rotate, and chown it to that user"
            case EACCES: ": be root, or the user of tprtd, whose the file is to be"
            case ENOENT, ENOTDIR: ": create its directory"
            default: ""
            }
        return ProgramError(
            isDenied ? .noPermission : .cannotCreate, "service.privacy_key: \(path): \(message)\(remedy)")
    }
}

extension FileDescriptor {
    fileprivate var owner: UInt32? { (try? Stat(self))?.userID.rawValue }
}

extension Configuration {
    /// Whether something is made under the site's key: the keys of its entries, or the digests in its log.
    public var usesSiteKey: Bool { service.privacy == .keyed || log.logAddresses == .hashed }
}

extension KeyScheme {
    /// How these settings have keys made.
    ///
    /// - Parameter keys: those of the site; nil where the settings need none
    public init(_ service: Configuration.Service, _ keys: SiteKeys?) {
        switch service.privacy {
        case .standard: self = service.hashGreyDb ? .hashed : .plain
        case .keyed:
            guard let keys else { preconditionFailure("privacy is keyed, and no key was read") }
            self = .keyed(SiteKeyring(keys, wasHashed: service.hashGreyDb))
        }
    }
}
