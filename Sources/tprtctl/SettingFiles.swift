import ArgumentParser
import Programs
import Settings
import WhitelistFiles

/// The configuration files of the daemon, whose settings hold here, too.
struct SettingFiles: ParsableArguments {
    @Option(
        name: [.customShort("c", allowingJoined: true), .long],
        help: ArgumentHelp(
            "Read a configuration file of tprtd, whose settings then hold here, too; may be given several times.",
            valueName: "file"),
        completion: .file())
    var configfile: [String] = []

    /// What the files and the variables say.
    func load(environment: [String: String]) throws(Failure) -> Configuration {
        do throws(SettingErrors) {
            return try SettingSources(files: configfile, environment: environment).load {
                try contents(of: $0, limit: ConfigurationFile.sizeLimit)
            }.configuration
        } catch {
            throw Failure(error)
        }
    }
}
