import Foundation
import TestSupport

/// Small databases of other greylisters, as text, in which `relay@sender.example` has passed and `new@sender.example`
/// hasn't; both from 192.0.2.9 to the usual recipient.
enum ForeignDatabase {
    static func now() -> Int { time(nil) }

    /// The moment that many seconds ago.
    static func ago(_ seconds: Int) -> Int { now() - seconds }

    /// A dump of postgrey's triplets: keys and values.
    static func postgrey(_ entries: [(key: String, value: String)]) -> String {
        let lines = entries.map { " \($0.key)\n \($0.value)\n" }.joined()
        return "VERSION=3\nformat=print\ntype=btree\ndb_pagesize=4096\nHEADER=END\n\(lines)DATA=END\n"
    }

    /// A text of each kind, or several with their names, that has both senders.
    static func texts(_ kind: String) -> [(name: String, text: String)] {
        let (long, while_, new) = (ago(900_000), ago(7_200), ago(900))
        let to = "user@test.invalid"
        switch kind {
        case "postgrey":
            return [
                (
                    "postgrey.txt",
                    postgrey([
                        ("192.0.2.0/relay@sender.example/\(to)", "\(long),\(while_)"),
                        ("192.0.2.0/new@sender.example/\(to)", "\(new),\(new)"),
                    ])
                )
            ]
        case "postgrey-log":
            let date = ISO8601DateFormatter().string(from: Date(timeIntervalSince1970: TimeInterval(while_)))
            return [
                (
                    "mail.log",
                    "\(date) mx postgrey[1]: action=pass, reason=triplet found, delay=400, client_name=x, "
                        + "client_address=192.0.2.9, sender=relay@sender.example, recipient=\(to)\n"
                )
            ]
        case "gld":
            return [
                (
                    "greylist.tsv",
                    "192.0.2.9\trelay@sender.example\t\(to)\t\(long)\t\(while_)\t9\n"
                        + "192.0.2.9\tnew@sender.example\t\(to)\t\(new)\t\(new)\t1\n"
                )
            ]
        case "iredapd":
            let head =
                "sender,recipient,client_address,sender_domain,rcpt_domain,init_time,block_expired,record_expired"
            let end = now() + 20 * 86_400
            return [
                (
                    "greylisting_tracking.csv",
                    "\(head),blocked_count,passed\n"
                        + "relay@sender.example,\(to),192.0.2.9,sender.example,test.invalid,\(long),\(long),\(end),1,1\n"
                        + "new@sender.example,\(to),192.0.2.9,sender.example,test.invalid,\(new),\(new),\(end),1,0\n"
                )
            ]
        case "cbpolicyd":
            return [
                (
                    "greylisting_tracking.tsv",
                    "TrackKey\tSender\tRecipient\tFirstSeen\tLastUpdate\tTries\tCount\n"
                        + "SenderIP:192.0.2.9\trelay@sender.example\t\(to)\t\(long)\t\(while_)\t2\t7\n"
                        + "SenderIP:192.0.2.9\tnew@sender.example\t\(to)\t\(new)\t\(new)\t1\t0\n"
                )
            ]
        case "greylistd":
            return [
                ("states", "[white]\n11 = \(while_) \(long) 4\n[grey]\n12 = \(new) \(new) 1\n[black]\n"),
                (
                    "triplets",
                    "11 = 192.0.2.9 relay@sender.example \(to)\n12 = 192.0.2.9 new@sender.example \(to)\n"
                ),
            ]
        case "milter-greylist":
            return [
                (
                    "greylist.db",
                    "192.0.2.9\t<relay@sender.example>\t<\(to)>\t\(now() + 800_000) AUTO # x\n"
                        + "192.0.2.9\t<new@sender.example>\t<\(to)>\t\(new + 1_800) # x\n"
                )
            ]
        case "sqlgrey":
            return [
                (
                    "connect.tsv", "new\tsender.example\t192.0.2\t\(to)\t\(new)\n"
                ),
                (
                    "from_awl.tsv",
                    (0..<9).map { "relay\($0)\tsender.example\t192.0.2.9\t\(long)\t\(while_)\n" }.joined()
                ),
            ]
        case "spamdb":
            return [
                (
                    "spamdb",
                    "WHITE|192.0.2.9|||\(long)|\(while_)|\(now() + 864 * 3_600 - 7_200)|2|9\n"
                        + "GREY|192.0.2.9|mx|<new@sender.example>|<\(to)>|\(new)|\(new + 1_500)|\(new + 14_400)|1|0\n"
                )
            ]
        default: return []
        }
    }
}

extension Lab {
    /// A configuration with the lab's database and an auto-whitelist after five passes, and more settings.
    ///
    /// - Returns: the arguments that name it, for tprtctl and tprtd alike
    @discardableResult
    func configureImport(_ service: String = "", _ server: String = "") throws -> [String] {
        let text = """
            {"server": {\(server)}, "service": {"grey_db": "lmdb://\(database)", "awl_client_count": 5\(service)}}
            """
        return ["-c", try directory.write(text, to: "tprt.conf")]
    }
}
