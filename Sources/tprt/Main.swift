import DaemonApp
import tprtctl

/// One program under its names: the daemon, the tool where it is called `tprtctl`, and the daemon with postgrey's command
/// line where it is called `tprt-postgrey` or `postgrey`.
@main
enum Main {
    @MainActor
    static func main() async {
        let name = CommandLine.arguments.first?.split(separator: "/").last
        switch name {
        case "tprtctl": await ToolProgram.main()
        case "tprt-postgrey", "postgrey": await PostgreyProgram.main(importing: ToolProgram.runImport)
        default: await DaemonProgram.main()
        }
    }
}
