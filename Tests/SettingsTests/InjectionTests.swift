import Settings
import Testing

@Suite("Injections")
struct InjectionTests {
    @Test(
        "values with and without a type",
        arguments: [
            ("service.grey_delay=5m", "5m"), ("service.grey_delay=:int:60", "1m"),
            ("service.grey_delay=:float:1.5", "1500ms"),
            ("service.grey_delay=:bytes:90", "90s"), ("server.daemonize=:bool:True", "true"),
            ("server.daemonize=true", "true"), ("service.ipv4_mask=:int:20", "20"),
            ("service.ipv4_mask=:float:20", "20"),
            ("server.user=:bytes:postfix", "postfix"), ("server.user=", ""), ("server.user=a=b", "a=b"),
            ("server.socket_listen_host=::1", "::1"), ("server.socket_mode=0600", "0600"),
            ("service.wl_sources=[\"file:///a\"]", "[\"file:///a\"]"), ("service.wl_sources=a,b", "[\"a\", \"b\"]"),
            ("service.grey_text=:8080: come back", ":8080: come back"), ("log.config={}", "{}"),
            ("log.config={version: 1}", "{\"version\": 1}"),
        ])
    func good(injection: String, text: String) throws {
        let loaded = try Configuration.load(injections: [injection])
        let key = String(injection.prefix { $0 != "=" })
        #expect(Configuration.field(key)?.text(in: loaded.configuration) == text)
        #expect(loaded.origins == [key: .injection])
    }

    @Test(
        "what is refused",
        arguments: [
            ("service.grey_delay", "-i: \"service.grey_delay\" gives no value (section.key=value)"),
            ("=5", "-i: \"=5\" gives no value (section.key=value)"),
            ("", "-i: \"\" gives no value (section.key=value)"),
            ("service.grey_dely=5", "-i: service.grey_dely: no such setting (did you mean service.grey_delay?)"),
            ("grey_delay=5", "-i: grey_delay: no such setting (did you mean service.grey_delay?)"),
            ("service.grey_delay=:complex:5", "-i: service.grey_delay: no setting is a complex number"),
            (
                "service.grey_delay=:flot:5",
                "-i: service.grey_delay: \"flot\" is not one of the types bool, int, float, complex, bytes (did you mean float?)"
            ),
            ("service.ipv4_mask=:int:x", "-i: service.ipv4_mask: \"x\" is not a whole number"),
            ("service.ipv4_mask=:float:20.5", "-i: service.ipv4_mask: 20.5 is not a whole number"),
            ("service.grey_delay=:float:nan", "-i: service.grey_delay: \"nan\" is not a number"),
            ("server.daemonize=:bool:x", "-i: server.daemonize: \"x\" is not true or false"),
            ("server.user=:int:5", "-i: server.user: 5 is not a text (a text needs quotes)"),
            (
                "server.socket_mode=:int:660",
                "-i: server.socket_mode: the number 660 could be octal or decimal (write the mode in quotes, such as \"0660\")"
            ),
            (
                "service.wl_sources=[file]",
                "-i: service.wl_sources: not JSON: expected a value, found \"file\" at column 2 (a text needs quotes)"
            ),
        ])
    func bad(injection: String, message: String) {
        #expect(messages(injections: [injection]) == [message])
    }
}
