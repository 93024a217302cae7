import CUnbound
import NIOCore
import SPF

/// A libunbound context that forwards questions to servers: its own thread and its own cache.
///
/// It belongs to one thread of ours, which asks, polls ``descriptor`` and calls ``process()``; nothing here blocks but
/// for the milliseconds that the end of libunbound's thread takes in `deinit`.
final class UnboundContext {
    /// What came for a question; nil for what can't be used.
    typealias Receive = (_ number: UInt64, _ answer: DNSAnswer?, _ lifetime: TimeAmount?) -> Void

    /// Why there is no context, in libunbound's words.
    struct SetupError: Error, CustomStringConvertible {
        let description: String
    }

    /// A question that libunbound works at; it holds the address of this object until it has answered.
    private final class Query {
        let number: UInt64
        let question: DNSQuestion
        unowned let context: UnboundContext
        var handle: CInt = 0

        init(_ number: UInt64, _ question: DNSQuestion, in context: UnboundContext) {
            (self.number, self.question, self.context) = (number, question, context)
        }
    }

    /// What differs from libunbound's defaults.
    private static let options = [
        // A local resolver is the usual one.
        "do-not-query-localhost:": "no",
        // No validation: the server that is asked does it, or nobody.
        "module-config:": "iterator",
        "use-caps-for-id:": "yes",
        "edns-buffer-size:": "1232",
        "qname-minimisation:": "no",
        // The names of a client are looked at in the order of the answer.
        "rrset-roundrobin:": "no",
        "msg-cache-size:": "1m",
        "rrset-cache-size:": "2m",
        "cache-max-ttl:": "3600",
        // As many sockets as there may be questions, so that a name whose servers are silent keeps no other waiting.
        "outgoing-range:": "256",
        "outgoing-num-tcp:": "16",
        // A server that was silent for a while is asked again soon.
        "infra-host-ttl:": "30",
        "infra-cache-max-rtt:": "4000",
        "infra-keep-probing:": "yes",
        // The server that is asked knows the names of private networks.
        "unblock-lan-zones:": "yes",
    ]

    /// Zones that libunbound answers itself unless it is told not to; a site may well have names in them.
    private static let ownZones = ["test.", "home.arpa."]

    private let handle: OpaquePointer
    private let receive: Receive
    private var queries: [UInt64: Query] = [:]

    /// A context that asks these servers; its thread starts with the first question.
    init(servers: [DNSServer], receive: @escaping Receive) throws(SetupError) {
        guard let handle = ub_ctx_create() else { throw SetupError(description: "out of memory or descriptors") }
        self.handle = handle
        self.receive = receive
        do throws(SetupError) {
            // It would write to standard error.
            try Self.check(ub_ctx_debugout(handle, nil))
            for (option, value) in Self.options { try Self.check(ub_ctx_set_option(handle, option, value), option) }
            for zone in Self.ownZones {
                try Self.check(ub_ctx_set_option(handle, "local-zone:", "\(zone) transparent"), zone)
            }
            for server in servers {
                try Self.check(ub_ctx_set_fwd(handle, "\(server.address)@\(server.port)"), "\(server)")
            }
            try Self.check(ub_ctx_async(handle, 1))
        } catch {
            ub_ctx_delete(handle)
            throw error
        }
    }

    deinit {
        ub_ctx_delete(handle)
    }

    /// Readable when ``process()`` has something to do.
    var descriptor: CInt { ub_fd(handle) }

    /// Asks a question, which is answered by ``process()``; whether that was possible.
    func ask(_ question: DNSQuestion, number: UInt64) -> Bool {
        let query = Query(number, question, in: self)
        let status = ub_resolve_async(
            handle, Self.escaped(question.name), CInt(question.type.rawValue), 1,
            Unmanaged.passUnretained(query).toOpaque(),
            { pointer, status, result in
                guard let pointer else { return }
                let query = Unmanaged<Query>.fromOpaque(pointer).takeUnretainedValue()
                query.context.finish(query, status: status, result)
            }, &query.handle)
        guard status == 0 else { return false }
        queries[number] = query
        return true
    }

    /// Gives up a question; it won't be answered.
    func cancel(_ number: UInt64) {
        guard let query = queries.removeValue(forKey: number) else { return }
        // It fails only where the answer has been delivered, which happens in `process()` alone.
        ub_cancel(handle, query.handle)
    }

    /// Delivers the answers that have come.
    func process() {
        ub_process(handle)
    }

    private func finish(_ query: Query, status: CInt, _ result: UnsafeMutablePointer<ub_result>?) {
        defer { ub_resolve_free(result) }
        queries[query.number] = nil
        guard status == 0, let result else {
            receive(query.number, .temporaryError, nil)
            return
        }
        let (answer, lifetime) = Self.read(result.pointee, type: query.question.type)
        receive(query.number, answer, lifetime)
    }

    /// What a result says; no answer where it can't be used, and no lifetime where it has none.
    private static func read(_ result: ub_result, type: DNSRecordType) -> (DNSAnswer?, TimeAmount?) {
        // What libunbound could not fit into a message is missing from the records, too.
        if let packet = result.answer_packet, result.answer_len > 2,
            packet.load(fromByteOffset: 2, as: UInt8.self) & 2 != 0
        {
            return (nil, nil)
        }
        let lifetime = result.ttl > 0 ? TimeAmount.seconds(Int64(result.ttl)) : nil
        guard result.havedata != 0, let data = result.data, let lengths = result.len else {
            switch result.rcode {
            case 0: return (.noData, lifetime)
            case 3: return (.noSuchName, lifetime)
            default: return (.temporaryError, nil)
            }
        }
        var records = RecordData(type)
        var index = 0
        while let record = data[index] {
            let length = Int(lengths[index])
            let isReadable = record.withMemoryRebound(to: UInt8.self, capacity: length) {
                records.add(UnsafeBufferPointer(start: $0, count: length))
            }
            guard isReadable else { return (nil, nil) }
            index += 1
        }
        // Records that may not be kept have a lifetime: none.
        return (records.answer, lifetime ?? .zero)
    }

    /// A name as libunbound reads it: absolute, and escaped as in a zone file.
    static func escaped(_ name: [UInt8]) -> String {
        var text: [UInt8] = []
        for byte in name {
            if byte == UInt8(ascii: "\\") { text.append(byte) }
            if byte == UInt8(ascii: " ") { text += "\\032".utf8 } else { text.append(byte) }
        }
        text.append(UInt8(ascii: "."))
        return String(decoding: text, as: UTF8.self)
    }

    private static func check(_ status: CInt, _ what: String = "libunbound") throws(SetupError) {
        guard status != 0 else { return }
        throw SetupError(description: "\(what): \(String(cString: ub_strerror(status)))")
    }
}
