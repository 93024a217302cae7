import Foundation

/// The text of a whitelist file.
func whitelistText(networks: [String] = [], recipients: [String] = [], others: [String] = []) -> String {
    let networks = networks.map { network in
        let parts = network.split(separator: "/")
        return #"{"type": "ipv4_net", "net": "\#(parts[0])", "mask": \#(parts.last ?? "")}"#
    }
    let recipients = recipients.map { #"{"type": "recipient_literal", "recipient": "\#($0)"}"# }
    return #"{"tests": [\#((networks + recipients + others).joined(separator: ", "))]}"#
}
