import StoreURLs
import Testing

struct RedisLocationTests {
    typealias Case = (url: String, location: RedisLocation, description: String)

    static let host = RedisLocation.Endpoint(host: "h", port: 6379)

    static let locations: [Case] = [
        ("redis://h", RedisLocation(.single(host)), "redis://h:6379/0"),
        ("redis://h/", RedisLocation(.single(host)), "redis://h:6379/0"),
        (
            "REDIS://10.0.0.1:7000/3", .init(.single(.init(host: "10.0.0.1", port: 7000)), database: 3),
            "redis://10.0.0.1:7000/3"
        ),
        ("redis-tcp://h:1/?db=15", .init(.single(.init(host: "h", port: 1)), database: 15), "redis://h:1/15"),
        ("redis-tcp://h?db=65535", .init(.single(host), database: 65535), "redis://h:6379/65535"),
        (
            "redis://[2001:db8::1]:65535/0", .init(.single(.init(host: "2001:db8::1", port: 65535))),
            "redis://[2001:db8::1]:65535/0"
        ),
        ("redis://[::1]", .init(.single(.init(host: "::1", port: 6379))), "redis://[::1]:6379/0"),
        ("redis://u:p@h", .init(.single(host), login: .init(user: "u", password: .text("p"))), "redis://h:6379/0"),
        ("redis://:p@h", .init(.single(host), login: .init(password: .text("p"))), "redis://h:6379/0"),
        ("redis://u:@h", .init(.single(host), login: .init(user: "u", password: .text(""))), "redis://h:6379/0"),
        ("redis://:a:b@c@h", .init(.single(host), login: .init(password: .text("a:b@c"))), "redis://h:6379/0"),
        (
            "redis://a%3Ab:p%2f%3F%23%25%40+%C3%a9@h",
            .init(.single(host), login: .init(user: "a:b", password: .text("p/?#%@+é"))), "redis://h:6379/0"
        ),
        (
            "redis://h?password_file=/etc/p%40w",
            .init(.single(host), login: .init(password: .file(path: "/etc/p@w"))), "redis://h:6379/0"
        ),
        (
            "redis://u@h/2?password_file=/p",
            .init(.single(host), database: 2, login: .init(user: "u", password: .file(path: "/p"))),
            "redis://h:6379/2"
        ),
        (
            "redis-unix:///run/redis.sock", .init(.unixSocket(path: "/run/redis.sock")),
            "redis-unix:///run/redis.sock?db=0"
        ),
        (
            "redis+unix:///run/redis@1/s?db=4", .init(.unixSocket(path: "/run/redis@1/s"), database: 4),
            "redis-unix:///run/redis@1/s?db=4"
        ),
        (
            "redis-unix://u:p@/run/r%20s",
            .init(.unixSocket(path: "/run/r s"), login: .init(user: "u", password: .text("p"))),
            "redis-unix:///run/r s?db=0"
        ),
        ("rediss://h", .init(.single(host), tls: .init()), "rediss://h:6379/0"),
        ("rediss://h?verify=no", .init(.single(host), tls: .init(isVerified: false)), "rediss://h:6379/0"),
        (
            "rediss://h/1?ca_file=/ca&cert_file=/c&key_file=/k&server_name=r.example&verify=yes",
            .init(
                .single(host), database: 1,
                tls: .init(
                    authorityFile: "/ca", identity: .init(certificateFile: "/c", keyFile: "/k"),
                    serverName: "r.example")),
            "rediss://h:6379/1"
        ),
        (
            "redis+sentinel://a,b:1,[::1]:2/main",
            .init(
                .sentinels(
                    [.init(host: "a", port: 26379), .init(host: "b", port: 1), .init(host: "::1", port: 2)],
                    service: "main")),
            "redis+sentinel://a:26379,b:1,[::1]:2/main/0"
        ),
        (
            "redis+sentinel://:p@a/main/7?sentinel_user=s&sentinel_password_file=/sp",
            .init(
                .sentinels([.init(host: "a", port: 26379)], service: "main"), database: 7,
                login: .init(password: .text("p")), sentinelLogin: .init(user: "s", password: .file(path: "/sp"))),
            "redis+sentinel://a:26379/main/7"
        ),
        (
            "rediss+sentinel://a/m?db=1&sentinel_password_file=/sp",
            .init(
                .sentinels([.init(host: "a", port: 26379)], service: "m"), database: 1,
                sentinelLogin: .init(password: .file(path: "/sp")), tls: .init()),
            "rediss+sentinel://a:26379/m/1"
        ),
        (
            "redis+cluster://a,b:7001", .init(.cluster([.init(host: "a", port: 6379), .init(host: "b", port: 7001)])),
            "redis+cluster://a:6379,b:7001"
        ),
        (
            "rediss+cluster://u:p@a/0?server_name=x",
            .init(
                .cluster([.init(host: "a", port: 6379)]), login: .init(user: "u", password: .text("p")),
                tls: .init(serverName: "x")),
            "rediss+cluster://a:6379"
        ),
    ]

