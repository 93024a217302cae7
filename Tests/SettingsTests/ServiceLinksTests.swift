import Testing

@testable import Settings

@Suite("Variables of a container's manager")
struct ServiceLinksTests {
    /// What Kubernetes sets for a Service of one port: `kubectl exec POD -- env`.
    private static func kubernetes(_ name: String, host: String = "10.96.7.1", port: String = "policy") -> [String:
        String]
    {
        let address = host.contains(":") ? "[\(host)]" : host
        return [
            "\(name)_SERVICE_HOST": host, "\(name)_SERVICE_PORT": "10023",
            "\(name)_SERVICE_PORT_\(port.uppercased())": "10023",
            "\(name)_PORT": "tcp://\(address):10023", "\(name)_PORT_10023_TCP": "tcp://\(address):10023",
            "\(name)_PORT_10023_TCP_PROTO": "tcp", "\(name)_PORT_10023_TCP_PORT": "10023",
            "\(name)_PORT_10023_TCP_ADDR": host,
        ]
    }

    /// What `docker run --link greylist:tprt` sets.
    private static let docker = [
        "TPRT_NAME": "/mail/tprt", "TPRT_PORT": "tcp://172.17.0.5:10023",
        "TPRT_PORT_10023_TCP": "tcp://172.17.0.5:10023",
        "TPRT_PORT_10023_TCP_ADDR": "172.17.0.5", "TPRT_PORT_10023_TCP_PORT": "10023",
        "TPRT_PORT_10023_TCP_PROTO": "tcp", "TPRT_ENV_LANG": "C",
    ]

    @Test(
        "are left alone, with one warning",
        arguments: [
            kubernetes("TPRT"), kubernetes("TPRT_INET"), kubernetes("TPRT_SERVICE"), kubernetes("TPRT_SERVER"),
            kubernetes("TPRT", host: "fd00:10:96::7"), kubernetes("TPRT_LOG", port: "http_2"), docker,
            kubernetes("TPRT").merging(kubernetes("TPRT_INET")) { first, _ in first },
            [
                "TPRT_SERVICE_HOST": "10.96.7.1", "TPRT_SERVICE_PORT": "53", "TPRT_PORT": "udp://10.96.7.1:53",
                "TPRT_PORT_53_UDP": "udp://10.96.7.1:53", "TPRT_PORT_53_UDP_PROTO": "udp",
                "TPRT_PORT_53_UDP_PORT": "53",
                "TPRT_PORT_53_UDP_ADDR": "10.96.7.1",
            ],
        ])
    func areIgnored(_ variables: [String: String]) throws {
        var environment = variables
        environment["TPRT_SERVICE_GREY_DELAY"] = "60"
        environment["KUBERNETES_PORT"] = "tcp://10.96.0.1:443"
        let loaded = try Configuration.load(environment: environment)
        #expect(loaded.configuration.service.greyDelay == .seconds(60))
        #expect(loaded.origins.keys.sorted() == ["service.grey_delay"])
        #expect(loaded.warnings.count == 1)
        let first = try #require(variables.keys.min())
        #expect(loaded.warnings.first?.hasPrefix("environment: \(first), ") == true)
        #expect(loaded.warnings.first?.contains("and \(variables.count - 3) more: ignored") == true)
    }

    @Test("a setting that is mistyped is told, beside them and without them", arguments: [kubernetes("TPRT"), [:]])
    func mistyped(_ variables: [String: String]) {
        for (name, value, remedy) in [
            ("TPRT_SERVICE_GREY_DELEY", "60", " (did you mean TPRT_SERVICE_GREY_DELAY?)"),
            ("TPRT_SERVER_SOCKET_LISTN_PORT", "10023", " (did you mean TPRT_SERVER_SOCKET_LISTEN_PORT?)"),
            ("TPRT_SERVER_SOCKET_LISTN_HOST", "10.0.0.1", " (did you mean TPRT_SERVER_SOCKET_LISTEN_HOST?)"),
            ("TPRT_SERVICE_MODES", "observe", " (did you mean TPRT_SERVICE_MODE?)"),
            ("TPRT_PORT_10023", "10023", ""),
            ("TPRT_LISTEN_PORT", "10023", " (did you mean TPRT_SERVER_SOCKET_LISTEN_PORT?)"),
            ("TPRT_X_SERVICE_HOST", "10.0.0.1", ""),
        ] {
            var environment = variables
            environment[name] = value
            #expect(messages(environment: environment) == ["\(name): no such setting\(remedy)"])
        }
    }

    @Test(
        "names alone make none",
        arguments: [
            ["TPRT_SERVICE_PORT": "10023"], ["TPRT_SERVICE_HOST": "10.0.0.1"], ["TPRT_PORT": "10023"],
            ["TPRT_PORT": "tcp://10.0.0.1:10023"],
            ["TPRT_SERVICE_HOST": "mail.example.org", "TPRT_SERVICE_PORT": "25"],
            ["TPRT_SERVICE_HOST": "10.0.0.1", "TPRT_SERVICE_PORT": "policy"],
        ])
    func namesAlone(_ variables: [String: String]) {
        #expect(messages(environment: variables).count == variables.count)
    }
}
