import ArgumentParser
import Domains
import FileCalls
import FoundationEssentials
import Glibc
import Greylist
import History
import Programs
import Settings
import Storage
import SystemPackage
import TrustedFiles
import WhitelistFiles

/// Where the history is that a command reads; no daemon has to run.
struct HistoryAccess: ParsableArguments {
    @Option(
        help: ArgumentHelp("The file of the history; else service.history_db.", valueName: "file"),
        completion: .file())
    var historyDb: String?

    /// The history under these settings, looked for but not opened yet.
    ///
    /// Run by root, this process becomes the user whose the file is: what else it reads as root it has to read before.
    func source(under settings: Configuration) throws(ProgramError) -> HistorySource {
        let service = settings.service
        let state = StateDirectory(environment: ProcessInfo.processInfo.environment)
        let path = historyDb ?? state.expand(service.historyDb)
        guard !path.isEmpty else {
            throw ProgramError(
                .configuration,
                "no history is kept: set service.history_db in the daemon's configuration, and name that file with -c, "
                    + "or name a history with --history-db")
        }
        let (keys, fault) = Self.siteKeys(settings, in: state)
        return HistorySource(
            path: try Self.becomeOwner(of: path), rules: Rules(service), siteKeys: keys, keyFault: fault)
    }

    /// The keys of the site, or why they can't be had, which matters only where mail is to be found through them.
    private static func siteKeys(_ settings: Configuration, in state: StateDirectory) -> (SiteKeys?, String?) {
        do throws(ProgramError) {
            return (try SiteKeyFile.keys(of: settings, in: state), nil)
        } catch {
            return (nil, error.messages.joined(separator: " "))
        }
    }

    /// Has root become the user whose the file is, for good: SQLite opens it, and what is beside it, by its name.
    ///
    /// - Returns: the path to use
    private static func becomeOwner(of path: String) throws(ProgramError) -> String {
        let (reach, owner): (FileReach, FileUser?)
        do throws(FileError) {
            reach = try FileReach(path)
            owner = try reach.owner(ofFilesWith: ["-wal", "-shm"])
        } catch {
            throw ProgramError(error.code == ENOENT ? .noInput : .noPermission, "\(error)")
        }
        guard let owner else {
            // SQLite doesn't tell what may not be seen from what isn't there.
            do throws(Errno) {
                _ = try systemCall { try Stat(reach.path) }
            } catch {
                guard error == .permissionDenied else { return reach.path }
                throw ProgramError(.noPermission, "\(path): \(error): be root, or the user that tprtd runs as")
            }
            return reach.path
        }
        guard owner.become() else {
            throw ProgramError(
                .noPermission,
                "\(path): belongs to \(owner.name), and root can't become that user: it needs CAP_SETUID and CAP_SETGID"
            )
        }
        return reach.path
    }
}

/// A history, and the rules by which it is read.
struct HistorySource {
    let path: String
    let rules: Rules
    /// Those of the site, where they can be read.
    var siteKeys: SiteKeys?
    /// Why they can't.
    var keyFault: String?

    /// Opens it.
    ///
    /// - Parameter searches: whether mail is to be found by its addresses; then it is said where that takes a key which isn't
    ///   at hand
    func open(searching searches: Bool = false) throws(ProgramError) -> HistoryReader {
        let reader = try Self.read { () throws(HistoryError) in try HistoryReader(path: path, siteKeys: siteKeys) }
        guard searches, try Self.read(reader.lacksSiteKey) else { return reader }
        note(
            "\(path): new mail is found by its addresses only with the key of the site "
                + "(\(keyFault ?? "the settings read here name another one, or none: see -c"))")
        return reader
    }

    /// Reads something of it.
    static func read<Result>(_ body: () throws(HistoryError) -> Result) throws(ProgramError) -> Result {
        do throws(HistoryError) { return try body() } catch { throw ProgramError(error) }
    }
}

extension ProgramError {
    /// A history can't be read.
    init(_ error: HistoryError) {
        switch error.code {
        case .missing, .otherFormat, .newerVersion: self.init(.noInput, error.description)
        case .denied: self.init(.noPermission, "\(error.description); or be root, or that user")
        case .locked, .heldByReader: self.init(.unavailable, error.description)
        case .damaged, .noRoom, .failed: self.init(.dataError, error.description)
        }
    }
}

extension Configuration.Service {
    /// The identities that unrelated senders have in common; files that can't be read are left out.
    func sharedIdentities() -> SharedIdentities {
        SharedIdentities(
            sharedIdentityFiles.compactMap { path in
                guard let text = try? contents(of: path, limit: SharedIdentityFile.sizeLimit),
                    case .replaced(let file) = SharedIdentityFile(path: path).reloaded(from: text)
                else { return nil }
                return file
            })
    }
}

extension SharedIdentities {
    /// Whether unrelated senders have that organisation in common.
    func isShared(_ organisation: String) -> Bool {
        entry(for: Array(organisation.utf8).span)?.kind == .shared
    }
}
