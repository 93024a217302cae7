import Foundation
import Greylist
import Testing

@testable import Domains

/// The lists that tests have in common.
enum Lists {
    /// The public suffix list of Debian's package, loaded once.
    private static let suffixes = Result { try PublicSuffixList(text: installedText()) }

    static func installed() throws -> PublicSuffixList { try suffixes.get() }

    static func installedText() throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: PublicSuffixList.path)))
    }

    /// The file that comes with the program.
    static func vendorText() throws -> [UInt8] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return Array(try Data(contentsOf: root.appending(path: "etc/shared-identities.list")))
    }

    /// Identities of these lines.
    static func identities(_ lines: String) -> SharedIdentities {
        SharedIdentities([SharedIdentityFile(path: "list", text: Array(lines.utf8))])
    }

    /// The installed suffixes with these identities, or those that come with the program.
    static func organisations(_ lines: String? = nil) throws -> Organisations {
        let text = try lines.map { Array($0.utf8) } ?? vendorText()
        return Organisations(
            suffixes: try installed(), shared: SharedIdentities([SharedIdentityFile(path: "list", text: text)]))
    }
}

extension PublicSuffixList {
    /// Whether a name is a suffix.
    func has(_ name: String) -> Bool { contains(Array(name.utf8).span) }

    /// Where the organisation of a name begins.
    func start(in name: String) -> Int? { startOfOrganisation(in: Array(name.utf8).span) }
}

extension Organisations {
    /// The organisation of a domain, as a text.
    func name(of domain: String) -> String? {
        organisation(of: Array(domain.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }
}

extension NamedIdentity {
    /// Finds out who a client is, from texts.
    mutating func find(
        _ client: String, name: String, helo: String, sender: String, in organisations: Organisations
    ) throws {
        let (name, helo, sender) = (Array(name.utf8), Array(helo.utf8), Array(sender.utf8))
        find(
            client: try #require(Address(client)), clientName: name.span, helo: helo.span, sender: sender.span,
            in: organisations)
    }

    /// The folded sender, as a text.
    func folded(_ sender: String, recipient: String) -> String {
        let (sender, recipient) = (Array(sender.lowercased().utf8), Array(recipient.lowercased().utf8))
        var key = Array("key/".utf8)
        appendFoldedSender(sender.span, recipient: recipient.span, to: &key)
        return String(decoding: key.dropFirst(4), as: UTF8.self)
    }
}
