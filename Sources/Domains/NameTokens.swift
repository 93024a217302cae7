import Bytes

/// What words in the names of clients say.
///
/// A word is a run of letters: `smtp01` has the word `smtp`.
enum NameToken {
    /// A host that sends mail.
    case server
    /// A customer's line, whose address changes.
    case dialUp

    /// What a word says; nil for most words.
    ///
    /// Words such as `host`, `static`, `ip` and `srv` are left out: mail servers and customers' lines both have them.
    /// So are `sdsl`, `mobile` and `nat`, since companies send mail from such lines.
    init?(_ word: Span<UInt8>) {
        let isServer: Bool
        let isDialUp: Bool
        switch word.count {
        case 2: (isServer, isDialUp) = (word.equals("mx"), false)
        case 3:
            isServer = word.equals("mta") || word.equals("out")
            isDialUp =
                word.equals("dsl") || word.equals("dyn") || word.equals("ppp") || word.equals("rev")
                || word.equals("dip") || word.equals("cpe") || word.equals("lte") || word.equals("hfc")
        case 4:
            isServer =
                word.equals("mail") || word.equals("smtp") || word.equals("send") || word.equals("pmta")
                || word.equals("vmta")
            isDialUp =
                word.equals("dhcp") || word.equals("dial") || word.equals("pool") || word.equals("cust")
                || word.equals("user") || word.equals("home") || word.equals("adsl") || word.equals("vdsl")
                || word.equals("xdsl") || word.equals("catv") || word.equals("ftth") || word.equals("fttx")
                || word.equals("isdn") || word.equals("gprs") || word.equals("umts") || word.equals("wlan")
        case 5:
            isServer =
                word.equals("relay") || word.equals("mails") || word.equals("email") || word.equals("esmtp")
                || word.equals("mxout") || word.equals("lists")
            isDialUp =
                word.equals("cable") || word.equals("dynip") || word.equals("pppoe") || word.equals("wimax")
                || word.equals("users") || word.equals("pools")
        case 6:
            isServer =
                word.equals("bounce") || word.equals("sender") || word.equals("mailer") || word.equals("mailgw")
                || word.equals("relays")
            isDialUp = word.equals("client") || word.equals("dialup") || word.equals("dialin") || word.equals("docsis")
        case 7:
            isServer =
                word.equals("bounces") || word.equals("mailout") || word.equals("smtpout") || word.equals("mailhub")
                || word.equals("sending") || word.equals("outmail")
            isDialUp = word.equals("dynamic") || word.equals("clients")
        case 8:
            isServer = word.equals("outbound") || word.equals("outgoing") || word.equals("mailhost")
            isDialUp = word.equals("customer")
        case 9:
            isServer = word.equals("mailrelay")
            isDialUp = word.equals("broadband") || word.equals("customers")
        case 10: (isServer, isDialUp) = (word.equals("mailserver"), false)
        case 11: (isServer, isDialUp) = (false, word.equals("residential"))
        default: return nil
        }
        if isDialUp {
            self = .dialUp
        } else if isServer {
            self = .server
        } else {
            return nil
        }
    }
}
