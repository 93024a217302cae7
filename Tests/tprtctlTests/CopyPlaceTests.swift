import Storage
import Testing

@testable import tprtctl

@Suite("The place of an interrupted copy")
struct CopyPlaceTests {
    private var place: CopyPlace {
        var place = CopyPlace([.greylist, .autoWhitelist])
        place.files = "7:8:9 -"
        place.tables[0].tally = Tally(read: 1_000, copied: 990, expired: 10, milliseconds: 1_234)
        place.tables[0].isDone = true
        place.tables[1].tally = Tally(read: 20, copied: 20, expired: 0, milliseconds: 5)
        place.tables[1].cursor = Cursor([0, 0x0a, 0xff])
        return place
    }

    @Test("its text is read back")
    func text() {
        let text = place.text(title: "lmdb:///a to lmdb:///b")
        #expect(
            text == """
                tprt-copy 2
                lmdb:///a to lmdb:///b
                7:8:9 -
                greylist 1000 990 10 1234 done
                auto-whitelist 20 20 0 5 000aff
                end

                """)
        #expect(CopyPlace(text: text, tables: [.greylist, .autoWhitelist]) == place)
        let fresh = CopyPlace([.greylist])
        #expect(CopyPlace(text: fresh.text(title: "x"), tables: [.greylist]) == fresh)
        #expect(place.read == 1_020)
    }

    @Test("a damaged text is none")
    func damaged() {
        let text = place.text(title: "a to b")
        let tables: [Table] = [.greylist, .autoWhitelist]
        for count in 0..<text.count { #expect(CopyPlace(text: String(text.prefix(count)), tables: tables) == nil) }
        for (old, new) in [
            ("copy 2", "copy 3"), ("1000", "-1"), ("1000", "99999999999999999999"), ("done", "don"),
            ("000aff", "000af"),
            ("000aff", "000aFG"), ("000aff", ""), ("auto-whitelist", "greylist"), (" 990", ""), ("end\n", "end\n\n"),
        ] {
            #expect(CopyPlace(text: text.replacing(old, with: new), tables: tables) == nil, "\(old) \(new)")
        }
        #expect(CopyPlace(text: text, tables: [.autoWhitelist, .greylist]) == nil)
        #expect(CopyPlace(text: text, tables: [.greylist]) == nil)
    }
}
