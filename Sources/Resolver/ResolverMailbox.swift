import CUnbound
import Glibc
import NIOConcurrencyHelpers

/// What other threads tell the resolver's thread, and what they may know of it.
///
/// Descriptors are valid while the state says that it is running; they are used under the lock alone, or by the thread.
final class ResolverMailbox: Sendable {
    enum Message: Sendable {
        case request(ResolverRequest)
        case change(ResolverOptions)
        case close(CheckedContinuation<Void, Never>?)
    }

    private enum State {
        case idle(ResolverOptions)
        case running(wake: CInt)
        case closed
    }

    private struct Contents {
        var state: State
        var messages: [Message] = []
        var counts = ResolverCounts()
    }

    private let contents: NIOLockedValueBox<Contents>

    init(_ options: ResolverOptions) {
        contents = NIOLockedValueBox(Contents(state: .idle(options)))
    }

    var counts: ResolverCounts {
        get { contents.withLockedValue(\.counts) }
        set { contents.withLockedValue { $0.counts = newValue } }
    }

    /// Hands a message to the thread, which starts with the first request; whether there is one that takes it.
    func post(_ message: Message, report: @escaping @Sendable (String) -> Void) -> Bool {
        contents.withLockedValue { contents in
            switch contents.state {
            case .closed: return false
            case .running(let wake):
                contents.messages.append(message)
                // Further messages come with the first.
                if contents.messages.count == 1 { eventfd_write(wake, 1) }
                return true
            case .idle(let options):
                switch message {
                case .change(let options): contents.state = .idle(options)
                case .close(let continuation):
                    contents.state = .closed
                    continuation?.resume()
                case .request:
                    guard let wake = start(options, report) else { return false }
                    contents.state = .running(wake: wake)
                    contents.messages.append(message)
                    eventfd_write(wake, 1)
                }
                return true
            }
        }
    }

    /// Takes what has come.
    func take() -> [Message] {
        contents.withLockedValue { contents in
            defer { contents.messages = [] }
            return contents.messages
        }
    }

    /// Takes nothing any more; returns what came at last.
    func close(_ wake: CInt) -> [Message] {
        contents.withLockedValue { contents in
            contents.state = .closed
            Glibc.close(wake)
            defer { contents.messages = [] }
            return contents.messages
        }
    }

    /// Starts the thread; nil where the system has none to give, or no descriptor.
    private func start(_ options: ResolverOptions, _ report: @escaping @Sendable (String) -> Void) -> CInt? {
        let wake = eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
        guard wake >= 0 else { return nil }
        let body: @Sendable () -> Void = {
            ResolverThread(options, mailbox: self, wake: wake, report: report).run()
        }
        guard startThread(named: "dns", body) else {
            Glibc.close(wake)
            return nil
        }
        return wake
    }
}

/// Starts a thread that takes no signals; whether the system had one.
private func startThread(named name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
    final class Body {
        let (name, run): (String, @Sendable () -> Void)
        init(_ name: String, _ run: @escaping @Sendable () -> Void) { (self.name, self.run) = (name, run) }
    }
    let box = Unmanaged.passRetained(Body(name, body))
    // The new thread has the signal mask of the one that makes it, and libunbound's has ours.
    var (all, before) = (sigset_t(), sigset_t())
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    var thread = pthread_t()
    let status = pthread_create(
        &thread, nil,
        { argument in
            guard let argument else { return nil }
            let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
            unbound_name_thread(body.name)
            body.run()
            return nil
        }, box.toOpaque())
    guard status == 0 else {
        box.release()
        return false
    }
    pthread_detach(thread)
    return true
}
