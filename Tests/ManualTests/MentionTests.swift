import ArgumentParser
import Foundation
import Settings
import Testing

@testable import DaemonApp
@testable import WhitelistFiles

@Suite("What manual pages mention")
struct ManualMentionTests {
    @Test(
        "Every setting stands in its manual, in the example unless it is refused, and in the help where it has a flag")
    func settingsAreMentioned() throws {
        let settings = try Pages.configuration().generated()
        let daemon = try Pages.daemon().generated()
        let example = try String(contentsOf: repository.appending(path: "etc/tprt.conf"), encoding: .utf8)
        let help = TprtdArguments.helpMessage(columns: 200)
        for field in Configuration.fields {
            #expect(settings.contains("\n.It Cm \(field.name)\n"), "\(field.key)")
            #expect(settings.contains("\n.Ev \(field.environmentName)\n"), "\(field.key)")
            #expect(example.contains("\n        //\"\(field.name)\": ") != field.isRefused, "\(field.key)")
            guard let flag = field.flag else { continue }
            #expect(help.contains("--\(flag.long)"), "\(field.key)")
            #expect(daemon.contains("Fl \\-\(Mdoc.argument(flag.long))"), "\(field.key)")
            #expect(settings.contains("\n.Fl \\-\(Mdoc.argument(flag.long))\n"), "\(field.key)")
        }
    }

    @Test("Every command and option of tprtctl stands in its manual")
    func commandsAreMentioned() throws {
        let page = try Pages.tool().generated()
        let commands = try Pages.toolCommands().leaves
        #expect(!commands.isEmpty)
        for (words, command) in commands {
            let title = "\n.Ss tprtctl \(words.joined(separator: " "))\n"
            let section = page.split(separator: title).dropFirst().first?.prefix(upTo: "\n.Ss ") ?? ""
            #expect(!section.isEmpty, "\(title)")
            // --version is the whole program's.
            for name in command.shownArguments.flatMap({ $0.names ?? [] }) where name.name != "version" {
                #expect(section.contains(Mdoc.argument(name.name)), "\(title) \(name.name)")
            }
        }
    }

    @Test("Every type and member of a whitelist entry stands in its manual")
    func entriesAreMentioned() throws {
        let page = try Pages.whitelist.shipped()
        let types = ConditionReader.types.split(separator: ", ").map(String.init)
        let members = try membersThatAreRead()
        #expect(types.contains("ipv4_net"))
        #expect(members.isSuperset(of: ["type", "net", "mask", "of", "expires", "delay", "allow_wide"]))
        for word in members.union(types) {
            let mention = try Regex("(?m)^\\.(Cm|It).*\\b\(word)\\b")
            #expect(page.contains(mention), "\(word)")
        }
    }

    /// The members that the reader asks an entry for, as its source spells them.
    private func membersThatAreRead() throws -> Set<String> {
        let directory = repository.appending(path: "Sources/WhitelistFiles")
        let files = ["ConditionReader.swift", "EntryReader.swift"]
        let sources = try files.map { try String(contentsOf: directory.appending(path: $0), encoding: .utf8) }
        let asked =
            #/
            (?:entry|self)\["([a-z_]+)"\]
            | (?:entry\.|\s)(?:string|flag|optionalString)\("([a-z_]+)"\)
            | literal\(entry,\ "([a-z_]+)"\)
            /#
        return Set(
            sources.joined().matches(of: asked).compactMap { match in
                (match.1 ?? match.2 ?? match.3).map(String.init)
            })
    }
}

extension Substring {
    /// What stands before `end`, or everything.
    fileprivate func prefix(upTo end: String) -> Substring {
        firstRange(of: end).map { self[..<$0.lowerBound] } ?? self
    }
}
