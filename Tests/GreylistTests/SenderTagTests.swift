import Greylist
import Testing

/// What triplets know of a sender that a mail system has put a tag around.
struct SenderTagTests {
    /// The local part, and what is kept of it.
    static let known: [(local: String, kept: String)] = [
        // BATV: as the draft has it, and the shorter tag of Cisco
        ("prvs=0123abcdef=user", "user"),
        ("PRVS=0123ABCDEF=User", "user"),
        ("prvs=4451fe355=jane.doe", "jane.doe"),
        ("prvs=587dba071=jane", "jane"),
        ("prvs=9999999999=jane", "jane"),
        ("prvs=1234abcdef=jane=example.org", "jane=example.org"),
        ("prvs=1234abcdef=jürgen", "jürgen"),
        ("prvs=1234abcdef=list-42-owner", "list-#-owner"),
        ("prvs=1234abcdef=user+ext", "user"),
        // The two swapped: whatever the name is, and however long
        ("prvs=user=0123abcdef", "user"),
        ("prvs=christopher=0123abcdef", "christopher"),
        ("prvs=deadbeefcafe=0123abcdef", "deadbeefcafe"),
        ("prvs=christopher=53600ee1b", "christopher"),
        ("prvs=jane=example.org=0123abcdef", "jane=example.org"),
        ("prvs=user+ext=0123abcdef", "user"),
        ("prvs=jane12=0123456789", "jane12"),
        // Both look like a tag
        ("prvs=123456789=587dba071", "#"),
        ("prvs=123456789=123456789", "#"),
        ("prvs=587dba071=123456789", "#"),
        ("prvs=587dba071=123abcdef", "123abcdef"),
        // With a slash, or a number behind the word
        ("prvs=user/0123abcdef", "user"),
        ("prvs=0123abcdef/user", "user"),
        ("prvs1=0123abcdef=user", "user"),
        // As an extension
        ("user-prvs=0123abcdef", "user"),
        ("jane-doe-prvs=0123abcdef", "jane-doe"),
        ("user+prvs=0123abcdef", "user"),
        // Barracuda, SparkPost
        ("btv1==760cdc7c545==user", "user"),
        ("BTV1==068A4973B3A==User", "user"),
        ("btv1==1086afe1179==jane.doe", "jane.doe"),
        ("msprvs1=17391mZ1xbbG7=bounces-265900-1234", "bounces-#-#"),
        ("msprvs1=20676xgzi92p-=bounces-1898-1322", "bounces-#-#"),
        ("msprvs1=1202020UU5ulBw=bounces-tester", "bounces-tester"),
        // SRS, with each separator; a hash may hold + and /
        ("SRS0=S7Ai=4B=orig.example=noc", "srs0=orig.example=noc"),
        ("SRS0=k2Qz=4C=orig.example=noc", "srs0=orig.example=noc"),
        ("SRS0-k2Qz=4C=orig.example=noc", "srs0-orig.example=noc"),
        ("SRS0+k2Qz=4C=orig.example=noc", "srs0+orig.example=noc"),
        ("srs0=//j0=sg=orig.example=noc", "srs0=orig.example=noc"),
        ("SRS0=a+7i=4B=orig.example=noc", "srs0=orig.example=noc"),
        ("SRS0=a-_i=4B=orig.example=noc", "srs0=orig.example=noc"),
        ("SRS0=S7Ai=4B=orig.example=noc+ext", "srs0=orig.example=noc"),
        ("SRS0=S7Ai=4B=orig.example=list-42-owner", "srs0=orig.example=list-#-owner"),
        ("SRS0=S7Ai=4B=163.com=jane", "srs0=163.com=jane"),
        ("SRS0=S7Ai=4B=bücher.example=jürgen", "srs0=bücher.example=jürgen"),
        ("SRS0=S7Ai=4B=orig.example=a=b", "srs0=orig.example=a=b"),
        ("SRS1=chaI=fwd.example==S7Ai=4B=orig.example=noc", "srs1=fwd.example==orig.example=noc"),
        ("SRS1=9xQ/=fwd.example==k2Qz=4C=orig.example=noc", "srs1=fwd.example==orig.example=noc"),
        ("SRS1-chaI=fwd.example=-S7Ai=4B=orig.example=noc", "srs1-fwd.example=-orig.example=noc"),
        ("SRS1+chaI=fwd.example=+S7Ai=4B=orig.example=noc", "srs1+fwd.example=+orig.example=noc"),
        ("bounces+SRS=44ldt=IX", "bounces"),
        ("john+SRS=44ldt=IX=orig.example=noc", "john"),
        // Tags within tags
        ("SRS0=LB9Y=TN=orig.example=prvs=0530a50c4=jane", "srs0=orig.example=jane"),
        ("prvs=0123abcdef=SRS0=S7Ai=4B=orig.example=noc", "srs0=orig.example=noc"),
        ("btv1==760cdc7c545==prvs=jane=0123abcdef", "jane"),
        // TMDA
        ("jason-dated-988298746.9d619c", "jason"),
        ("jason+dated+988298746.9d619c", "jason"),
        // Google, VERP
        ("user+caf_=other=example.net", "user"),
        ("list-bounces+user=example.com", "list-bounces"),
        ("bounce-123-user=example.com", "bounce-#-user=example.com"),
    ]

