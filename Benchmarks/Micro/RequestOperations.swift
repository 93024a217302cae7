import Engine
import Greylist
import NIOCore
import Policy
import SampleOptions
import Storage

/// From the bytes of a request to those of its reply.
enum RequestOperations {
    static func all() -> [Operation] {
        decoding() + answering() + encoding()
    }

    private static func decoding() -> [Operation] {
        let text = Samples.text()
        let request = Samples.request(text)
        var (decoder, envelope) = (PolicyDecoder(), Envelope())
        var keyed = Samples.envelope(of: request)
        var tagged = Samples.envelope(of: Samples.request(Samples.text(sender: taggedSender)))
        return [
            Operation("decoder: a request of 29 attributes") {
                var buffer = text
                return (try? decoder.next(in: &buffer))?.has(.sender) == true ? buffer.readerIndex : .min
            },
            Operation("envelope: address") {
                Samples.address(&envelope, of: request) ? envelope.readSender { whole, _ in whole.count } : .min
            },
            Operation("envelope: texts of the keys") { keyed.readKeys { triplet, _, _, _ in triplet.count } },
            Operation("envelope: texts of the keys, tagged sender") {
                tagged.readKeys { triplet, _, _, _ in triplet.count }
            },
        ]
    }

    /// One that each earlier version spelt in another way.
    private static let taggedSender = "SRS0=S7Ai=4B=orig.example=bounce-20261125-77@mail.example.org"

    private static func answering() -> [Operation] {
        let engine = PolicyEngine(
            options: PolicyEngine.Options.sample(), wording: wording(), whitelist: Samples.whitelist())
        let plain = Samples.request(Samples.text())
        let atData = Samples.request(Samples.text(state: "DATA"))
        let whitelisted = Samples.request(Samples.text(recipient: "postmaster@whitelisted.example"))
        let numbered = Samples.request(Samples.text(sender: "bounce-20261125-77@mail.example.org"))
        let tagged = Samples.request(Samples.text(sender: taggedSender))
        var (attempt, message) = (Attempt(), MessageProgress())
        func decide(_ name: String, _ request: PolicyRequest) -> Operation {
            Operation("engine: decide, \(name)") {
                switch engine.decide(request, of: &message, at: Samples.now, using: &attempt) {
                case .done(let record): record.entry == nil ? 1 : 2
                case .needsStore(_, let query): query.has(.legacy) ? 4 : 3
                case .needsFacts: 5
                }
            }
        }
        guard case .needsStore(let decision, _) = engine.decide(plain, of: &message, at: Samples.now, using: &attempt)
        else {
            preconditionFailure("a plain request needs the store")
        }
        func finish(_ name: String, _ verdict: Verdict) -> Operation {
            Operation("engine: finish, \(name)") {
                let record = engine.settle(decision, by: .judged(Judgement(verdict)), at: Samples.now)
                return if case .action(let text) = record.reply { text.count } else { 0 }
            }
        }
        return [
            decide("at DATA", atData), decide("whitelisted", whitelisted), decide("query", plain),
            decide("query with two keys", numbered), decide("query with three keys", tagged),
            finish("new", .new(wait: 300)),
            finish("early retry", .early(wait: 200, delay: 100)), finish("known", .known),
        ]
    }

    private static func encoding() -> [Operation] {
        let (encoder, wording) = (PolicyEncoder(), wording())
        let request = Samples.request(Samples.text())
        let deferral = request.read(.recipient) {
            PolicyReply.action(wording.deferral(wait: 300, delay: 0, at: Samples.now, recipient: $0))
        }
        return [
            Operation("wording: header") {
                request.read(.recipient) { wording.header(delay: 360, at: Samples.now, recipient: $0).count }
            },
            Operation("encoder: DUNNO") { encoder.bytes(of: .dunno).readableBytes },
            Operation("encoder: deferral") { encoder.bytes(of: deferral).readableBytes },
        ]
    }

    private static func wording() -> Wording {
        do {
            return try Wording(
                action: "DEFER_IF_PERMIT", text: "Greylisted, please retry in {wait} seconds",
                header: "X-Greylist: delayed {delay} seconds at {hostname}; {date}", hostname: "mx.example.com")
        } catch {
            fatalError("the sample wording can't be used: \(error)")
        }
    }
}
