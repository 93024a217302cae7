import Greylist
import NIOCore
import Policy
import SampleOptions
import Whitelists

/// Requests and whitelists to measure with.
enum Samples {
    static let now = Timestamp(seconds: 1_800_000_000)

    /// A request as Postfix 3.7 sends it, with its 29 attributes.
    static func text(
        state: String = "RCPT", client: String = "198.51.100.77", name: String = "mta-7.outbound.example.net",
        sender: String = "newsletter.department@mail.example.org", recipient: String = "somebody@example.com"
    ) -> ByteBuffer {
        ByteBuffer(
            string: """
                request=smtpd_access_policy
                protocol_state=\(state)
                protocol_name=ESMTP
                client_address=\(client)
                client_name=\(name)
                client_port=48211
                reverse_client_name=\(name)
                server_address=192.0.2.25
                server_port=25
                helo_name=\(name)
                sender=\(sender)
                recipient=\(recipient)
                recipient_count=0
                queue_id=
                instance=2f1c.65f0a1b2.9c3d1.0
                size=48211
                etrn_domain=
                stress=
                sasl_method=
                sasl_username=
                sasl_sender=
                ccert_subject=
                ccert_issuer=
                ccert_fingerprint=
                ccert_pubkey_fingerprint=
                encryption_protocol=TLSv1.3
                encryption_cipher=TLS_AES_256_GCM_SHA384
                encryption_keysize=256
                policy_context=


                """)
    }

    static func request(_ text: ByteBuffer) -> PolicyRequest {
        var (buffer, decoder) = (text, PolicyDecoder())
        guard let request = try? decoder.next(in: &buffer) else { fatalError("the sample is no request") }
        return request
    }

    static func envelope(of request: PolicyRequest) -> Envelope {
        var envelope = Envelope()
        guard address(&envelope, of: request) else { fatalError("the sample has no address") }
        return envelope
    }

    static func address(_ envelope: inout Envelope, of request: PolicyRequest) -> Bool {
        request.read(.clientAddress) { client in
            request.read(.sender) { sender in
                request.read(.recipient) { recipient in
                    envelope.address(
                        client: client, sender: sender, recipient: recipient, masks: PrefixLengths.sample())
                }
            }
        }
    }

    /// A thousand networks, recipients and names each, and then one of each that a request can have.
    static func whitelist() -> Whitelist {
        var conditions: [Condition] = []
        for number in 0..<1_000 {
            let bits = UInt32(number) &* 2_654_435_761
            conditions.append(
                .client(Network(Address(ipv4: bits), prefixLength: [16, 20, 22, 24, 28, 32][number % 6])))
            conditions.append(.recipient(literal("user\(number)@domain\(number % 50).example")))
            conditions.append(.clientName(domain("mx\(number).example\(number % 10).org")))
        }
        conditions.append(.client(Network(Address(ipv4: 0xcb00_7100), prefixLength: 24)))
        conditions.append(.recipient(literal("postmaster@whitelisted.example")))
        conditions.append(.clientName(domain("whitelisted.example")))
        return Whitelist(conditions.map { WhitelistEntry($0) }, source: "samples")
    }

    private static func literal(_ text: String) -> AddressLiteral {
        guard let literal = AddressLiteral(text) else { fatalError("\(text) is not an address") }
        return literal
    }

    private static func domain(_ text: String) -> Domain {
        guard let domain = Domain(text) else { fatalError("\(text) is no domain") }
        return domain
    }
}