    @Test(arguments: known)
    func isTakenOff(_ local: String, _ kept: String) {
        #expect(Self.kept(of: local) == kept)
    }

    /// What looks nearly like a tag; nothing of it may go, so that no two people become one.
    static let unknown = [
        "prvs", "prvs=", "prvs==", "prvs=user", "prvs==user", "prvs=0123abcdef", "prvs=0123abcdef=", "prvs==0123abcdef",
        // The alphabet, and how many of it
        "prvs=christopher=maximilian", "prvs=alexandria=user", "prvs=user=alexandria", "prvs=012abcdeg=user",
        "prvs=012abcdefg=user", "prvs=01abcdef23=user", "prvs=012abcde=user", "prvs=0123abcdefab=user",
        "prvs=deadbeefca=user", "prvs=user=0123abcdefab", "prvs=user=012-abcdef", "prvs=tag=user",
        // The word, and where it stands
        "prvs-0123abcdef=user", "prvsx=0123abcdef=user", "prvs12=0123abcdef=user", "xprvs=0123abcdef=user",
        "msprvs=user", "prv=0123abcdef=user", "user-prvs=0123abcdeg", "-prvs=0123abcdef", "prvs=user-0123abcdef",
        "btv1=760cdc7c545=user", "btv1==760cdc7c545=user", "btv1==760cdc7c545==", "btv1==alexandria==user", "btv",
        "msprvs1=user=bounces", "msprvs1=abcdefghijkl=bounces", "msprvs1=17391m=bounces", "msprvs1=17391mZ1xbbG7=",
        // SRS
        "srs", "srs0", "srs0=", "srs0=a", "srs0=abcd=4b", "srs0=abcd=4b=orig.example", "srs0=abcd=4b=orig.example=",
        "srs0=abcd=4b==noc", "srs0=abcd==orig.example=noc", "srs0==4b=orig.example=noc",
        "srs0=abcd=4b2=orig.example=noc",
        "srs0=abcd=4=orig.example=noc", "srs0=abcd=48=orig.example=noc", "srs0=ab!d=4b=orig.example=noc",
        "srs0abcd=4b=orig.example=noc", "srs0.abcd=4b=orig.example=noc", "srs2=abcd=4b=orig.example=noc",
        "srs=abcd=4b=orig.example=noc", "srs0=abcd=4b=or ig=noc", "xsrs0=abcd=4b=orig.example=noc",
        "srs1=abcd=fwd.example=noc", "srs1=abcd=fwd.example==noc", "srs1=abcd=4b=orig.example=noc",
        // Names
        "jason-dated-988298746", "jason-dated-9882987.9d619c", "jason-dated-988298746.9d61",
        "jason-dated-988298746.9d619g",
        "-dated-988298746.9d619c", "b", "m", "p", "s", "-",
    ]

    @Test(arguments: unknown)
    func isLeftAlone(_ local: String) {
        // Whole numbers are hidden in any case.
        var (expected, word) = ("", "")
        for character in local.lowercased() + "\n" {
            if character.isLetter || character.isNumber || character == "_" {
                word.append(character)
            } else {
                expected += !word.isEmpty && word.allSatisfy(\.isNumber) ? "#" : word
                expected.append(character)
                word = ""
            }
        }
        #expect(Self.kept(of: local) == String(expected.dropLast()))
    }

    @Test func aForwarderAndItsUsersStayApart() {
        let senders = [
            "SRS0=S7Ai=4B=orig.example=noc", "SRS0=S7Ai=4B=orig.example=joe", "SRS0=S7Ai=4B=163.com=noc",
            "SRS0=S7Ai=4B=126.com=noc", "SRS1=chaI=fwd.example==S7Ai=4B=orig.example=noc",
            "SRS1=chaI=fwe.example==S7Ai=4B=orig.example=noc", "noc",
        ]
        #expect(Set(senders.map { Self.kept(of: $0) }).count == senders.count)
    }

    @Test func whatIsTooDeepOrTooLongIsLeftAlone() {
        let tag = "prvs=0123abcdef="
        #expect(Self.kept(of: String(repeating: tag, count: 4) + "user") == "user")
        #expect(Self.kept(of: String(repeating: tag, count: 5) + "user") == tag + "user")
        let long = "prvs=" + String(repeating: "0", count: 4_000) + "=user"
        #expect(Self.kept(of: long) == "prvs=#=user")
        let hash = String(repeating: "a", count: 33)
        #expect(Self.kept(of: "srs0=\(hash)=4b=orig.example=noc") == "srs0=\(hash)=4b=orig.example=noc")
    }

    /// No tag is looked for where there is no domain, or behind the `@`.
    @Test func onlyTheLocalPartIsLookedAt() {
        var envelope = Envelope()
        envelope.fill("192.0.2.7", "user@prvs=0123abcdef=host", "u@c")
        #expect(envelope.triplet == "192.0.2.0/24/user@prvs=0123abcdef=host/u@c")
    }

    private static func kept(of local: String) -> String {
        var envelope = Envelope()
        envelope.fill("192.0.2.7", "\(local)@b", "u@c")
        let triplet = envelope.triplet
        return String(triplet.dropFirst("192.0.2.0/24/".count).dropLast("@b/u@c".count))
    }
}
