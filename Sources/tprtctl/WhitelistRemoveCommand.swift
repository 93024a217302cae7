import ArgumentParser
import FoundationEssentials
import JSONText
import Programs
import Settings
import WhitelistFiles
import Whitelists

/// `tprtctl whitelist remove`.
struct WhitelistRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove an entry from a list in a JSON file or a Redis.",
        discussion: """
            The entry is named by its name, by its number in the list as `tprtctl whitelist list` shows it (from 0), or \
            by all of what it matches. Ends with status 1 where there is none such.
            """)

    @Argument(help: ArgumentHelp("The whitelist: file:///path or redis://host/0.", valueName: "source"))
    var source: String

    @Option(help: ArgumentHelp("The list.", valueName: "name"))
    var list: String

    @Option(help: ArgumentHelp("The entry's name.", valueName: "name"))
    var entryName: String?

    @Option(help: ArgumentHelp("The entry's number, from 0.", valueName: "number"))
    var number: Int?

    @OptionGroup(title: "What it matches") var options: EntryOptions

    func validate() throws {
        let ways = [entryName != nil, number != nil, !options.areEmpty].count { $0 }
        guard ways == 1 else { throw ValidationError("name one entry: by --entry-name, --number, or what it matches") }
    }

    @OptionGroup var settings: SettingFiles

    func run() throws {
        let choice = try choice()
        let (location, isDone) =
            switch try WhitelistTarget(source) {
            case .file(let path): (bareOrQuoted(path), try remove(choice, fromFile: path))
            case .redis(let redis):
                (
                    redis.name,
                    try WhitelistTarget.edit(list, of: redis) { (list) throws(WhitelistError) in try list.remove(choice)
                    }
                )
            }
        guard isDone else {
            note("\(location)(\(bareOrQuoted(list))): no such entry")
            throw ExitCode(1)
        }
        try say("\(location)(\(bareOrQuoted(list))): removed")
    }

    private func choice() throws(ProgramError) -> EntryChoice {
        if let entryName { return .name(entryName) }
        if let number { return .number(number) }
        let members = try options.members()
        do throws(WhitelistError) {
            let options = SourceOptions(allowsPatterns: true, allowsWide: true)
            return .condition(try WhitelistEntry(members: members, options).condition)
        } catch {
            throw ProgramError(.dataError, error.description)
        }
    }

    private func remove(_ choice: EntryChoice, fromFile path: String) throws(ProgramError) -> Bool {
        try VendorFiles(settings.load(environment: ProcessInfo.processInfo.environment).service).refuse(path)
        return try WhitelistTarget.edit(path, mustExist: true) { (text) throws(WhitelistError) in
            try text.remove(choice, from: list)
        }
    }
}
