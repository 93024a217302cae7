import Greylist
import Storage

/// An entry as it lies in the file.
struct StoredEntry {
    /// GNU dbm's hash of the key.
    let hash: UInt32
    let key: [UInt8]
    let value: [UInt8]

    /// What is known; nil where the value is no text of a sighting.
    var sighting: Sighting? { LegacyRecord.sighting(value.span) }

    /// Where it comes in the order of entries.
    var position: WalkPosition { WalkPosition(hash: hash, key: key) }

    /// The tag of the client's network, which a plain key begins with; 0 where it isn't known: a digest doesn't tell.
    var network: UInt32 {
        guard let slash = key.firstIndex(of: UInt8(ascii: "/")) else { return 0 }
        var length = 0
        for byte in key[(slash + 1)...] {
            if byte == UInt8(ascii: "/") { break }
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), length <= 128 else { return 0 }
            length = length * 10 + Int(byte - UInt8(ascii: "0"))
        }
        guard let address = Address(parsing: Array(key[..<slash]).span) else { return 0 }
        return Network(address, prefixLength: length).tag
    }
}

/// A position in the order of entries: by hash, then by key.
///
/// It stays the same position whatever GNU dbm does with the entries: it moves them about when one is removed and when a
/// bucket overflows.
struct WalkPosition: Comparable {
    let hash: UInt32
    let key: [UInt8]

    init(hash: UInt32, key: [UInt8] = []) {
        self.hash = hash
        self.key = key
    }

    static func < (left: WalkPosition, right: WalkPosition) -> Bool {
        left.hash == right.hash ? left.key.lexicographicallyPrecedes(right.key) : left.hash < right.hash
    }
}

extension Cursor {
    /// Where a walk goes on.
    init(_ position: WalkPosition) {
        self.init(withUnsafeBytes(of: position.hash) { Array($0) } + position.key)
    }

    var position: WalkPosition {
        let size = MemoryLayout<UInt32>.size
        guard bytes.count >= size else { return WalkPosition(hash: 0) }
        return WalkPosition(
            hash: bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }, key: Array(bytes[size...]))
    }
}
