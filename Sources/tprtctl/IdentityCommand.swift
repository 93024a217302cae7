import ArgumentParser
import Bytes
import Domains
import FileCalls
import Greylist
import JSONText
import Programs
import Settings
import WhitelistFiles

/// `tprtctl identity`: says who senders are, and orders what the fast lane makes of them.
struct IdentityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identity", abstract: "Say who a client is, and what its organisation has earned.",
        subcommands: [
            IdentityAllowCommand.self, IdentityDenyCommand.self, IdentityForgetCommand.self, IdentityShowCommand.self,
            IdentityTestCommand.self,
        ])
}

/// `tprtctl identity test`.
struct IdentityTestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Say step by step what the names of a client and of a sender give.",
        discussion: """
            No question is put to the DNS: the name is taken as one that the mail server has confirmed. Ends with status 0 \
            where the names prove the sender's organisation, with 1 where they don't, and SPF would have to.
            """)

    @Argument(help: ArgumentHelp("The client's forward-confirmed name, or \"unknown\".", valueName: "name"))
    var name: String

    @Option(help: ArgumentHelp("The client's address.", valueName: "address"))
    var address = "0.0.0.0"

    @Option(help: ArgumentHelp("The sender; without one, the null sender.", valueName: "address"))
    var sender = ""

    @Option(help: ArgumentHelp("The name with which the client greets.", valueName: "name"))
    var helo = ""

    @Option(help: ArgumentHelp("The recipient, whom the senders of mailing services may name.", valueName: "address"))
    var recipient = ""

    @Flag(help: "Print the result as JSON.")
    var json = false

    @OptionGroup var lists: IdentityLists

    func validate() throws {
        guard Address(client: Array(address.utf8).span) != nil else {
            throw ValidationError("\(shortened(address)) is not an address")
        }
    }

    /// The findings, by the lists.
    func explanation(_ reading: IdentityLists.Reading) -> IdentityExplanation? {
        guard let client = Address(client: Array(address.utf8).span) else { return nil }
        let (name, helo) = (Array(name.utf8), Array(helo.utf8))
        let (sender, recipient) = (Array(sender.utf8).map(\.lowercased), Array(recipient.utf8).map(\.lowercased))
        var identity = NamedIdentity()
        identity.find(
            client: client, clientName: name.span, helo: helo.span, sender: sender.span, in: reading.organisations)
        return IdentityExplanation(
            identity, address, sender: sender, recipient: recipient, reading.organisations.shared)
    }

    func run() throws {
        let reading = try lists.read()
        guard let explanation = explanation(reading) else { return }
        try say(json ? explanation.json(reading).text : explanation.text)
        for message in reading.messages { note(message) }
        if !explanation.isProven { throw ExitCode(1) }
    }
}

/// The lists that say what an organisation is.
struct IdentityLists: ParsableArguments {
    @Option(
        help: ArgumentHelp("The public suffix list.", valueName: "file"), completion: .file())
    var suffixList = PublicSuffixList.path

    @Option(
        help: ArgumentHelp(
            "Shared and tenant identities; may be given several times, and a later file changes what an earlier one says.",
            discussion: "Unless one is named, they are \(Self.usual.joined(separator: " and ")), where these exist.",
            valueName: "file"),
        completion: .file())
    var identities: [String] = []

    /// Where the package has them: those that come with the program, and the administrator's.
    static let usual = Configuration.Service().sharedIdentityFiles

    /// What was read.
    struct Reading {
        let organisations: Organisations
        /// What is wrong with the lists, a sentence each.
        let messages: [String]
    }

    /// Reads all lists.
    func read() throws(ProgramError) -> Reading {
        var (suffixes, messages) = (PublicSuffixList.builtIn(), [String]())
        let text = try? contents(of: suffixList, limit: PublicSuffixList.sizeLimit)
        // Another list than the installed one is meant as it is.
        let isOther = suffixList != PublicSuffixList.path
        switch suffixes.reloaded(from: text, path: bareOrQuoted(suffixList), acceptingShrunk: isOther) {
        case .replaced(let list): suffixes = list
        case .kept(let message): messages.append(message)
        }
        var files: [SharedIdentityFile] = []
        for path in identities.isEmpty ? Self.usual.filter({ FileNames.exists($0) }) : identities {
            let name = bareOrQuoted(path)
            let text: [UInt8]
            do throws(FileReadError) {
                text = try contents(of: path, limit: SharedIdentityFile.sizeLimit)
            } catch {
                throw ProgramError(.noInput, "\(name): \(error)")
            }
            switch SharedIdentityFile(path: name).reloaded(from: text) {
            case .replaced(let file): files.append(file)
            case .kept(let message): messages.append(message)
            }
        }
        let shared = SharedIdentities(files)
        return Reading(
            organisations: Organisations(suffixes: suffixes, shared: shared),
            messages: messages + shared.faults + shared.remarks(by: suffixes))
    }
}
