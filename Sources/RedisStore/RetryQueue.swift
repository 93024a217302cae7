import NIOCore

/// Commands that are to be sent once more in a moment.
final class RetryQueue {
    private let eventLoop: any EventLoop
    private let resend: ([Command]) -> Void
    private var commands: [Command] = []
    private var timer: Scheduled<Void>?

    init(on eventLoop: any EventLoop, resend: @escaping ([Command]) -> Void) {
        self.eventLoop = eventLoop
        self.resend = resend
    }

    /// Adds a command to those that go together.
    func add(_ command: Command) {
        commands.append(command)
        guard timer == nil else { return }
        timer = eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(.random(in: 20...50))) {
            self.resend(self.cancel())
        }
    }

    /// Gives back what was to be sent.
    func cancel() -> [Command] {
        timer?.cancel()
        timer = nil
        let commands = commands
        self.commands = []
        return commands
    }
}
