import JSONText
import Settings
import Testing

/// A setting, what is given to it, and what it then reads as, or the message.
struct ValueCase: Sendable, CustomTestStringConvertible {
    var key: String
    var input: Assignment.Input
    var result: String

    init(_ key: String, text: String, _ result: String) {
        (self.key, input, self.result) = (key, .text(text), result)
    }

    init(_ key: String, json: JSONValue, _ result: String) {
        (self.key, input, self.result) = (key, .json(json), result)
    }

    var testDescription: String { "\(key) \(input)" }

    /// What comes of it: the value as text, or the message.
    func outcome() throws -> String {
        let field = try #require(Configuration.field(key))
        var configuration = Configuration()
        do {
            try field.apply(input, to: &configuration)
            return field.text(in: configuration)
        } catch {
            #expect(configuration == Configuration(), "a message changes nothing")
            return error.description
        }
    }
}

@Suite("Values of every type")
struct ValueTests {
    @Test(
        "true and false",
        arguments: ["true", "True", "TRUE", "yes", "on", "1"].map { ValueCase("server.daemonize", text: $0, "true") }
            + ["false", "False", "no", "Off", "0"].map { ValueCase("server.reuse_socket", text: $0, "false") }
            + [
                ValueCase("server.daemonize", json: .bool(true), "true"),
                ValueCase("server.daemonize", text: "maybe", "\"maybe\" is not true or false"),
                ValueCase("server.daemonize", text: "", "\"\" is not true or false"),
                ValueCase("server.daemonize", json: .int(1), "1 is not true or false (write true, without quotes)"),
                ValueCase("server.daemonize", json: .null, "null is not true or false"),
                ValueCase(
                    "server.daemonize", json: .string("True"),
                    "\"True\" is not true or false (write true, without quotes)"),
            ])
    func booleans(_ example: ValueCase) throws {
        #expect(try example.outcome() == example.result)
    }

    @Test(
        "whole numbers",
        arguments: [
            ValueCase("service.ipv4_mask", text: "32", "32"),
            ValueCase("service.ipv4_mask", json: .int(8), "8"),
            ValueCase("service.ipv4_mask", json: .double(16), "16"),
            ValueCase("service.ipv4_mask", text: "33", "33 is not allowed (whole number, 8 to 32)"),
            ValueCase("service.ipv4_mask", json: .int(7), "7 is not allowed (whole number, 8 to 32)"),
            ValueCase("service.ipv6_mask", text: "15", "15 is not allowed (whole number, 16 to 128)"),
            ValueCase("service.ipv4_mask", json: .double(16.5), "16.5 is not a whole number"),
            ValueCase("service.ipv4_mask", text: "/24", "\"/24\" is not a whole number"),
            ValueCase(
                "service.ipv4_mask", text: "99999999999999999999", "\"99999999999999999999\" is not a whole number"),
            ValueCase(
                "service.ipv4_mask", json: .string("24"), "\"24\" is not a whole number (write it without quotes)"),
            ValueCase("service.ipv4_mask", json: .string("x"), "\"x\" is not a whole number"),
            ValueCase("service.ipv4_mask", json: .array([]), "a list is not a whole number"),
            ValueCase("log.log_level", text: "0", "0"),
            ValueCase("log.log_level", text: "4", "4 is not allowed (whole number, 0 to 3)"),
            ValueCase("server.socket_listen_port", text: "0", "0 is not allowed (whole number, 1 to 65535)"),
            ValueCase("server.threads", text: "65", "65 is not allowed (whole number, 1 to 64)"),
            ValueCase("service.max_pending", text: "0", "0 is not allowed (whole number, 1 to 1000000000)"),
            ValueCase("service.awl_client_count", text: "-1", "-1 is not allowed (whole number, 0 to 1000000)"),
        ])
    func wholeNumbers(_ example: ValueCase) throws {
        #expect(try example.outcome() == example.result)
    }

    @Test(
        "words",
        arguments: [
            ValueCase("server.socket_type", text: "unix", "unix"),
            ValueCase("server.socket_type", text: "tcp", "inet"),
            ValueCase("server.socket_type", json: .string("tcp"), "inet"),
            ValueCase("server.socket_type", text: "unixx", "\"unixx\" is not one of unix, inet (did you mean unix?)"),
            ValueCase("server.socket_type", text: "file", "\"file\" is not one of unix, inet"),
            ValueCase("server.socket_type", json: .bool(true), "true is not one of unix, inet"),
            ValueCase("log.log_type", text: "from_config", "from_config"),
            ValueCase(
                "log.log_type", text: "sylog",
                "\"sylog\" is not one of stderr, stdout, file, syslog, journald, none (did you mean syslog?)"
            ),
            ValueCase("log.log_format", text: "json", "json"),
            ValueCase("log.log_facility", text: "local7", "local7"),
            ValueCase("service.mode", text: "observe", "observe"),
            ValueCase("service.durability", text: "interval", "interval"),
            ValueCase("service.on_store_error", text: "defer", "defer"),
            ValueCase("service.store_fallback", text: "memory", "memory"),
        ])
    func words(_ example: ValueCase) throws {
        #expect(try example.outcome() == example.result)
    }

    @Test(
        "names of a program",
        arguments: ["tprtd", "postgrey", "a", "mx1/greylist-2_b.c", "{tprt}", String(repeating: "x", count: 48)])
    func programName(_ name: String) throws {
        #expect(try ValueCase("log.log_ident", text: name, name).outcome() == name)
    }

