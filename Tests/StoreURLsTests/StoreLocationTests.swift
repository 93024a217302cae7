import StoreURLs
import Testing

struct StoreLocationTests {
    static let locations: [(String, StoreLocation)] = [
        ("memory:", .memory), ("memory://", .memory),
        ("lmdb:///var/lib/tprt/tprt.lmdb", .lmdb(path: "/var/lib/tprt/tprt.lmdb")),
        ("LMDB:///x", .lmdb(path: "/x")), ("gdbm:///x", .gdbm(path: "/x")), ("dbm:///x/y", .gdbm(path: "/x/y")),
    ]

    @Test(arguments: locations)
    func aURLNamesAStore(_ url: String, _ location: StoreLocation) throws {
        #expect(try StoreLocation(url: url) == location)
    }

    static let refused: [(String, String)] = [
        ("", "is not a database URL"), ("/var/lib/x", "is not a database URL"), ("lmdb:/x", "names no file"),
        ("lmdb://host/x", "names no file"), ("lmdb:///", "names no file"), ("lmdb:///x/", "names no file"),
        ("gdbm:/x", "names no file"), ("dbm:///", "names no file"), ("memory:/x", "keeps nothing on disk"),
        ("mysql://user:secret@host/", "no store is called \"mysql:\""),
    ]

    @Test(arguments: refused)
    func aURLThatNamesNoneIsRefused(_ url: String, _ message: String) {
        let fault = #expect(throws: StoreURLError.self) { try StoreLocation(url: url) }
        #expect(fault?.description.contains(message) == true)
        #expect(fault?.description.contains("secret") == false)
    }
}
