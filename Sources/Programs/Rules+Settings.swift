public import Greylist
public import Settings

extension Rules {
    /// The rules that the settings give.
    public init(_ service: Configuration.Service) {
        self.init(
            delay: service.greyDelay.wholeSeconds, retryWindow: service.greyRetryWindow.wholeSeconds,
            maxAge: service.greyMaxAge.wholeSeconds, clientCount: UInt32(service.awlClientCount),
            maxPending: service.maxPending, maxPendingPerNetwork: service.maxPendingPerNetwork)
    }
}

extension Duration {
    /// Seconds, a fraction rounded up.
    fileprivate var wholeSeconds: Int64 {
        components.seconds + (components.attoseconds > 0 ? 1 : 0)
    }
}
