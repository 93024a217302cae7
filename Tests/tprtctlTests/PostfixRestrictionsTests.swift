import Testing

@testable import tprtctl

@Suite("Where Postfix asks a policy server")
struct PostfixRestrictionsTests {
    private func uses(
        _ value: String, _ endpoint: PostfixRestrictions.Endpoint = .inet(host: "localhost", port: 10_023),
        by replacement: String? = nil, parameter: String = "smtpd_recipient_restrictions"
    ) -> [PostfixRestrictions.Use] {
        PostfixRestrictions.uses(
            in: ["myhostname = mx", "\(parameter) = \(value)"], of: endpoint, by: replacement, queue: "/q")
    }

    @Test(
        "a check of the server is found in each spelling, and what it should be is said",
        arguments: [
            ("inet:127.0.0.1:10023", "{ inet:127.0.0.1:10023, timeout=10s, default_action=DUNNO }"),
            ("inet:localhost:10023", "{ inet:localhost:10023, timeout=10s, default_action=DUNNO }"),
            ("inet:[::1]:10023", "{ inet:[::1]:10023, timeout=10s, default_action=DUNNO }"),
            (
                "{ inet:127.0.0.1:10023, timeout=5s }", "{ inet:127.0.0.1:10023, timeout=5s, default_action=DUNNO }"
            ),
            (
                "{inet:127.0.0.1:10023 default_action=DUNNO, timeout=3s}",
                "{inet:127.0.0.1:10023 default_action=DUNNO, timeout=3s}"
            ),
        ])
    func inet(_ found: String, _ better: String) throws {
        let use = try #require(uses("permit_mynetworks, check_policy_service \(found), permit").first)
        #expect(use.found == "check_policy_service \(found)" && use.better == "check_policy_service \(better)")
    }

    @Test(
        "other servers aren't it",
        arguments: [
            "check_policy_service inet:127.0.0.1:10024", "check_policy_service unix:private/policy",
            "check_policy_service inet:192.0.2.1:10023", "check_client_access inet:127.0.0.1:10023", "",
            "check_policy_service",
        ])
    func others(_ value: String) {
        #expect(uses(value).isEmpty)
    }

    @Test("a unix socket is found by its path and beneath Postfix' directory")
    func unix() {
        let endpoint = PostfixRestrictions.Endpoint.unix(path: "/q/postgrey/socket")
        for name in ["unix:postgrey/socket", "unix:/q/postgrey/socket"] {
            #expect(
                uses("check_policy_service \(name)", endpoint, by: "unix:tprt/policy.sock").map(\.better) == [
                    "check_policy_service { unix:tprt/policy.sock, timeout=10s, default_action=DUNNO }"
                ])
        }
        #expect(uses("check_policy_service unix:other/socket", endpoint, by: "unix:x").isEmpty)
    }

    @Test("in smtpd_recipient_restrictions, unknown recipients are to be refused before it")
    func order() {
        let check = "check_policy_service inet:127.0.0.1:10023"
        #expect(uses(check).map(\.refusesUnknownBefore) == [false])
        #expect(uses("\(check), reject_unlisted_recipient").map(\.refusesUnknownBefore) == [false])
        #expect(uses("reject_unlisted_recipient \(check)").map(\.refusesUnknownBefore) == [true])
        #expect(
            uses(check, parameter: "smtp/inet/smtpd_recipient_restrictions").map(\.refusesUnknownBefore) == [false])
        #expect(uses(check, parameter: "greylisted").map(\.refusesUnknownBefore) == [true])
    }
}
