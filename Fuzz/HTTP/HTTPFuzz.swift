import JSONText
import NIOCore
import NIOEmbedded
import NIOHTTP1

@testable import Web

/// What browsers send: the first byte says how large the pieces are in which the others come.
///
/// The answers are the same as to all in one piece; each is whole, of a status that there is, with the headers that keep a browser
/// safe, and holds nothing of the request; there are no more of them than requests. A wrong code signs nobody in.
@Sendable func checkHTTP(_ input: [UInt8]) throws(BrokenPromise) {
    guard let size = input.first else { return }
    let stream = Array(input.dropFirst())
    let whole = try answers(to: stream, inPiecesOf: input.count)
    let parts = try answers(to: stream, inPiecesOf: Int(size) + 1)
    try expect(parts == whole, "in pieces it is answered otherwise: \(parts), not \(whole)")
    for line in lines(of: stream) {
        let text = String(decoding: line, as: UTF8.self)
        try checkTarget(text)
        try checkHost(text)
    }
}

/// The statuses of the answers, in their order.
private func answers(to stream: [UInt8], inPiecesOf size: Int) throws(BrokenPromise) -> [Int] {
    let channel = EmbeddedChannel()
    var text: [UInt8] = []
    do {
        try open(channel)
        for piece in pieces(of: stream, size: size) where channel.isActive {
            try channel.writeInbound(ByteBuffer(bytes: piece))
            channel.embeddedEventLoop.run()
        }
        while case .byteBuffer(let bytes)? = try channel.readOutbound(as: IOData.self) {
            text += bytes.readableBytesView
        }
        channel.embeddedEventLoop.advanceTime(by: .minutes(1))
    } catch {
        throw BrokenPromise(description: "an error reaches the end of the pipeline: \(error)")
    }
    try expect(!channel.isActive, "it is open after a minute of silence")
    return try statuses(of: text, asked: stream)
}

/// Has a channel serve HTTP without a single route: what is asked for is never there.
private func open(_ channel: EmbeddedChannel) throws {
    let (limits, loop) = (WebLimits(), channel.embeddedEventLoop)
    let router = RequestRouter(
        address: .inet("127.0.0.1", port: 10_923), hosts: ["mx.example.com"], routes: [],
        access: WebAccess { ContinuousClock.now }, log: { _ in })
    let connections = WebConnections(eventLoop: loop, limit: 1, log: { _ in })
    try channel.addWebConnection(router: router, limits: limits, connections: connections)
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 10_923)).wait()
}

private func statuses(of text: [UInt8], asked stream: [UInt8]) throws(BrokenPromise) -> [Int] {
    var (rest, statuses) = (text[...], [Int]())
    while !rest.isEmpty {
        guard let end = rest.firstRange(of: Array("\r\n\r\n".utf8)) else {
            throw BrokenPromise(description: "half a head: \(String(decoding: rest, as: UTF8.self))")
        }
        let head = String(decoding: rest[..<end.lowerBound], as: UTF8.self)
        let fields = head.split(separator: "\r\n").map(String.init)
        let length = fields.compactMap { $0.hasPrefix("Content-Length: ") ? Int($0.dropFirst(16)) : nil }
        let words = fields[0].split(separator: " ")
        guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]), length.count == 1 else {
            throw BrokenPromise(description: "not a head: \(head)")
        }
        try expect(WebResponse.Status(rawValue: status) != nil && status != 200, "the status \(status)")
        for (name, value) in WebResponse.security {
            try expect(fields.contains("\(name): \(value)"), "without \(name): \(head)")
        }
        try expect(!head.contains("Set-Cookie: tprt-10923=") || head.contains("=; Max-Age=0"), "signed in: \(head)")
        rest = rest[end.upperBound...]
        // The answer to HEAD has no body.
        let body = rest.prefix(length[0])
        if !body.starts(with: "HTTP/1.1 ".utf8) { rest = rest.dropFirst(length[0]) }
        statuses.append(status)
    }
    let requests = stream.count { $0 == UInt8(ascii: "\n") } + 1
    try expect(statuses.count <= requests, "\(statuses.count) answers to \(requests) lines")
    return statuses
}

private func checkTarget(_ text: String) throws(BrokenPromise) {
    guard let target = RequestTarget(text) else { return }
    try expect(target.path.hasPrefix("/"), "the path \(target.path)")
    try expect(!target.path.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f }, "the path \(target.path)")
    try expect(target.query.count <= RequestTarget.parameters, "\(target.query.count) parameters")
    // Written out it is the same.
    let pairs = target.query.map { "\(encoded($0.key))=\(encoded($0.value))" }
    let written = encoded(target.path) + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
    let again = RequestTarget(written)
    try expect(again?.path == target.path && again?.query == target.query, "\(text), or \(written)")
}

private func encoded(_ text: String) -> String {
    text.utf8.map { byte in
        if byte == UInt8(ascii: "/") { return "/" }
        let digits = String(byte, radix: 16)
        return "%" + (digits.count == 1 ? "0" : "") + digits
    }.joined()
}

private func checkHost(_ text: String) throws(BrokenPromise) {
    let rules = HostRules(hosts: ["mx.example.com"], address: .inet("127.0.0.1", port: 10_923))
    let verdict = rules.verdict(on: text, reachedAt: "192.0.2.7")
    guard verdict == .local || verdict == .named else { return }
    let name = text.lowercased().split(separator: ":").first.map(String.init) ?? ""
    let isKnown = ["mx.example.com", "localhost", "127.0.0.1", "192.0.2.7"].contains(name) || text.hasPrefix("[")
    try expect(isKnown, "\(text) is taken for a name of the server")
}
