@testable import Domains

/// Lists of names: the first byte says which, and how large the part is that is cut off.
///
/// What is in force of shared identities finds itself, and written down it is read the same; what is wrong is said in lines.
/// A public suffix list that is taken has its marks and as many rules with a comment behind it, and none when it is cut off
/// before its end.
@Sendable func checkNameList(_ input: [UInt8]) throws(BrokenPromise) {
    guard let kind = input.first else { return }
    let text = Array(input.dropFirst())
    if kind < 0x80 {
        try checkIdentities(text)
    } else {
        try checkSuffixes(text)
    }
}

private func checkIdentities(_ text: [UInt8]) throws(BrokenPromise) {
    let file = SharedIdentityFile(path: "list", text: text)
    try expect(file.faults.count <= 101, "\(file.faults.count) faults are told")
    let identities = SharedIdentities([file])
    for fault in identities.faults {
        try expect(fault.unicodeScalars.allSatisfy { $0.value >= 0x20 }, "a fault of several lines: \(fault)")
    }
    var written = ""
    for entry in identities.entries {
        let found = identities.entry(for: Array(entry.domain.utf8).span)
        try expect(found?.domain == entry.domain && found?.kind == entry.kind, "\(entry.domain) isn't found")
        written += "\(entry.kind.rawValue) \(entry.domain) # \(entry.comment)\n"
    }
    let again = SharedIdentityFile(path: "list", text: Array(written.utf8))
    try expect(again.faults.isEmpty && again.count == identities.entries.count, "\(again.faults) once written")
    for (entry, other) in zip(identities.entries, SharedIdentities([again]).entries) {
        let isSame = entry.domain == other.domain && entry.kind == other.kind && entry.comment == other.comment
        try expect(isSame, "\(entry) is read back as \(other)")
    }
    _ = identities.remarks(by: .builtIn())
    switch file.reloaded(from: text) {
    case .replaced(let other): try expect(other.count == file.count, "another number of entries the second time")
    case .kept(let reason): try expect(!reason.contains("\n"), "a reason of several lines: \(reason)")
    }
}

private func checkSuffixes(_ text: [UInt8]) throws(BrokenPromise) {
    let list: PublicSuffixList
    do throws(SuffixListError) {
        list = try PublicSuffixList(text: text)
    } catch {
        return try expect(!error.description.contains("\n"), "a fault of several lines: \(error)")
    }
    let rules = try? SuffixListText.ruleCount(text + Array("\n// the end\n".utf8))
    try expect(rules == list.ruleCount, "\(list.ruleCount) rules, and \(rules as Any) with a comment")
    if let mark = text.lastIndex(of: UInt8(ascii: "=")) {
        let marks = text[..<mark].split(separator: UInt8(ascii: "\n")).filter { $0.starts(with: "//".utf8) }
        let hasOther = marks.contains { String(decoding: $0, as: UTF8.self).contains("===END PRIVATE DOMAINS===") }
        let isCut = (try? SuffixListText.ruleCount(Array(text[..<mark]))) == nil
        try expect(isCut || hasOther, "cut off, it is taken all the same")
    }
    for line in lines(of: text) where line.count <= DomainName.limit && !line.contains(0) {
        var name: [UInt8] = []
        guard let domain = DomainName(appending: line.span, to: &name), domain.kind != .literal else { continue }
        _ = list.contains(name.span)
        let organisations = Organisations(suffixes: list, shared: SharedIdentities())
        let organisation = organisations.organisation(of: name)
        try expect(
            organisation.flatMap { organisations.organisation(of: $0) } == organisation, "\(name) by \(rules ?? 0)")
    }
}
