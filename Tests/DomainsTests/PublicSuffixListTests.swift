import Testing

@testable import Domains

@Suite("The public suffix list as a file")
struct PublicSuffixListTests {
    static let head = "// ===BEGIN ICANN DOMAINS===\n"
    static let tail = "// ===END PRIVATE DOMAINS===\n"

    /// A list with so many rules below `example`, and one of its own.
    private static func text(rules: Int, own: String = "example") -> [UInt8] {
        Array((head + own + "\n" + (1..<rules).map { "s\($0).example\n" }.joined() + tail).utf8)
    }

    @Test("that of Debian's package loads, and so does the one of libpsl")
    func loads() throws {
        let list = try Lists.installed()
        #expect(list.ruleCount > 5_000)
        #expect(!list.isBuiltIn)
        let builtIn = PublicSuffixList.builtIn()
        #expect(builtIn.isBuiltIn)
        #expect(builtIn.ruleCount > 5_000)
        for list in [list, builtIn] {
            #expect(list.start(in: "mx.example.co.uk") == 3)
            #expect(list.has("co.uk"))
            #expect(list.has("github.io"))
            #expect(!list.has("example.co.uk"))
            #expect(!list.has("nosuchtld"))
        }
    }

    static let refusals: [(String, SuffixListError)] = [
        ("", .empty), (" \n\t\r\n", .empty), ("\u{feff}", .empty), ("<!DOCTYPE html>\n<html>", .html),
        ("\n\n  <html lang=en>", .html), ("\u{feff}<html>", .html),
        ("// just a comment\ncom\n", .incomplete(mark: "===BEGIN ICANN DOMAINS===")),
        ("\(head)com\nco.uk\n", .incomplete(mark: "===END PRIVATE DOMAINS===")),
        ("\(head)com\nno page <br>\n404<br>\n\(tail)", .malformed(line: 4)),
        ("\(head)com\n{\"a\": 1}\n\(tail)", .malformed(line: 3)), ("\(head)!\n\(tail)", .malformed(line: 2)),
        ("\(head)*.\n\(tail)", .malformed(line: 2)), ("\(head)com\n  net\n\(tail)", .malformed(line: 3)),
        ("\u{7f}ELF\u{2}\n", .malformed(line: 1)),
    ]

    @Test("what is not one is named", arguments: refusals)
    func refused(text: String, error: SuffixListError) {
        #expect(throws: error) { try PublicSuffixList(text: Array(text.utf8)) }
    }

    @Test("a list cut off at any line is refused")
    func cutOff() throws {
        let lines = try Lists.installedText().split(separator: 10, omittingEmptySubsequences: false)
        for count in stride(from: 0, to: lines.count - 5, by: 997) {
            #expect(throws: SuffixListError.self) {
                try PublicSuffixList(text: Array(lines[..<count].joined(separator: [10])))
            }
        }
    }

    @Test("line ends of Windows, blanks behind a rule and a byte order mark do no harm")
    func lineEnds() throws {
        let text = "\u{feff}" + Self.head + "com\r\n*.ck  behind\r\n!www.ck\t\r\n公司.cn\r\n" + Self.tail
        let list = try PublicSuffixList(text: Array(text.utf8))
        #expect(list.ruleCount == 4)
        for (name, start) in [
            ("a.b.com", 2), ("a.b.ck", 0), ("x.a.b.ck", 2), ("a.www.ck", 2), ("a.b.xn--55qx5d.cn", 2),
        ] {
            #expect(list.start(in: name) == start, "\(name)")
        }
    }

    @Test("libpsl knows rules of up to eight labels")
    func longRules() throws {
        for (labels, isFound) in [(7, true), (8, true), (10, false), (40, false)] {
            let rule = String(repeating: "a.", count: labels - 1) + "example"
            let list = try PublicSuffixList(text: Array("\(Self.head)example\n\(rule)\n\(Self.tail)".utf8))
            let name = "x.b.\(rule)"
            #expect(list.start(in: name) == (isFound ? 2 : name.utf8.count - "a.example".utf8.count), "\(labels)")
        }
    }

    @Test("another list takes the place of the one in use")
    func replaced() throws {
        let list = try PublicSuffixList(text: Self.text(rules: 10))
        guard case .replaced(let other) = list.reloaded(from: Self.text(rules: 5, own: "net")) else {
            Issue.record("the list was kept")
            return
        }
        #expect(other.ruleCount == 5)
        #expect(other.has("net"))
    }

    static let again = "(install Debian's package publicsuffix again)"
    static let changes: [(String?, String)] = [
        (nil, "file is missing or can't be read (install Debian's package publicsuffix)"),
        ("", "file is empty \(again)"), ("<html>", "file is HTML, not a list of suffixes \(again)"),
        ("\(head)com\n", "the mark ===END PRIVATE DOMAINS=== is missing, so the file is incomplete \(again)"),
        ("\(head)com\nno rule!\n!\n\(tail)", "line 4 is not a rule \(again)"),
        ("\(head)com\nnet\norg\nbiz\n\(tail)", "it has 4 rules, and the list in use has 10: more than half are gone"),
    ]

    @Test("a file that is no list changes nothing, and a sentence says why", arguments: changes)
    func kept(text: String?, reason: String) throws {
        let list = try PublicSuffixList(text: Self.text(rules: 10))
        guard case .kept(let sentence) = list.reloaded(from: text.map { Array($0.utf8) }, path: "/p") else {
            Issue.record("the list was replaced")
            return
        }
        #expect(sentence == "public suffix list /p: \(reason); the list in use stays (10 rules)")
    }

    @Test("a shrunk list is taken where that is accepted, and libpsl's own counts as one in use")
    func accepted() throws {
        let builtIn = PublicSuffixList.builtIn()
        guard case .kept(let sentence) = builtIn.reloaded(from: nil) else {
            Issue.record("the list was replaced")
            return
        }
        #expect(sentence.hasSuffix("; the list of libpsl is used (\(builtIn.ruleCount) rules)"))
        guard case .kept = builtIn.reloaded(from: Self.text(rules: 10)),
            case .replaced(let small) = builtIn.reloaded(from: Self.text(rules: 10), acceptingShrunk: true)
        else {
            Issue.record("half of the rules was not the bound")
            return
        }
        #expect(small.ruleCount == 10)
    }
}
