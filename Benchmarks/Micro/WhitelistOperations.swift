import Greylist
import Policy
import Whitelists

/// Looking for the entry that decides, among three thousand.
enum WhitelistOperations {
    static func all() -> [Operation] {
        let whitelist = Samples.whitelist()
        func match(_ name: String, _ request: PolicyRequest, isFound: Bool = true) -> Operation {
            let envelope = Samples.envelope(of: request)
            guard (whitelist.match(request, envelope, at: Samples.now) != nil) == isFound else {
                fatalError("the sample for \(name) is matched otherwise")
            }
            return Operation("whitelist: \(name)") {
                whitelist.match(request, envelope, at: Samples.now) == nil ? 0 : 1
            }
        }
        return [
            match("network", Samples.request(Samples.text(client: "203.0.113.9"))),
            match("address", Samples.request(Samples.text(recipient: "postmaster@whitelisted.example"))),
            match("name", Samples.request(Samples.text(name: "mta-7.whitelisted.example"))),
            match("no match", Samples.request(Samples.text()), isFound: false),
        ]
    }
}
