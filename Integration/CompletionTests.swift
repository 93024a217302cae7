import Foundation
import TestSupport
import Testing

@Suite("Completion in shells", .blocking)
struct CompletionTests {
    @Test("Every shell reads what completes our command lines")
    func shellsReadThem() throws {
        try withLab { lab in
            let directory = try makeCompletions(in: lab)
            for name in ["tprtd", "tprtctl"] {
                try run(["bash", "-n", "\(directory)/bash/\(name)"])
                try run(["zsh", "-n", "\(directory)/zsh/_\(name)"])
                try run(["fish", "--no-execute", "\(directory)/fish/\(name).fish"])
            }
        }
    }

    @Test(
        "bash completes flags, their values and commands",
        arguments: [
            ("tprtd --grey_d", "--grey_db"), ("tprtd --check", "--check-config"), ("tprtd --socket_type un", "unix"),
            ("tprtctl sto", "store"), ("tprtctl whitelist te", "test"), ("tprtctl store copy --dry", "--dry-run"),
            ("tprtctl hist", "history"), ("tprtctl privacy ro", "rotate"), ("tprtctl list wai", "waiting"),
            ("tprtctl report --ma", "--mail"),
            ("tprtctl simulate --to", "--today"),
            ("tprtctl history --reason ear", "early-retry"),
        ])
    func bashCompletes(line: String, to word: String) throws {
        try withLab { lab in
            let directory = try makeCompletions(in: lab)
            let program = String(line.prefix { $0 != " " })
            // As bash itself does it: the words, the line, and the function that was named to it.
            let script = """
                source "$1" || exit
                COMP_LINE=$2 COMP_POINT=${#2}
                read -ra COMP_WORDS <<<"$2"
                COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
                function=$(complete -p "${COMP_WORDS[0]}" | sed -E 's/.* -F ([^ ]+) .*/\\1/')
                "$function" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
                printf '%s\\n' "${COMPREPLY[@]}"
                """
            let said = try run(["bash", "-c", script, "bash", "\(directory)/bash/\(program)", line])
            #expect(said.split(separator: "\n").contains(Substring(word)))
        }
    }

    private func makeCompletions(in lab: Lab) throws -> String {
        let directory = lab.directory.file("completions")
        try run([packaging("completions"), try programDirectory(), directory])
        return directory
    }
}
