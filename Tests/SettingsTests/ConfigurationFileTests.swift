import Settings
import Testing

@Suite("Configuration files")
struct ConfigurationFileTests {
    @Test("size is bounded")
    func huge() {
        let spaces = [UInt8](repeating: 0x20, count: ConfigurationFile.sizeLimit - 2)
        #expect(messages(files: [ConfigurationFile(path: "/a", bytes: spaces + Array("{}".utf8))]).isEmpty)
        #expect(
            messages(files: [ConfigurationFile(path: "/a", bytes: spaces + Array("{} ".utf8))])
                == ["/a: the file has 16777217 bytes (at most 16777216)"])
    }

    @Test("a file that is cut off anywhere has one fault, in its last line, and one only")
    func cutOff() {
        let text = Array("[{\"service\": {\n\"grey_delay\": \"5m\", // é\n\"wl_sources\": [\"é\"]}}]".utf8)
        for count in 0..<text.count {
            let bytes = Array(text.prefix(count))
            let line = 1 + bytes.count { $0 == UInt8(ascii: "\n") }
            let messages = messages(files: [ConfigurationFile(path: "/a", bytes: bytes)])
            #expect(messages.count == 1)
            #expect(messages.allSatisfy { $0.hasPrefix("/a:\(line): not JSON: ") }, "\(count) bytes")
        }
    }

    @Test("of a section that is given twice, the last stands")
    func sectionTwice() throws {
        let loaded = try Configuration.load(
            files: [file("{service: {ipv4_mask: 20},\nservice: {ipv6_mask: 48}}")])
        #expect(loaded.configuration.service.ipv4Mask == Configuration().service.ipv4Mask)
        #expect(loaded.configuration.service.ipv6Mask == 48)
    }

    @Test("a key with a dot takes no other's line")
    func dottedKey() {
        let text = "{\n\"service\": {\n\"z\": 1,\n\"y\": 1},\n\"service.z\": 1}"
        let places = messages(files: [file(text)]).map { $0.prefix { $0 != " " } }
        #expect(places.sorted() == ["/etc/tprt.conf:3:", "/etc/tprt.conf:4:", "/etc/tprt.conf:5:"])
    }

    @Test("errors come in the order of the file")
    func order() {
        let names = ["quail", "ant", "zebra", "moose", "bee", "yak", "crow", "lynx"]
        let text = "{" + names.map { "\($0): {}" }.joined(separator: ", ") + "}"
        #expect(messages(files: [file(text)]) == names.map { "/etc/tprt.conf:1: \($0): no such section" })
    }
}