    @Test(arguments: locations)
    func aURLNamesServers(_ url: String, _ location: RedisLocation, _ description: String) throws {
        #expect(try StoreLocation(url: url) == .redis(location))
        #expect(location.description == description)
    }

    @Test func nothingPrintsAPassword() throws {
        let location = try StoreLocation(url: "redis://user:secret@h")
        #expect(!"\(location)".contains("secret"))
        #expect(!String(reflecting: location).contains("secret"))
        guard case .redis(let redis) = location else { return }
        #expect(!"\(redis) \(String(describing: redis.login)) \(String(reflecting: redis.login))".contains("secret"))
    }

    /// None of them may be quoted: whatever is wrong with them, the secret may be anywhere.
    static let refused: [(String, String)] = [
        ("redis:secret", "// behind"), ("redis:/secret/", "// behind"), ("redisx://secret", "no store is called"),
        ("rediss-unix://secret", "no store is called"),
        ("redis://", "empty host"), ("redis://:secret@", "empty host"), ("redis://:6379", "empty host"),
        ("redis://:se/cret@h", "before its @"), ("redis://:se?cret@h", "before its @"), ("redis://:secret#@h", "a #"),
        ("redis-unix://:se/cret@/run/s", "has a host"), ("redis-unix://:se?cret@/run/s", "before its @"),
        ("redis://:secret%@h", "%25"), ("redis://:secret%4@h", "%25"), ("redis://:secret%gg@h", "%25"),
        ("redis://:secret%00@h", "UTF-8"), ("redis://:secret%ff@h", "UTF-8"),
        ("redis://secret@h", "no password"), ("redis://:@h", "empty password"), ("redis://@h", "no password"),
        ("redis://:secret@h?password_file=/x", "password_file"),
        ("redis://h:0", "port"), ("redis://h:65536", "port"), ("redis://h:", "port"), ("redis://h:+1", "port"),
        ("redis://h:99999999999999999999", "port"), ("redis://h:secret", "port"), ("redis://::1", "without brackets"),
        ("redis://[::1", "doesn't end"), ("redis://[::1]x", "behind a host"), ("redis://[secret]", "no IPv6"),
        ("redis://a,b", "names one server"), ("redis://sec ret", "a character"), ("redis://h\u{e9}", "a character"),
        ("redis://h/x", "(db)"), ("redis://h/-1", "(db)"), ("redis://h/65536", "(db)"), ("redis://h/1/", "(db)"),
        ("redis://h?db=", "db of a redis URL has no value"), ("redis://h?db", "db of a redis URL has no value"),
        ("redis://h?db=x", "(db)"), ("redis://h?db=1&db=1", "db is given twice"),
        ("redis://h/1?db=1", "both in its path"), ("redis://h?secret=1", "unknown option"),
        ("redis://h?DB=1", "unknown option"), ("redis://h?db=1&", "unknown option"),
        ("redis://h?password_file=secret", "password_file of a redis URL takes the absolute path"),
        ("redis://h?password_file=/secret/", "password_file of a redis URL takes the absolute path"),
        ("redis://h?ca_file=/x", "ca_file is only for rediss:"), ("redis://h?verify=no", "verify is only for rediss:"),
        ("redis-unix:///s?server_name=x", "server_name is only for rediss:"),
        ("rediss://h?ca_file=x", "ca_file of a redis URL takes the absolute path"),
        ("rediss://h?cert_file=/x", "needs key_file"), ("rediss://h?key_file=/x", "needs cert_file"),
        ("rediss://h?server_name=::1", "no address"), ("rediss://h?server_name=127.0.0.1", "no address"),
        ("rediss://h?verify=maybe", "yes or no"),
        ("redis://h?sentinel_user=x", "only for redis+sentinel:"),
        ("redis+cluster://h?sentinel_password_file=/x", "only for redis+sentinel:"),
        ("redis+sentinel://h/m?sentinel_user=x", "needs sentinel_password_file"),
        ("redis+sentinel://h", "no service"), ("redis+sentinel://h/", "no service"),
        ("redis+sentinel://h//1", "no service"), ("redis+sentinel://h/m/x", "(db)"),
        ("redis+sentinel://h,/m", "empty host"), ("redis+sentinel:///m", "empty host"),
        ("redis+cluster://h/1", "only database 0"), ("redis+cluster://h?db=1", "only database 0"),
        ("redis+cluster://a,,b", "empty host"),
        ("redis-unix://h/s", "has a host"), ("redis-unix://", "names no socket"), ("redis-unix:///", "names no socket"),
        ("redis-unix:///s/", "names no socket"),
    ]

    @Test(arguments: refused)
    func aURLThatNamesNoneIsRefused(_ url: String, _ message: String) {
        let fault = #expect(throws: StoreURLError.self) { try StoreLocation(url: url) }
        #expect(fault?.description.contains(message) == true, "\(fault?.description ?? "")")
        #expect(fault?.description.contains("secret") == false)
    }
}
