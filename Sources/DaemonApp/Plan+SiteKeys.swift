import Engine
import Greylist
import History
import LogOutput
import Programs
import Server
import Settings
import Storage
import TrustedFiles
import WhitelistFiles

/// The keys of the site, in whatever is made under them.
extension Plan {
    /// Reads the keys at the start, where they are needed, and makes them where there are none.
    ///
    /// - Parameter user: whom root is about to become
    mutating func readOrMakeSiteKeys(for user: FileUser?) throws(ProgramError) {
        guard let path = siteKeyFile?.path else { return }
        let directory = stateDirectory
        if let user { user.act { directory?.make() } } else { directory?.make() }
        let (keys, isNew) = try SiteKeyFile(path: path, for: user).readOrMake()
        take(keys)
        guard isNew else { return }
        hints.append(
            "service.privacy_key: \(path): made, with a new key; servers that share a database need a copy of this file"
        )
    }

    /// Reads the keys while the daemon runs: then there have to be some.
    mutating func readSiteKeys(through files: FileAccess) throws(ProgramError) {
        guard let siteKeyFile else { return }
        guard let keys = try siteKeyFile.read(through: files) else {
            throw ProgramError(
                .configuration,
                "service.privacy_key: \(siteKeyFile.path): file does not exist: bring it back, from another server or a "
                    + "backup")
        }
        take(keys)
    }

    /// What is wrong with the file of the keys, or will be done at the start: a sentence; nil where all is well.
    ///
    /// - Parameter user: whom root is about to become
    func warningOfSiteKeys(for user: FileUser?) throws(ProgramError) -> String? {
        guard let path = siteKeyFile?.path else { return nil }
        do throws(ProgramError) {
            guard try SiteKeyFile(path: path, for: user).read() == nil else { return nil }
        } catch {
            // Who may not read it can't check it.
            guard error.status == .noPermission else { throw error }
            return error.messages.joined(separator: " ")
        }
        return "service.privacy_key: \(path): file does not exist: the start makes it, with a new key"
    }

    /// Has everything made under these keys that is to be.
    private mutating func take(_ keys: SiteKeys) {
        siteKeys = keys
        let scheme = KeyScheme(service, keys)
        var options = engine.options
        options.keys = scheme
        engine.change(options: options)
        ledger.keys = scheme
        imports.site = SiteSettings(service, nat64Prefixes, scheme).description
        history?.siteKeys = keys
        if log.addresses == .hashed {
            logAddresses = .hashed(
                MailDigests(
                    key: keys.current.secret(for: .addresses), masks: options.masks,
                    foldsRecipient: options.foldsRecipient))
        }
    }
}
