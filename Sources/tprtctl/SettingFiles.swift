import ArgumentParser
import Glibc
import Programs
import Settings
import WhitelistFiles

/// The configuration files of the daemon, whose settings hold here, too.
struct SettingFiles: ParsableArguments {
    @Option(
        name: [.customShort("c", allowingJoined: true), .long],
        help: ArgumentHelp(
            "Read a configuration file of tprtd, whose settings then hold here, too; may be given several times.",
            discussion: "Unless one is named, it is \(Self.usual), where that exists.", valueName: "file"),
        completion: .file())
    var configfile: [String] = []

    /// Where the package has it.
    private static let usual = "/etc/tprt/tprt.conf"

    private var files: [String] {
        configfile.isEmpty && access(Self.usual, F_OK) == 0 ? [Self.usual] : configfile
    }

    /// What the files and the variables say.
    func load(environment: [String: String]) throws(ProgramError) -> Configuration {
        do throws(SettingErrors) {
            return try SettingSources(files: files, environment: environment).load {
                try contents(of: $0, limit: ConfigurationFile.sizeLimit)
            }.configuration
        } catch {
            throw ProgramError(error)
        }
    }
}