    @Test(
        "what is no name of a program",
        arguments: [
            "", "post grey", "tprtd:", "tprtd[1", "t\tx", "x\n", "pr\u{fc}fer", String(repeating: "x", count: 49),
        ])
    func noProgramName(_ name: String) throws {
        let outcome = try ValueCase("log.log_ident", text: name, "").outcome()
        #expect(
            outcome.hasSuffix(
                #"is not allowed (text, 1 to 48 characters of printable ASCII, without blanks, "[" and ":")"#))
    }

    @Test(
        "modes",
        arguments: [
            ValueCase("server.socket_mode", text: "0600", "0600"),
            ValueCase("server.socket_mode", text: "666", "0666"),
            ValueCase("server.socket_mode", json: .string("660"), "0660"),
            ValueCase("server.socket_mode", json: .string("0o777"), "0777"),
            ValueCase("server.socket_mode", text: "0", "0000"),
            ValueCase(
                "server.socket_mode", json: .int(660),
                "the number 660 could be octal or decimal (write the mode in quotes, such as \"0660\")"),
            ValueCase("server.socket_mode", text: "0680", "\"0680\" is not a mode (octal digits such as \"0660\")"),
            ValueCase("server.socket_mode", text: "+660", "\"+660\" is not a mode (octal digits such as \"0660\")"),
            ValueCase("server.socket_mode", text: "", "\"\" is not a mode (octal digits such as \"0660\")"),
            ValueCase("server.socket_mode", text: "1777", "\"1777\" is not allowed (0 to 0777)"),
            ValueCase("server.socket_mode", json: .null, "null is not a mode (octal digits such as \"0660\")"),
        ])
    func modes(_ example: ValueCase) throws {
        #expect(try example.outcome() == example.result)
    }

    @Test(
        "texts",
        arguments: [
            ValueCase("server.user", text: "", ""),
            ValueCase("server.user", json: .string("postfix"), "postfix"),
            ValueCase("server.user", json: .int(5), "5 is not a text (a text needs quotes)"),
            ValueCase("server.user", text: "\"quoted\"", "\"quoted\""),
            ValueCase(
                "service.grey_text", text: "",
                "\"\" is not allowed (text, not empty, on one line, without control characters)"),
            ValueCase(
                "service.grey_text", json: .string("a\nb"),
                "\"a\\nb\" is not allowed (text, not empty, on one line, without control characters)"),
            ValueCase(
                "service.grey_hostname", text: "a\u{7f}",
                "\"a\\u007f\" is not allowed (text, on one line, without control characters)"),
            ValueCase(
                "service.grey_smtp_header", text: "no colon",
                "\"no colon\" is not allowed (text, a header on one line such as \"X-Greylist: delayed\")"),
        ])
    func texts(_ example: ValueCase) throws {
        #expect(try example.outcome() == example.result)
    }

    @Test(
        "actions that send mail away for the moment",
        arguments: [
            "DEFER_IF_PERMIT", "DEFER", "DEFER_IF_REJECT", "defer_if_permit", "450", "451", "450 4.2.0", "451 4.7.100",
        ])
    func goodActions(action: String) throws {
        #expect(try ValueCase("service.grey_action", text: action, action).outcome() == action)
    }

    @Test(
        "actions that would lose mail, or greylist nothing",
        arguments: [
            "", "REJECT", "OK", "DUNNO", "DISCARD", "550", "45", "4500", "450 ", "450 5.7.1", "450 4.7",
            "450 4.7.1 text",
            "450  4.7.1", "PREPEND", "DEFER_IF_PERMIT text", "4\u{661}0",
        ])
    func badActions(action: String) throws {
        let outcome = try ValueCase("service.grey_action", text: action, "").outcome()
        #expect(outcome.contains("is not allowed"))
        #expect(outcome.contains("would lose mail"))
    }

    @Test(
        "lists",
        arguments: [
            ValueCase("service.wl_sources", text: "", "[]"),
            ValueCase("service.wl_sources", text: "file:///a", "[\"file:///a\"]"),
            ValueCase("service.wl_sources", text: "file:///a, file:///b", "[\"file:///a\", \"file:///b\"]"),
            ValueCase("service.wl_sources", text: " [\"file:///a,b\",]", "[\"file:///a,b\"]"),
            ValueCase("service.wl_sources", text: "[]", "[]"),
            ValueCase("service.wl_sources", json: .array([.string("a"), .string("b")]), "[\"a\", \"b\"]"),
            ValueCase(
                "service.wl_sources", text: "a, ,b", "\"a, ,b\" has an empty element (texts with a comma between two)"),
            ValueCase(
                "service.wl_sources", text: "[\"a\"",
                "not JSON: expected \",\" or \"]\", found the end of the text at column 5"),
            ValueCase(
                "service.wl_sources", json: .string("file:///a"),
                "\"file:///a\" is not a list of texts (a list is written [\"one\", \"two\"])"),
            ValueCase(
                "service.wl_sources", json: .array([.int(1)]),
                "1 in a list of texts is not a text (a text needs quotes)"),
        ])
    func lists(_ example: ValueCase) throws {
        #expect(try example.outcome() == example.result)
    }

    @Test(
        "objects",
        arguments: [
            ValueCase("log.config", text: "{}", "{}"),
            ValueCase("log.config", text: "{\"b\": [1, 2.5, null], \"a\": {}}", "{\"a\": {}, \"b\": [1, 2.5, null]}"),
            ValueCase("log.config", text: "5", "5 is not an object (an object is written {\"key\": \"value\"})"),
            ValueCase(
                "log.config", json: .array([]), "a list is not an object (an object is written {\"key\": \"value\"})"),
        ])
    func objects(_ example: ValueCase) throws {
        #expect(try example.outcome() == example.result)
    }
}
