import DaemonApp
import tprtctl

/// One program under two names: the daemon, and the tool where it is called `tprtctl`.
@main
enum Main {
    @MainActor
    static func main() async {
        let name = CommandLine.arguments.first?.split(separator: "/").last
        if name == "tprtctl" {
            await ToolProgram.main()
        } else {
            await DaemonProgram.main()
        }
    }
}
