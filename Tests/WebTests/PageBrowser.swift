import Foundation
import JSONText
import NIOCore
import NIOPosix
import TestSupport

/// A headless Chromium, steered through its pipes.
///
/// Its profile is a temporary directory; it asks nobody but the server of the test.
final class PageBrowser: Sendable {
    private let child: ChildProcess
    private let directory: TemporaryDirectory
    private let channel: any Channel
    private let wire: NIOLoopBound<BrowserWire>

    /// Starts it.
    init() async throws {
        let directory = try TemporaryDirectory()
        let (commandsOut, commandsIn) = try Self.pipe()
        let (repliesOut, repliesIn) = try Self.pipe()
        let errors = Foundation.open(directory.file("errors"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { for descriptor in [commandsOut, repliesIn, errors] { Foundation.close(descriptor) } }
        // Chromium reads commands from 3 and writes replies to 4. What it sets up for itself goes into our directory.
        child = try await ChildProcess.start(
            [
                "sh", "-c", "exec chromium-headless-shell \"$@\" 3<&0 4>&1 </dev/null >&2", "sh",
                "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--force-color-profile=srgb", "--font-render-hinting=none",
                "--user-data-dir=\(directory.path)", "about:blank",
            ],
            variables: ["HOME": directory.path, "XDG_CONFIG_HOME": directory.path, "XDG_CACHE_HOME": directory.path],
            input: commandsOut, output: repliesIn, errors: errors)
        self.directory = directory
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let wire = try await loop.submit { NIOLoopBound(BrowserWire(), eventLoop: loop) }.get()
        channel = try await NIOPipeBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(wire.value) }
            }
            .takingOwnershipOfDescriptors(input: repliesOut, output: commandsIn).get()
        self.wire = wire
    }

    /// Ends it.
    ///
    /// It writes to its directory until it has ended, so that must not be gone before.
    func close() async {
        _ = try? await call("Browser.close", [:])
        if (try? await child.wait(within: .seconds(20))) == nil { await child.terminate() }
        directory.remove()
    }

    /// A new tab, without a document.
    func tab() async throws -> PageTab {
        let context = try await call("Target.createBrowserContext", [:])["browserContextId"]
        let target = try await call(
            "Target.createTarget", ["url": .string("about:blank"), "browserContextId": context])["targetId"]
        let session = try await call("Target.attachToTarget", ["targetId": target, "flatten": .bool(true)])["sessionId"]
        guard case .string(let id) = session else { throw TestError("no session: \(session)") }
        let tab = PageTab(self, session: id)
        for domain in ["Page", "Runtime", "Log", "Network"] { try await tab.call("\(domain).enable") }
        return tab
    }

    /// Calls a method of the protocol and waits for its result.
    func call(_ method: String, _ parameters: [String: JSONValue], session: String? = nil) async throws -> JSONValue {
        let wire = wire
        return try await channel.eventLoop.flatSubmit { wire.value.call(method, parameters, session: session) }.get()
    }

    /// What has happened in a session, as method and parameters.
    func events(of session: String) async throws -> [(method: String, parameters: JSONValue)] {
        let wire = wire
        return try await channel.eventLoop.submit { wire.value.events[session] ?? [] }.get()
    }

    private static func pipe() throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [0, 0]
        guard Foundation.pipe(&ends) == 0 else { throw TestError.system("pipe") }
        return (ends[0], ends[1])
    }
}

/// The messages of Chromium's debugging protocol: JSON, each with a zero byte behind it.
private final class BrowserWire: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private(set) var events: [String: [(method: String, parameters: JSONValue)]] = [:]
    private var unread = ByteBuffer()
    private var calls: [Int: EventLoopPromise<JSONValue>] = [:]
    private var context: ChannelHandlerContext?
    private var lastCall = 0

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func call(_ method: String, _ parameters: [String: JSONValue], session: String?) -> EventLoopFuture<JSONValue> {
        guard let context else { preconditionFailure("called before it was connected") }
        lastCall += 1
        let id = lastCall
        let promise = context.eventLoop.makePromise(of: JSONValue.self)
        calls[id] = promise
        var message: [String: JSONValue] = [
            "id": .int(id), "method": .string(method), "params": .object(parameters),
        ]
        message["sessionId"] = session.map { .string($0) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: JSONValue.object(message).text + "\0")), promise: nil)
        context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(60)) {
            self.calls.removeValue(forKey: id)?.fail(TestError("waited 60 s in vain: \(method)"))
        }
        return promise.futureResult
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var part = unwrapInboundIn(data)
        unread.writeBuffer(&part)
        while let end = unread.readableBytesView.firstIndex(of: 0) {
            let message = unread.readSlice(length: end - unread.readerIndex)
            unread.moveReaderIndex(forwardBy: 1)
            message.map { take(Data($0.readableBytesView)) }
        }
        unread.discardReadBytes()
    }

    func channelInactive(context: ChannelHandlerContext) {
        for promise in calls.values { promise.fail(TestError("the browser has ended")) }
        calls = [:]
        self.context = nil
    }

    private func take(_ message: Data) {
        guard let message = try? JSONValue(JSONSerialization.jsonObject(with: message)) else { return }
        if case .int(let id) = message["id"] {
            let promise = calls.removeValue(forKey: id)
            message["error"] == .null
                ? promise?.succeed(message["result"]) : promise?.fail(TestError(message["error"].text))
        } else if case .string(let session) = message["sessionId"], case .string(let method) = message["method"] {
            events[session, default: []].append((method, message["params"]))
        }
    }
}

extension JSONValue {
    /// A member; null where there is none.
    subscript(_ key: String) -> JSONValue {
        if case .object(let members) = self { members[key] ?? .null } else { .null }
    }

    /// An element; null where there is none.
    subscript(_ index: Int) -> JSONValue {
        if case .array(let elements) = self, elements.indices.contains(index) { elements[index] } else { .null }
    }

    /// The text; nil where it is none.
    var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The number; nil where it is none.
    var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// A value as Foundation reads it: faster than our own reader, and pictures are long.
    fileprivate init(_ value: Any) {
        switch value {
        case let value as String: self = .string(value)
        case let value as [Any]: self = .array(value.map { JSONValue($0) })
        case let value as [String: Any]: self = .object(value.mapValues { JSONValue($0) })
        case let value as NSNumber where String(cString: value.objCType) == "c": self = .bool(value.boolValue)
        case let value as NSNumber:
            self = Int(exactly: value.doubleValue).map { .int($0) } ?? .double(value.doubleValue)
        default: self = .null
        }
    }
}
