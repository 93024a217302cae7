import Foundation
import Greylist
import TestSupport
import Testing
import WhitelistFiles
import Whitelists

@Suite("Bad whitelist sources")
struct BadSourceTests {
    /// What may be wrong with a source as a whole or in part, all at once, between two good ones.
    @Test("each has its message, the others stand, and nothing crashes")
    func allAtOnce() throws {
        try withTemporaryDirectory { directory in
            func file(_ name: String, _ text: String) throws -> String {
                try write(text, to: "\(directory)/\(name)")
                return "\(directory)/\(name)"
            }
            let first = try file("first.json", #"{"a": [{"type": "helo_name", "domain": "a.b"}]}"#)
            let last = try file("last.json", #"{"z": [{"type": "helo_name", "domain": "y.z"}]}"#)
            let huge = try file("huge.json", "{}")
            // A gigabyte that takes no room.
            #expect(truncate(huge, 1 << 30) == 0)
            let bytes = "\(directory)/bytes.json"
            try write(Array("{\"a\": [\"".utf8) + [0xff, 0xfe] + Array("\"]}".utf8), to: bytes)
            let wrongKeys = RemoteSource(name: "redis://keys/0") { () throws(RemoteSource.ReadError) in
                RemoteSource.Contents(
                    lists: [
                        RemoteSource.List(name: "l", entries: [("good", [("type", "helo_name"), ("domain", "r.s")])])
                    ],
                    messages: [("m", nil, "the key is not a list"), ("l", "k", "the key is not a hash")])
            }
            let down = RemoteSource(name: "redis://down/0") { () throws(RemoteSource.ReadError) in
                throw RemoteSource.ReadError("redis://down/0: connection refused")
            }
            let cases = [
                (first, nil),
                (
                    try file("json.json", "{\"a\": ["),
                    ":1: not JSON: expected a value, found the end of the text at column 8"
                ),
                (try file("array.json", "[]"), ":1: an array at column 1 is not an object of lists"),
                (try file("list.json", #"{"a": 5}"#), ":1(a) was skipped: 5 is not an array of entries"),
                (try file("entry.json", #"{"a": [7]}"#), #":1(a[0]) was skipped: 7 is not an entry ({"type": ...})"#),
                (
                    try file("type.json", #"{"a": [{"type": "telnet"}]}"#),
                    #":1(a[0]) was skipped: the type "telnet" is not one of ipv4_net, "#
                ),
                (
                    try file("text.json", #"{"a": [{"type": "helo_name", "domain": 5}]}"#),
                    #":1(a[0]) was skipped: "domain" is 5, not a string"#
                ),
                (bytes, ":1: not JSON: the text is not UTF-8 at column 9"),
                (huge, ": it has 1073741824 bytes, more than the 268435456 that are read"),
                ("\(directory)/missing.json", ": file does not exist"), (directory, ": it is a directory"),
                ("redis://keys/0", "(m) was skipped: the key is not a list"),
                ("redis://down/0", ": connection refused"),
                (last, nil),
            ]
            let urls = cases.map { path, _ in path.hasPrefix("/") ? "file://\(path)" : path }
            let sources = try WhitelistSources(urls: urls, options: SourceOptions()) { url in
                [wrongKeys, down].first { $0.name == url }
            }
            let reading = sources.read()
            #expect(reading.whitelist.count == 3)
            for (path, message) in cases {
                let warnings = reading.warnings.filter {
                    $0.hasPrefix("whitelist \(path):") || $0.hasPrefix("whitelist \(path)(")
                }
                #expect(warnings.isEmpty == (message == nil), "\(path)")
                if let message {
                    #expect(warnings.first?.hasPrefix("whitelist \(path)\(message)") == true, "\(warnings)")
                }
            }
            #expect(reading.warnings.contains("whitelist redis://keys/0(l:k) was skipped: the key is not a hash"))
        }
    }

    @Test(
        "what names everything is screened, whatever its spelling",
        arguments: [
            (#""type": "ipv4_net", "net": "0.0.0.0/0""#, "0.0.0.0/0 is wider than /8"),
            (#""type": "ipv6_net", "net": "::/0""#, "::/0 is wider than /19"),
            (#""type": "ipv4_net", "net": "10.0.0.0/7""#, "10.0.0.0/7 is wider than /8"),
            (#""type": "ipv6_net", "net": "2001::/18""#, "2001::/18 is wider than /19"),
            (#""type": "remote_name", "domain": "com""#, "com is a top-level domain"),
            (#""type": "remote_name", "domain": ".""#, #""." is not a domain name"#),
            (#""type": "recipient_domain", "domain": ".org.""#, "org is a top-level domain"),
            (#""type": "recipient_literal", "recipient": "@""#, #""@" is not an address"#),
            (#""type": "recipient_literal", "recipient": """#, #""" is not an address"#),
            (#""type": "recipient_regex", "regex": ".*""#, "the regular expression matches the empty text"),
            (#""type": "recipient_regex", "regex": ".+@.+""#, "the regular expression matches everything"),
            (
                #""type": "recipient_regex", "regex": "@", "anywhere": true"#,
                "the regular expression matches everything"
            ),
            (#""type": "remote_regex", "regex": "x*""#, "the regular expression matches the empty text"),
        ])
    func screening(members: String, message: String) throws {
        let read = try whitelist("{l: [{\(members)}]}", .json, SourceOptions(allowsPatterns: true))
        #expect(read.entries.isEmpty)
        #expect(read.skipped.first?.hasPrefix("/wl.json:1(l[0]) was skipped: \(message)") == true, "\(read.skipped)")
    }

    @Test(
        "networks as wide as may be are taken",
        arguments: [#""type": "ipv4_net", "net": "10.0.0.0/8""#, #""type": "ipv6_net", "net": "2001::/19""#])
    func narrowEnough(members: String) throws {
        #expect(try whitelist("{l: [{\(members)}]}").entries.count == 1)
    }
}
