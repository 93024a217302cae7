import Testing

@testable import tprtctl

@Suite("Files of /etc/default")
struct ShellVariablesTests {
    @Test(
        "values are read as a shell reads them",
        arguments: [
            ("A=b", "b"), ("A=\"--inet=10023 --delay=60\"", "--inet=10023 --delay=60"), ("A='it is $5'", "it is $5"),
            ("A=\"a \\\"b\\\" \\$c \\n\"", "a \"b\" $c \\n"), ("A=a\\ b", "a b"), ("A=a'b'\"c\"", "abc"),
            ("# A=x\nA=y # z", "y"), ("A=x\nA=y", "y"), ("export A=y", "y"), ("A=\"one\\\n two\"", "one two"),
            ("A=", ""), ("A=''", ""), ("B=1; A=2", "2"), ("\tA=x\r\n", "x"), ("A=\"two\nlines\"", "two\nlines"),
            ("A=a#b", "a#b"),
        ])
    func values(_ text: String, _ expected: String) throws {
        #expect(try ShellVariables(text).settings["A"]?.value == expected)
    }

    @Test("each has the line where it begins")
    func lines() throws {
        let variables = try ShellVariables("# one\n\nA=1\nB=\"two\nthree\"\nC=4\n")
        #expect(variables.settings.mapValues(\.line) == ["A": 3, "B": 4, "C": 6])
    }

    @Test(
        "what takes a shell is refused, with its line",
        arguments: [
            ("A=$B", 1, "$ takes a shell"), ("\nA=\"$(hostname)\"", 2, "$ takes a shell"),
            ("A=`id`", 1, "` takes a shell"),
            ("if true\n", 1, "\"if\" is not a setting"), ("A=\"x", 1, "no other one"), ("1A=x", 1, "is not a setting"),
            ("A=x\nB='y", 2, "no other one"), ("A=x && B=y", 1, "& takes a shell"),
            ("A=\\", 1, "ends with a backslash"),
        ])
    func faults(_ text: String, _ line: Int, _ message: String) {
        let error = #expect(throws: ShellVariables.ParseError.self) { try ShellVariables(text) }
        #expect(error?.line == line && error?.message.contains(message) == true, "\(error as Any)")
    }
}
