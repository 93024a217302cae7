import Testing

@testable import Web

@Suite("Who may see addresses")
struct WebAccessTests {
    private let clock = MovedClock()
    private let access: WebAccess

    init() {
        access = WebAccess(now: clock.now)
    }

    /// The cookie of a browser that has signed in.
    private func signIn() throws -> String {
        guard case .admitted(let token) = access.signIn(code: access.makeCode(), cookies: []) else {
            throw NotAdmitted()
        }
        return token
    }

    private struct NotAdmitted: Error {}

    @Test("a code works once, and gives a cookie that works until it is over")
    func once() throws {
        let code = access.makeCode()
        guard case .admitted(let token) = access.signIn(code: code, cookies: []) else {
            Issue.record("not admitted")
            return
        }
        #expect(access.standing(cookies: [token]) == .signedIn)
        #expect(access.signIn(code: code, cookies: []) == .wrong(isLast: false))
        #expect(access.standing(cookies: [code]) == .wrong(isLast: false), "a code is not a cookie")
        #expect(access.signIn(code: token, cookies: []) == .wrong(isLast: false), "a cookie is not a code")
        clock.move(.seconds(12 * 3_600 - 1))
        #expect(access.standing(cookies: [token]) == .signedIn)
        clock.move(.seconds(1))
        #expect(access.standing(cookies: [token]) == .wrong(isLast: false))
    }

    @Test("a code is valid for a minute")
    func codeLifetime() {
        let codes = [access.makeCode(), access.makeCode()]
        clock.move(.seconds(59))
        #expect(access.signIn(code: codes[0], cookies: []) != .wrong(isLast: false))
        clock.move(.seconds(1))
        #expect(access.signIn(code: codes[1], cookies: []) == .wrong(isLast: false))
    }

    @Test("tokens are 43 letters and digits, and no two are alike")
    func tokens() {
        let codes = (0..<500).map { _ in access.makeCode() }
        #expect(Set(codes).count == codes.count)
        #expect(
            codes.allSatisfy { $0.utf8.count == 43 && $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) } })
        #expect(Set(codes.joined()).count == 62, "all of them are drawn")
    }

    @Test("ten wrong tries a minute, codes and cookies alike; then right codes are refused, too, and stay valid")
    func wrongTries() throws {
        let token = try signIn()
        let code = access.makeCode()
        for number in 1...10 {
            let standing =
                number.isMultiple(of: 2)
                ? access.standing(cookies: ["x\(number)"]) : access.signIn(code: "x\(number)", cookies: [])
            #expect(standing == .wrong(isLast: number == 10))
            clock.move(.seconds(1))
        }
        #expect(access.signIn(code: code, cookies: []) == .paused)
        #expect(access.signIn(code: "x", cookies: []) == .paused)
        #expect(access.standing(cookies: ["x"]) == .paused)
        #expect(access.standing(cookies: [token]) == .signedIn, "who is signed in doesn't notice")
        #expect(access.standing(cookies: ["x", token]) == .signedIn)
        #expect(access.standing(cookies: []) == .unknown)
        // The first of the ten was a minute ago: one more try.
        clock.move(.seconds(49))
        #expect(access.signIn(code: code, cookies: []) == .paused)
        clock.move(.seconds(1))
        guard case .admitted = access.signIn(code: access.makeCode(), cookies: []) else {
            Issue.record("not admitted after a minute")
            return
        }
        #expect(access.signIn(code: "x", cookies: []) == .wrong(isLast: true))
        #expect(access.signIn(code: "x", cookies: []) == .paused)
    }

    @Test("who is signed in stays so with an old code, which counts for nothing, and may use a new one in a pause")
    func signedInTwice() throws {
        let token = try signIn()
        for _ in 0..<20 { #expect(access.signIn(code: "old", cookies: [token]) == .signedIn) }
        #expect(access.standing(cookies: ["x"]) == .wrong(isLast: false))
        for _ in 0..<20 { _ = access.standing(cookies: ["x"]) }
        guard case .admitted(let second) = access.signIn(code: access.makeCode(), cookies: [token]) else {
            Issue.record("not admitted")
            return
        }
        #expect(access.standing(cookies: [second]) == .signedIn)
        #expect(access.standing(cookies: [token]) == .signedIn)
    }

    @Test("the oldest of too many codes, and of too many browsers, gives way")
    func bounds() throws {
        let codes = (0...WebAccess.codes).map { _ in access.makeCode() }
        #expect(access.signIn(code: codes[0], cookies: []) == .wrong(isLast: false))
        #expect(access.signIn(code: codes[1], cookies: []) != .wrong(isLast: false))
        let tokens = try (0...WebAccess.sessions).map { _ in try signIn() }
        #expect(access.standing(cookies: [tokens[0]]) == .wrong(isLast: false))
        #expect(tokens.dropFirst().allSatisfy { access.standing(cookies: [$0]) == .signedIn })
    }

    @Test("of many who have one code at once, one gets in")
    func race() async {
        let code = access.makeCode()
        let admitted = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<100 {
                group.addTask { [access] in
                    if case .admitted = access.signIn(code: code, cookies: []) { true } else { false }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(admitted == 1)
    }
}
