import Foundation
import TestSupport
import Testing

@Suite("A trial", .blocking)
struct ObserveTests {
    @Test("Everything is decided and logged, and all mail passes unchanged")
    func observes() throws {
        try withLab { lab in
            let postfix = try lab.startPostfix(.init(policy: .socketInQueue))
            let daemon = try lab.start(at: postfix.policyEndpoint, delay: 1, extra: ["-i", "service.mode=observe"])
            let session = try postfix.session()
            for subject in ["new", "again"] {
                let answers = try session.envelope(from: "a@sender.example", to: ["user@test.invalid"])
                #expect(answers.map(\.code) == [250])
                #expect(try session.message(subject: subject).code == 250)
                let delivered = try postfix.messages(subject: subject, count: 1)
                #expect(delivered.map { $0.values(of: "X-Greylist") } == [[]])
            }
            // What stands for the retry would have passed, with a header.
            try eventually("it would have passed", every: 0.2) {
                let answers = try session.envelope(from: "a@sender.example", to: ["user@test.invalid"])
                guard answers.map(\.code) == [250] else { throw TestError("\(answers)") }
                try session.reset()
                return daemon.decisions.last?["reason"] == "triplet found (mode=observe)" ? () : nil
            }
            try session.quit()
            #expect(daemon.decisions.first?["action"] == "greylist")
            #expect(daemon.decisions.first?["reason"] == "new (mode=observe)")
            #expect(daemon.decisions.last?["action"] == "pass")
            #expect(
                daemon.decisions.allSatisfy {
                    $0.names.last == "recipient" && $0["reason"]?.contains("(mode=observe)") == true
                })
            try postfix.stop()
            #expect(postfix.complaints.isEmpty)
        }
    }
}
