import Bytes
import Greylist

/// What the name of a client says of it, beside its organisation.
struct NameTraits {
    /// Whether the part left of its public suffix holds the client's address.
    var holdsAddress = false
    /// The first word left of the organisation that is a mail server's; nil where there is none.
    var serverWord: Range<Int>?
    /// The first word left of the organisation that is a customer's line's; nil where there is none.
    var dialUpWord: Range<Int>?

    /// Whether it says nothing of who sends: the provider made it for a line or a machine.
    ///
    /// A mail server's word rescues a name that holds the address, but nothing rescues a customer's line.
    var isGeneric: Bool { dialUpWord != nil || holdsAddress && serverWord == nil }

    /// Looks at the confirmed name of a client.
    ///
    /// Words are looked for left of the organisation only: `mail.home.pl` is a mail server of a company, and
    /// `user.example` may be anybody's.
    ///
    /// - Parameters:
    ///   - name: in lower case and A-labels, without a final dot
    ///   - place: where its organisation is
    ///   - client: the address that has the name
    init(of name: Span<UInt8>, _ place: Organisations.Place, client: Address) {
        var index = 0
        while index < place.start {
            guard name[index].isLetter else {
                index += 1
                continue
            }
            let start = index
            while index < place.start, name[index].isLetter { index += 1 }
            switch NameToken(name.extracting(start..<index)) {
            case .server: if serverWord == nil { serverWord = start..<index }
            case .dialUp: if dialUpWord == nil { dialUpWord = start..<index }
            case nil: break
            }
        }
        holdsAddress = name.extracting(0..<max(place.suffix - 1, 0)).holds(client)
    }
}
