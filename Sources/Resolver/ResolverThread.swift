import CUnbound
import Glibc
import NIOCore
import SPF

/// The one thread that asks the DNS for all event loops.
///
/// It waits for messages, for libunbound and for the next deadline, and does what the machine says.
final class ResolverThread {
    /// To whom an answer goes, or an outcome.
    private enum Caller {
        case look(@Sendable (DNSAnswer, TimeAmount) -> Void)
        case check(@Sendable (SPFCheck, TimeAmount) -> Void)
    }

    private let mailbox: ResolverMailbox
    private let wake: CInt
    private let report: (String) -> Void
    private var options: ResolverOptions
    private var machine: ResolverMachine<Caller>
    private var context: UnboundContext?
    /// Whether the last context couldn't be made, and that has been said.
    private var hasNoContext = false
    private var received: [(number: UInt64, answer: DNSAnswer?, lifetime: TimeAmount?)] = []
    private var closing: [CheckedContinuation<Void, Never>] = []

    init(
        _ options: ResolverOptions, mailbox: ResolverMailbox, wake: CInt, report: @escaping (String) -> Void
    ) {
        self.options = options
        self.mailbox = mailbox
        self.wake = wake
        self.report = report
        machine = ResolverMachine(timeout: TimeAmount(options.timeout))
    }

    func run() {
        var isOpen = true
        while isOpen {
            for message in mailbox.take() {
                isOpen = handle(message) && isOpen
            }
            machine.expire(at: .now())
            if !isOpen { machine.close(at: .now()) }
            act()
            if isOpen { wait() }
        }
        context = nil
        for message in mailbox.close(wake) { refuse(message) }
        for continuation in closing { continuation.resume() }
    }

    /// Takes a message; returns whether the thread goes on.
    private func handle(_ message: ResolverMailbox.Message) -> Bool {
        switch message {
        case .request(.look(let question, let reply)): machine.look(up: question, for: .look(reply), at: .now())
        case .request(.check(let subject, let reply)): machine.check(subject, for: .check(reply), at: .now())
        case .change(let options):
            let timeout = TimeAmount(options.timeout)
            if options.servers == self.options.servers {
                machine.change(timeout: timeout)
            } else {
                machine.changeServers(timeout: timeout, at: .now())
            }
            self.options = options
        case .close(let continuation):
            if let continuation { closing.append(continuation) }
            return false
        }
        return true
    }

    private func refuse(_ message: ResolverMailbox.Message) {
        switch message {
        case .request(let request): request.refuse()
        case .change, .close(nil): break
        case .close(.some(let continuation)): continuation.resume()
        }
    }

    /// Does what the machine says, until it says nothing more.
    private func act() {
        var actions = machine.takeActions()
        while !actions.isEmpty {
            // Before anybody is told, who may look at them.
            mailbox.counts = machine.counts
            for action in actions {
                switch action {
                case .send(let number, let question): send(question, number: number)
                case .cancel(let number): context?.cancel(number)
                case .renew: context = nil
                case .answer(.look(let reply), let answer, let lifetime): reply(answer, lifetime)
                case .conclude(.check(let reply), let outcome, let lifetime): reply(outcome, lifetime)
                case .answer, .conclude: preconditionFailure("a caller gets what it asked for")
                case .noteOutage(let isDown): noteOutage(isDown: isDown)
                }
            }
            actions = machine.takeActions()
        }
    }

    private func send(_ question: DNSQuestion, number: UInt64) {
        guard let context = openContext(), context.ask(question, number: number) else {
            machine.answer(number, .temporaryError, lifetime: nil, at: .now())
            return
        }
    }

    private func openContext() -> UnboundContext? {
        if let context { return context }
        do throws(UnboundContext.SetupError) {
            context = try UnboundContext(servers: options.servers) { [unowned self] number, answer, lifetime in
                received.append((number, answer, lifetime))
            }
            hasNoContext = false
        } catch {
            if !hasNoContext { report("cannot set up the DNS resolver (\(error)); deciding without it") }
            hasNoContext = true
        }
        return context
    }

    private func noteOutage(isDown: Bool) {
        guard isDown else {
            report("DNS available again")
            return
        }
        let servers = options.servers.map(\.description).joined(separator: ", ")
        report(
            "DNS unavailable (\(servers): \(OutageDetector.tolerance) questions in a row without an answer in "
                + "\(options.timeout)); deciding without it")
    }

    /// Waits for the next thing to do, and takes libunbound's answers.
    private func wait() {
        var polled = [pollfd(fd: wake, events: Int16(POLLIN), revents: 0)]
        if let context { polled.append(pollfd(fd: context.descriptor, events: Int16(POLLIN), revents: 0)) }
        var patience: CInt = -1
        if let deadline = machine.nextDeadline {
            // Rounded up, so that it doesn't wake a moment too early, and again.
            patience = CInt(clamping: max(0, (deadline - .now()).nanoseconds + 999_999) / 1_000_000)
        }
        guard poll(&polled, nfds_t(polled.count), patience) > 0 else { return }
        if polled[0].revents != 0 {
            var count: eventfd_t = 0
            eventfd_read(wake, &count)
        }
        guard polled.count > 1, polled[1].revents != 0 else { return }
        context?.process()
        let answers = received
        received = []
        for (number, answer, lifetime) in answers {
            machine.answer(number, answer, lifetime: lifetime, at: .now())
        }
    }
}
