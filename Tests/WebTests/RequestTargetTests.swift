import Testing

@testable import Web

@Suite("What a request asks for")
struct RequestTargetTests {
    @Test(
        "paths and parameters are decoded",
        arguments: [
            ("/", "/", [:]), ("/metrics", "/metrics", [:]), ("/a%2Fb%20c", "/a/b c", [:]), ("/?", "/", [:]),
            ("/x?a=1&b=2", "/x", ["a": "1", "b": "2"]), ("/x?&a=1&&", "/x", ["a": "1"]), ("/x?a", "/x", ["a": ""]),
            ("/x?a=b=c?d", "/x", ["a": "b=c?d"]), ("/x?q=a+b%2Bc%40d", "/x", ["q": "a b+c@d"]),
            ("/a+b", "/a+b", [:]), ("/x?q=%c3%A4", "/x", ["q": "ä"]), ("/x?q=%00%0a", "/x", ["q": "\u{0}\n"]),
            ("/x?%61=1", "/x", ["a": "1"]), ("/x?q=|\"<>[]{}", "/x", ["q": "|\"<>[]{}"]), ("/x?=1", "/x", ["": "1"]),
        ] as [(String, String, [String: String])])
    func good(target: String, path: String, query: [String: String]) throws {
        let parsed = try #require(RequestTarget(target))
        #expect(parsed.path == path)
        #expect(parsed.query == query)
        #expect(parsed.authority == nil)
    }

    @Test(
        "a whole URL says its host",
        arguments: [
            ("http://localhost:1/a?b=c", "localhost:1", "/a", ["b": "c"]), ("HTTP://h", "h", "/", [:]),
            ("http://h?a=1", "h", "/", ["a": "1"]), ("http://", "", "/", [:]), ("http://u@h/", "u@h", "/", [:]),
        ] as [(String, String, String, [String: String])])
    func whole(target: String, host: String, path: String, query: [String: String]) throws {
        let parsed = try #require(RequestTarget(target))
        #expect(parsed.authority == host)
        #expect(parsed.path == path)
        #expect(parsed.query == query)
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", "*", "metrics", "localhost:80", "https://localhost/", "ftp://localhost/", "http:/x", "?a=1",
            "/%", "/%4", "/%4g", "/%+1", "/x?q=%", "/x?q=%e", "/x?%zz=1", "/%ff", "/x?q=%ff", "/x?q=%c3", "/x?q=%c0%80",
            "/x?q=%ed%a0%80", "/%00", "/%0d%0a", "/%7f", "/a b", "/a#b", "/a\tb", "/ä", "/x?a=1&a=2", "/x?a=1&%61=2",
        ])
    func bad(target: String) {
        #expect(RequestTarget(target) == nil)
    }

    @Test("there are at most 32 parameters")
    func many() {
        let parameters = (0..<33).map { "p\($0)=" }
        #expect(RequestTarget("/?" + parameters.prefix(32).joined(separator: "&"))?.query.count == 32)
        #expect(RequestTarget("/?" + parameters.joined(separator: "&")) == nil)
    }
}
