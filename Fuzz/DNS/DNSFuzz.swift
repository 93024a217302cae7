import SPF

@testable import Resolver

/// What the DNS and its configuration say: the first byte is the type of a record, and the data of such follow, each behind its
/// length; a resolv.conf(5) is in all of it.
///
/// A name has the length and the labels that the DNS can have, and no dot in a label; servers are three at most, and each is
/// read back.
@Sendable func checkDNS(_ input: [UInt8]) throws(BrokenPromise) {
    guard let kind = input.first else { return }
    let types = [DNSRecordType.a, .aaaa, .mx, .ptr, .txt]
    var records = RecordData(types[Int(kind) % types.count])
    var rest = input.dropFirst()
    while let length = rest.popFirst() {
        let data = Array(rest.prefix(Int(length)))
        rest = rest.dropFirst(data.count)
        guard data.withUnsafeBufferPointer({ records.add($0) }) else { break }
    }
    switch records.answer {
    case .names(let names), .exchanges(let names):
        for name in names { try check(name: name) }
    case .texts(let texts): try expect(texts.allSatisfy { $0.count <= input.count }, "a text that is longer than all")
    case .addresses(let addresses): try expect(addresses.count <= input.count / 5, "more addresses than data")
    default: throw BrokenPromise(description: "no answer of that type")
    }
    let servers = ResolvConf.servers(in: input)
    try expect((1...ResolvConf.serverLimit).contains(servers.count), "\(servers.count) servers")
    for server in servers { try expect((try? DNSServer("\(server)")) == server, "\(server) is read back otherwise") }
}

private func check(name: [UInt8]) throws(BrokenPromise) {
    guard !name.isEmpty else { return }
    let labels = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    try expect(
        name.count <= 253 && labels.allSatisfy { (1...63).contains($0.count) }, "a name the DNS can't have: \(name)")
    // Escaped, it is one name to libunbound: no blank, and no backslash that belongs to nothing.
    let escaped = Array(UnboundContext.escaped(name).utf8)
    try expect(!escaped.contains(UInt8(ascii: " ")) && escaped.last == UInt8(ascii: "."), "escaped as \(escaped)")
}
