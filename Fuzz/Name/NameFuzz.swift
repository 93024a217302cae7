import Greylist

@testable import Domains

/// A client's name, its address, its HELO name, the sender and the recipient of a mail, one a line.
///
/// A name that is read has the form that the DNS wants, and is read the same once more; its spellings lead to each other; an
/// organisation is the end of its name and its own organisation; what is found doesn't depend on what was found before.
@Sendable func checkName(_ input: [UInt8]) throws(BrokenPromise) {
    let lines = lines(of: input)
    guard lines.count >= 5 else { return }
    for line in lines {
        try checkReading(of: line)
        try checkSpellings(of: line)
    }
    let organisations = Organisations(suffixes: .builtIn(), shared: SharedIdentities([tenants]))
    try checkOrganisation(of: lines[0], organisations)
    var identity = NamedIdentity()
    let found = Found(&identity, name: lines[0], address: lines[1], helo: lines[2], sender: lines[3], organisations)
    try check(identity, sender: lines[3], recipient: lines[4])
    _ = Found(&identity, name: lines[2], address: lines[1], helo: lines[0], sender: lines[4], organisations)
    let again = Found(&identity, name: lines[0], address: lines[1], helo: lines[2], sender: lines[3], organisations)
    try expect(again == found, "\(again) the second time, not \(found)")
}

private let tenants = SharedIdentityFile(
    path: "shared", text: Array("shared mail.example\ntenant hosted.example\ntenant deep.hosted.example\n".utf8))

private struct Found: Equatable {
    let proof: NamedIdentity.Proof
    let found: [[UInt8]?]
    let domain: [UInt8]

    init(
        _ identity: inout NamedIdentity, name: [UInt8], address: [UInt8], helo: [UInt8], sender: [UInt8],
        _ organisations: Organisations
    ) {
        let client = Address(parsing: address.span) ?? Address(ipv4: 0xc000_0207)
        identity.find(client: client, clientName: name.span, helo: helo.span, sender: sender.span, in: organisations)
        proof = identity.proof
        found = identity.readOrganisations { [$0?.bytes, $1?.bytes] }
        domain = identity.readSenderDomain { $0.bytes }
    }
}

private func checkReading(of text: [UInt8]) throws(BrokenPromise) {
    var name = Array("before".utf8)
    guard let domain = DomainName(appending: text.span, to: &name) else {
        return try expect(name == Array("before".utf8), "something is appended of what is no name: \(name)")
    }
    let read = Array(name[domain.range])
    try expect(name.count == 6 + read.count && read.count <= DomainName.limit, "a name of \(read.count) bytes")
    var again: [UInt8] = []
    let second = DomainName(appending: read.span, to: &again)
    try expect(second?.kind == domain.kind && again == read, "\(read) is read as \(again)")
    guard domain.kind != .literal else { return }
    let labels = read.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    try expect(labels.allSatisfy { (1...63).contains($0.count) }, "a label that no name has: \(read)")
    try expect(read.allSatisfy(\.isOfName), "a byte that no name has: \(read)")
}

private func checkSpellings(of text: [UInt8]) throws(BrokenPromise) {
    let lowercased = text.map { (0x41...0x5a).contains($0) ? $0 + 0x20 : $0 }
    // Where labels of both kinds are mixed, there are three spellings.
    guard !lowercased.allSatisfy({ $0 < 0x80 }), lowercased.firstRange(of: Array("xn--".utf8)) == nil,
        let spellings = DomainSpellings(lowercased), let other = spellings.other
    else { return }
    try expect(other.allSatisfy { $0 < 0x80 }, "the DNS has no \(other)")
    // Dots of other scripts are all that may be beyond ASCII.
    let back = other == spellings.written ? other : DomainSpellings(other)?.other
    try expect(back == spellings.written, "\(spellings.written) is \(other), and not back")
}

private func checkOrganisation(of name: [UInt8], _ organisations: Organisations) throws(BrokenPromise) {
    guard let organisation = organisations.organisation(of: name) else { return }
    let again = organisations.organisation(of: organisation)
    try expect(again == organisation, "the organisation of \(organisation) is \(again as Any)")
}

private func check(_ identity: NamedIdentity, sender: [UInt8], recipient: [UInt8]) throws(BrokenPromise) {
    let details = identity.details
    for (name, organisation) in [
        (details.hostName, details.hostOrganisation), (details.senderName, details.senderOrganisation),
    ] {
        let isEnd = (name ?? "").utf8.reversed().starts(with: (organisation ?? "").utf8.reversed())
        try expect(isEnd && (name == nil) == (organisation == nil), "\(organisation ?? "-") of \(name ?? "-")")
    }
    try expect(
        !identity.proof.isProven || details.hostOrganisation == details.senderOrganisation, "proven, and of others")
    var folded: [UInt8] = []
    let lowercased = sender.map { (0x41...0x5a).contains($0) ? $0 + 0x20 : $0 }
    identity.appendFoldedSender(lowercased.span, recipient: recipient.span, to: &folded)
    let domain = identity.readSenderDomain { $0.count }
    try expect(folded.count <= sender.count + 4 + 1 + domain, "folded, \(sender) is \(folded)")
}

extension UInt8 {
    fileprivate var isOfName: Bool {
        (0x61...0x7a).contains(self) || (0x30...0x39).contains(self) || "-._".utf8.contains(self)
    }
}
