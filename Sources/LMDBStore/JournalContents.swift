import Greylist
import Storage

/// What the file of a journal says.
struct JournalContents {
    let header: JournalHeader
    /// The name of the file.
    var name = ""
    /// What the frames write, as far as they follow each other.
    private(set) var buffer = WriteBuffer()
    /// What frames write that come after damage, the newest wins.
    ///
    /// Each write stands for itself: what lies between is missing, and what comes after is right all the same.
    private(set) var rest = WriteBuffer()
    /// How many bytes lie between frames and can't be read.
    private(set) var dropped = 0

    /// Reads all frames that are whole; nil where there is no header.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let header = JournalHeader(bytes) else { return nil }
        self.header = header
        var offset = JournalHeader.size
        var number: UInt64 = 0
        func readOn(into buffer: inout WriteBuffer) {
            while let length = JournalFrame.read(
                UnsafeRawBufferPointer(rebasing: bytes[offset...]), number: number, of: header,
                take: { buffer[$0] = $1 })
            {
                offset += length
                number += 1
            }
        }
        readOn(into: &buffer)
        while let next = Self.nextFrame(bytes, after: offset, from: number, of: header) {
            dropped += next.offset - offset
            (offset, number) = next
            readOn(into: &rest)
        }
    }

    /// Everything, the newest wins.
    var all: WriteBuffer {
        var all = buffer
        all.add(rest)
        return all
    }

    /// The next whole frame behind an offset where there is none.
    ///
    /// Only one of this use of the file counts, of which the header has the salt: so what a write that was interrupted
    /// leaves, and what is left of an earlier use, is the end, and nothing was lost.
    private static func nextFrame(
        _ bytes: UnsafeRawBufferPointer, after start: Int, from number: UInt64, of header: JournalHeader
    ) -> (offset: Int, number: UInt64)? {
        // A frame has at least its head, so that there are no more of them than this.
        let last = number + UInt64(bytes.count / JournalFrame.headSize)
        var offset = start + 1
        while offset + JournalFrame.headSize <= bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            let candidate = JournalFrame.number(rest)
            if candidate > number, candidate <= last {
                if JournalFrame.read(rest, number: candidate, of: header, take: { _, _ in }) != nil {
                    return (offset, candidate)
                }
            }
            offset += 1
        }
        return nil
    }
}

/// What lies in the places of a database's journals.
struct JournalFindings {
    /// Those of the database, the oldest first.
    var contents: [JournalContents] = []
    /// Files that are none: another database's, another version's, somebody's own.
    var strange: [String] = []
    /// Files whose headers can't be read, with their lengths: what they have is lost.
    var headless: [(name: String, size: Int)] = []

    /// What can't be read, for the log: a sentence for each damaged file of which the tree hasn't everything.
    func flaws(after applied: UInt64) -> [(name: String, sentence: String)] {
        contents.filter { $0.dropped > 0 && $0.header.generation > applied }.map { journal in
            let sentence =
                "journal \(journal.name) is damaged: \(journal.all.count) entries recovered, "
                + "\(journal.dropped) bytes dropped"
            return (journal.name, sentence)
        }
            + headless.map { file in
                (
                    file.name,
                    "journal \(file.name) has a damaged header: 0 entries recovered, \(file.size) bytes dropped"
                )
            }
    }
}
