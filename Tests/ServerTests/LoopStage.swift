import Engine
import Greylist
import LogOutput
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import Resolver
import SampleOptions
import ScenarioFiles
import Storage

@testable import Server

/// A clock that stands until it is moved.
final class Clock: Sendable {
    private let time = NIOLockedValueBox(Scenario.start)

    @Sendable func now() -> Timestamp { time.withLockedValue { $0 } }

    func move(_ seconds: Int64) { time.withLockedValue { $0.seconds += seconds } }
}

/// What is different from the options of a fresh installation.
struct OptionsChange: Sendable {
    let apply: @Sendable (inout ServerOptions) -> Void

    static let none = OptionsChange { _ in }

    static func with<Value: Sendable>(
        _ path: any WritableKeyPath<ServerOptions, Value> & Sendable, _ value: Value
    ) -> OptionsChange {
        none.and(path, value)
    }

    func and<Value: Sendable>(
        _ path: any WritableKeyPath<ServerOptions, Value> & Sendable, _ value: Value
    ) -> OptionsChange {
        OptionsChange { options in
            apply(&options)
            options[keyPath: path] = value
        }
    }
}

/// One event loop of a server with all that answers requests on it, without a socket: its clocks stand until they are moved.
///
/// Everything happens on the thread of the test, within the calls of the stage and its clients.
final class LoopStage {
    /// The time of day.
    let clock = Clock()
    let pipeline: RequestPipeline
    let registry: ConnectionRegistry
    /// What answers while the store is unavailable.
    let fallback: MemoryStore?
    private let loop = EmbeddedEventLoop()
    private let recorder = LogRecorder()
    private let sink: LogSink
    private var channels: [EmbeddedChannel] = []

    init(
        _ engine: PolicyEngine, store: any Store = MemoryStore(), resolver: DNSResolver? = nil,
        ledger makeLedger: (@escaping @Sendable () -> Timestamp) -> IdentityLedger? = { _ in nil },
        history: DecisionQueue? = nil, level: LogLevel = .debug, options change: OptionsChange = .none
    ) {
        var options = ServerOptions.sample(now: clock.now)
        change.apply(&options)
        let sink = LogSink(recorder.destination, level: level, now: clock.now)
        self.sink = sink
        let logger = Logger(label: "test") { _ in SinkLogHandler(sink: sink) }
        let log = LimitedLog(logger: logger, clock: loop)
        fallback = options.hasFallback ? MemoryStore() : nil
        pipeline = RequestPipeline(
            eventLoop: loop, options: options, engine: engine, store: store,
            health: StoreHealth(pause: options.storeLinePause, logger: logger, clock: loop), fallback: fallback,
            resolver: resolver.map { [loop] in LoopResolver($0, on: loop) }, ledger: makeLedger(clock.now),
            sink: sink, history: history, log: log,
            sharedAddresses: SharedAddressWarning(logger: logger))
        registry = ConnectionRegistry(
            eventLoop: loop, limit: options.maxConnections, idleTimeout: options.idleTimeout, log: log)
    }

    deinit {
        for channel in channels { channel.close(promise: nil) }
        try? loop.syncShutdownGracefully()
    }

    /// What was logged so far.
    var log: [String] { recorder.lines(through: sink) }

    /// A client that has connected.
    func connect() throws -> LoopClient {
        let channel = EmbeddedChannel(handler: Connection(pipeline: pipeline, registry: registry), loop: loop)
        channels.append(channel)
        channel.connect(to: try SocketAddress(unixDomainSocketPath: "/client"), promise: nil)
        return LoopClient(channel, on: self)
    }

    /// Ends the turn of the loop: all that came in it has been read.
    func endTurn() {
        loop.run()
    }

    /// Time passes, on all clocks; what is due is done on its way.
    func pass(_ time: TimeAmount) {
        clock.move(time.nanoseconds / 1_000_000_000)
        loop.advanceTime(by: time)
    }
}

/// A client of the policy protocol on such a stage.
final class LoopClient {
    /// It can't send since the server has closed the connection.
    struct Closed: Error {}

    private let stage: LoopStage
    private let channel: EmbeddedChannel
    private var received = ""

    fileprivate init(_ channel: EmbeddedChannel, on stage: LoopStage) {
        self.stage = stage
        self.channel = channel
    }

    /// Whether the server has closed the connection.
    var isClosed: Bool { !channel.isActive }

    /// Whether the server takes what the client sends.
    var isReadFrom: Bool {
        let values = channel.options.filter { $0.option is ChannelOptions.Types.AutoReadOption }.map(\.value)
        return values.last as? Bool ?? true
    }

    /// Sends bytes that are read at once; the turn ends with them unless others are to come.
    func send(_ bytes: [UInt8], endsTurn: Bool = true) throws {
        guard !isClosed else { throw Closed() }
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        if endsTurn { stage.endTurn() }
    }

    /// Says that nothing more will come.
    func finish() {
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        stage.endTurn()
    }

    /// Lets the replies that the client doesn't read fill its socket, or makes room for more.
    func takesReplies(_ takes: Bool) {
        channel.isWritable = takes
        channel.pipeline.fireChannelWritabilityChanged()
        stage.endTurn()
    }

    /// The connection breaks.
    func breaks(_ error: any Error) {
        channel.pipeline.fireErrorCaught(error)
        stage.endTurn()
    }

    /// The next reply that has come; nil where there is none.
    func reply() throws -> String? {
        while var bytes = try channel.readOutbound(as: ByteBuffer.self) {
            received += bytes.readString(length: bytes.readableBytes) ?? ""
        }
        guard let end = received.firstRange(of: "\n\n") else { return nil }
        defer { received.removeSubrange(..<end.upperBound) }
        return String(received[..<end.upperBound])
    }

    /// Sends bytes, and returns the reply to them.
    func ask(_ bytes: [UInt8]) throws -> String? {
        try send(bytes)
        return try reply()
    }
}
