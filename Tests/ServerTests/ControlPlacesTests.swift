import Testing

@testable import Server

@Suite("Places at the control socket")
struct ControlPlacesTests {
    @Test("Each rank has places of its own", arguments: ControlPlaces.Rank.allCases, ControlPlaces.Rank.allCases)
    func ranks(first: ControlPlaces.Rank, second: ControlPlaces.Rank) {
        var places = ControlPlaces(limit: 2)
        #expect(places.admit(1, as: first) == .admitted(insteadOf: nil))
        #expect(places.admit(2, as: first) == .admitted(insteadOf: nil))
        #expect(places.admit(3, as: second) == .admitted(insteadOf: first == second ? 1 : nil))
    }

    @Test("Who has waited longest without a request gives way")
    func longestIdle() {
        var places = ControlPlaces(limit: 3)
        for number in 1...3 { #expect(places.admit(number, as: .member) == .admitted(insteadOf: nil)) }
        // The first has just been served, the second is being served.
        #expect(places.begin(1) == true)
        places.rest(1)
        #expect(places.begin(2) == true)
        #expect(places.admit(4, as: .member) == .admitted(insteadOf: 3))
        #expect(places.admit(5, as: .member) == .admitted(insteadOf: 1))
        #expect(places.begin(3) == false)
        #expect(places.begin(1) == false)
    }

    @Test("Nobody gives way whose request is being carried out")
    func refused() {
        var places = ControlPlaces(limit: 2)
        for number in 1...2 {
            _ = places.admit(number, as: .owner)
            #expect(places.begin(number) == true)
        }
        #expect(places.admit(3, as: .owner) == .refused)
        #expect(places.admit(4, as: .member) == .admitted(insteadOf: nil))
        places.leave(1)
        #expect(places.admit(5, as: .owner) == .admitted(insteadOf: nil))
        places.rest(2)
        #expect(places.admit(6, as: .owner) == .admitted(insteadOf: 5))
    }

    @Test("What is gone has no place any more, and comes to none by being served")
    func gone() {
        var places = ControlPlaces(limit: 1)
        _ = places.admit(1, as: .owner)
        places.leave(1)
        places.rest(1)
        #expect(places.begin(1) == false)
        #expect(places.admit(2, as: .owner) == .admitted(insteadOf: nil))
    }
}
