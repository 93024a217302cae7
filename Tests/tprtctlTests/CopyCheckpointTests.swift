import Storage
import Testing

@testable import tprtctl

@Suite("The checkpoint of an interrupted copy")
struct CopyCheckpointTests {
    private var checkpoint: CopyCheckpoint {
        var checkpoint = CopyCheckpoint([.greylist, .autoWhitelist])
        checkpoint.files = "7:8:9 -"
        checkpoint.tables[0].counts = CopyCounts(read: 1_000, copied: 990, expired: 10, milliseconds: 1_234)
        checkpoint.tables[0].isDone = true
        checkpoint.tables[1].counts = CopyCounts(read: 20, copied: 20, expired: 0, milliseconds: 5)
        checkpoint.tables[1].cursor = Cursor([0, 0x0a, 0xff])
        return checkpoint
    }

    @Test("its text is read back")
    func text() {
        let text = checkpoint.text(title: "lmdb:///a to lmdb:///b")
        #expect(
            text == """
                tprt-copy 2
                lmdb:///a to lmdb:///b
                7:8:9 -
                greylist 1000 990 10 1234 done
                auto-whitelist 20 20 0 5 000aff
                end

                """)
        #expect(CopyCheckpoint(text: text, tables: [.greylist, .autoWhitelist]) == checkpoint)
        let fresh = CopyCheckpoint([.greylist])
        #expect(CopyCheckpoint(text: fresh.text(title: "x"), tables: [.greylist]) == fresh)
        #expect(checkpoint.read == 1_020)
    }

    @Test("a damaged text is none")
    func damaged() {
        let text = checkpoint.text(title: "a to b")
        let tables: [Table] = [.greylist, .autoWhitelist]
        for count in 0..<text.count { #expect(CopyCheckpoint(text: String(text.prefix(count)), tables: tables) == nil) }
        for (old, new) in [
            ("copy 2", "copy 3"), ("1000", "-1"), ("1000", "99999999999999999999"), ("done", "don"),
            ("000aff", "000af"),
            ("000aff", "000aFG"), ("000aff", ""), ("auto-whitelist", "greylist"), (" 990", ""), ("end\n", "end\n\n"),
        ] {
            #expect(CopyCheckpoint(text: text.replacing(old, with: new), tables: tables) == nil, "\(old) \(new)")
        }
        #expect(CopyCheckpoint(text: text, tables: [.autoWhitelist, .greylist]) == nil)
        #expect(CopyCheckpoint(text: text, tables: [.greylist]) == nil)
    }
}
