import Engine
import Greylist
import Testing

@testable import History

/// Whole stories as an administrator reads them.
@Suite("Stories in words")
struct NarrativeTests {
    @Test("a pool sender over three networks, recognised by SPF")
    func pool() {
        var sample = SampleStory()
        sample.add(0, .new, "192.0.2.7", "out1.pool.example", wait: 300, proof: .spf, organisation: "partner.example")
        sample.add(
            169, .early, "198.51.100.9", "out2.pool.example", wait: 131, proof: .spf, organisation: "partner.example",
            matched: .organisation)
        sample.add(
            724, .retried, "203.0.113.5", "out3.pool.example", proof: .spf, organisation: "partner.example",
            matched: .organisation)
        sample.add(
            900, .known, "192.0.2.8", proof: .spf, organisation: "partner.example", matched: .organisation, count: 5,
            until: 3_000)
        #expect(
            sample.text == """
                Mail from anna@partner.example to you@example.com waited 12 min 4 s, until 2026-11-30 14:12 UTC. It \
                might have passed after 5 min: the other 7 min 4 s were its sender's choice of when to try again.
                14:00:00 192.0.2.7 (out1.pool.example) tried it first, and was told to wait 5 min: no mail of this \
                sender to this recipient was known yet. The SPF record of partner.example names it.
                14:02:49 Another client, 198.51.100.9 (out2.pool.example), tried again 2 min 49 s after the first \
                attempt, too soon, and was told to wait 2 min 11 s more. The client was recognised since the SPF \
                record of partner.example names it, too (proof spf, matched O).
                14:12:04 Another client, 203.0.113.5 (out3.pool.example), tried again 12 min 4 s after the first \
                attempt, and the mail passed. The client was recognised since the SPF record of partner.example \
                names it, too (proof spf, matched O).
                14:15:00 Such mail passed 5 times until 2026-11-30 14:50 UTC: mail of this sender to this recipient \
                had passed before.
                * From now on mail that is proven to come from partner.example passes at once to you@example.com.
                > Let mail that is proven to come from partner.example pass at once
                $ tprtctl identity allow partner.example
                > Put this sender on a whitelist
                $ tprtctl whitelist add /etc/tprt/whitelist.d/partners.json --list partners --entry '{"type": \
                "identity", "domain": "partner.example"}'
                """)
    }

    @Test("an early retry, then a pass, by an address that is known by its name")
    func early() {
        var sample = SampleStory(sender: "")
        sample.add(
            0, .new, "192.0.2.7", "mx.provider.example", wait: 300, proof: .host, organisation: "provider.example")
        sample.add(
            60, .early, "192.0.2.7", "mx.provider.example", wait: 240, proof: .host, organisation: "provider.example",
            matched: .network)
        sample.add(
            301, .retried, "198.51.100.7", "mx2.provider.example", proof: .host, organisation: "provider.example",
            matched: .host)
        #expect(
            sample.text == """
                A bounce (from the null sender) to you@example.com waited 5 min 1 s, until 2026-11-30 14:05 UTC. Its \
                sender came back as soon as it might pass.
                14:00:00 192.0.2.7 (mx.provider.example) tried it first, and was told to wait 5 min: no mail of this \
                sender to this recipient was known yet. By its name it is a host of provider.example, which proves \
                nothing about the sender.
                14:01:00 192.0.2.7 (mx.provider.example) tried again 1 min after the first attempt, too soon, and \
                was told to wait 4 min more.
                14:05:01 Another client, 198.51.100.7 (mx2.provider.example), tried again 5 min 1 s after the first \
                attempt, and the mail passed. The client was recognised by its name, that of a host of \
                provider.example (matched N).
                * From now on mail of this sender passes at once to you@example.com.
                > Put this sender on a whitelist
                $ tprtctl whitelist add /etc/tprt/whitelist.d/partners.json --list partners --name provider.example
                """)
    }

    @Test("mail that never came back")
    func gone() {
        var sample = SampleStory(sender: "win@lottery.example")
        sample.toldAfter = 300_000
        sample.add(0, .new, "203.0.113.99", "unknown", wait: 300)
        #expect(
            sample.text == """
                Mail from win@lottery.example to you@example.com never came back: it was tried once, 2026-11-30 \
                14:00 UTC, and not again.
                14:00:00 203.0.113.99 tried it first, and was told to wait 5 min: no mail of this sender to this \
                recipient was known yet. Nothing but its network tells who it is.
                * A mail server tries again for days; programs that send spam mostly don't.
                * Nothing proves for whom this client sends (SPF, or its name): a retry from another network may \
                count as a first attempt.
                > Put this sender on a whitelist, if its mail is wanted
                $ tprtctl whitelist add /etc/tprt/whitelist.d/partners.json --list partners --network 203.0.113.0/24 \
                --sender-domain lottery.example
                """)
    }

    @Test("mail that waits")
    func waiting() {
        var sample = SampleStory()
        sample.toldAfter = 120
        sample.add(0, .new, "192.0.2.7", "mx.partner.example", wait: 300, proof: .name, organisation: "partner.example")
        #expect(
            sample.text == """
                Mail from anna@partner.example to you@example.com is waiting: it may pass from 14:05 UTC, in 3 min, \
                when its sender tries again.
                14:00:00 192.0.2.7 (mx.partner.example) tried it first, and was told to wait 5 min: no mail of this \
                sender to this recipient was known yet. Its name proves that it sends for partner.example.
                * The first attempt counts until 2026-12-02 14:00 UTC.
                > Let its next attempt pass
                $ tprtctl release anna@partner.example you@example.com
                > Let mail that is proven to come from partner.example pass at once
                $ tprtctl identity allow partner.example
                > Put this sender on a whitelist
                $ tprtctl whitelist add /etc/tprt/whitelist.d/partners.json --list partners --name partner.example
                """)
    }

    @Test("mail that might have passed already, without a proof")
    func due() {
        var sample = SampleStory()
        sample.toldAfter = 7_200
        sample.add(0, .new, "192.0.2.7", "unknown", wait: 300)
        sample.add(30, .early, "192.0.2.9", "unknown", wait: 270, matched: .network)
        #expect(
            sample.text == """
                Mail from anna@partner.example to you@example.com is waiting for its sender to try again: since \
                14:05 UTC, 1 h 55 min ago, its next attempt passes.
                14:00:00 192.0.2.7 tried it first, and was told to wait 5 min: no mail of this sender to this \
                recipient was known yet. Nothing but its network tells who it is.
                14:00:30 Another client, 192.0.2.9, tried again 30 s after the first attempt, too soon, and was told \
                to wait 4 min 30 s more. The client was recognised by its network (matched A).
                * The first attempt counts until 2026-12-02 14:00 UTC.
                * Nothing proves for whom this client sends (SPF, or its name): a retry from another network may \
                count as a first attempt.
                > Let its next attempt pass
                $ tprtctl release anna@partner.example you@example.com
                > Put this sender on a whitelist
                $ tprtctl whitelist add /etc/tprt/whitelist.d/partners.json --list partners --network 192.0.2.0/24 \
                --sender-domain partner.example
                """)
    }

    @Test("a correspondent")
    func correspondent() {
        var sample = SampleStory()
        sample.add(0, .correspondent, "192.0.2.7", "mx.partner.example", proof: .name, organisation: "partner.example")
        #expect(
            sample.text == """
                Mail from anna@partner.example to you@example.com passed at its first attempt, 2026-11-30 14:00 UTC: \
                the recipient had written to this sender, or to its organisation.
                14:00:00 192.0.2.7 (mx.partner.example) tried it first, and the mail passed: the recipient had \
                written to this sender, or to its organisation. Its name proves that it sends for partner.example.
                * Otherwise it would have had to wait 5 min at least.
                """)
    }

    @Test("an identity that has earned it")
    func earned() {
        var sample = SampleStory()
        sample.add(0, .earned, "192.0.2.7", "mx.partner.example", proof: .spf, organisation: "partner.example")
        #expect(
            sample.text == """
                Mail from anna@partner.example to you@example.com passed at its first attempt, 2026-11-30 14:00 UTC: \
                partner.example has earned not to wait.
                14:00:00 192.0.2.7 (mx.partner.example) tried it first, and the mail passed: partner.example has \
                earned not to wait. The SPF record of partner.example names it.
                * Otherwise it would have had to wait 5 min at least.
                """)
    }

    @Test("a whitelist entry")
    func entry() {
        var sample = SampleStory()
        sample.add(
            0, .clientWhitelist, "192.0.2.7", "mx.partner.example", proof: nil, entry: "/etc/tprt/wl.json:3(l)",
            count: 2, until: 50)
        #expect(
            sample.text == """
                Mail from anna@partner.example to you@example.com passed at its first attempt, 2026-11-30 14:00 UTC: \
                the whitelist entry /etc/tprt/wl.json:3(l) is about this client.
                14:00:00 Such mail passed 2 times until 2026-11-30 14:00 UTC: the whitelist entry \
                /etc/tprt/wl.json:3(l) is about this client.
                * Otherwise it would have had to wait 5 min at least.
                """)
    }

    @Test("mail that was released")
    func released() {
        var sample = SampleStory()
        sample.add(0, .new, "192.0.2.7", "unknown", wait: 300)
        sample.add(90, .released, "192.0.2.7", "unknown", matched: .network)
        #expect(
            sample.text == """
                Mail from anna@partner.example to you@example.com waited 1 min 30 s, until 2026-11-30 14:01 UTC, and \
                passed: an administrator had released it.
                14:00:00 192.0.2.7 tried it first, and was told to wait 5 min: no mail of this sender to this \
                recipient was known yet. Nothing but its network tells who it is.
                14:01:30 192.0.2.7 tried again 1 min 30 s after the first attempt, and the mail passed: an \
                administrator had released it.
                * From now on mail of this sender passes at once to you@example.com.
                > Put this sender on a whitelist
                $ tprtctl whitelist add /etc/tprt/whitelist.d/partners.json --list partners --network 192.0.2.0/24 \
                --sender-domain partner.example
                """)
    }

    @Test("mail that was only observed")
    func observed() {
        var sample = SampleStory()
        sample.mail.isObserved = true
        sample.add(0, .new, "192.0.2.7", "unknown", wait: 300)
        #expect(
            sample.text == """
                Mail from anna@partner.example to you@example.com was only observed, so it passed at its first \
                attempt, 2026-11-30 14:00 UTC; otherwise it would have had to wait.
                14:00:00 192.0.2.7 tried it first, and would have been told to wait 5 min: no mail of this sender to \
                this recipient was known yet. Nothing but its network tells who it is. Postfix wasn't told: the site \
                only observes, and the mail passed.
                > Put this sender on a whitelist
                $ tprtctl whitelist add /etc/tprt/whitelist.d/partners.json --list partners --network 192.0.2.0/24 \
                --sender-domain partner.example
                """)
    }

    @Test("mail that was only observed, and passed when it came once more")
    func observedTwice() {
        var sample = SampleStory()
        sample.mail.isObserved = true
        sample.add(0, .new, "192.0.2.7", "unknown", wait: 300, proof: nil)
        sample.add(900, .retried, "192.0.2.7", "unknown", proof: nil, matched: .network)
        #expect(
            sample.text == """
                Mail from anna@partner.example to you@example.com was only observed, so it passed at its first \
                attempt, 2026-11-30 14:00 UTC; otherwise it would have had to wait.
                14:00:00 192.0.2.7 tried it first, and would have been told to wait 5 min: no mail of this sender to \
                this recipient was known yet. Postfix wasn't told: the site only observes, and the mail passed.
                14:15:00 192.0.2.7 brought more mail 15 min after the first attempt, which passed.
                > Put this sender on a whitelist
                $ tprtctl whitelist add /etc/tprt/whitelist.d/partners.json --list partners --network 192.0.2.0/24 \
                --sender-domain partner.example
                """)
    }

    @Test("a store that was unavailable")
    func down() {
        var sample = SampleStory()
        sample.add(0, .storeUnavailable, "192.0.2.7", "unknown", proof: nil)
        #expect(
            sample.text == """
                Mail from anna@partner.example to you@example.com passed at its first attempt, 2026-11-30 14:00 UTC: \
                the database could not be asked (on_store_error).
                14:00:00 192.0.2.7 tried it first, and the mail passed: the database could not be asked \
                (on_store_error).
                * Otherwise it would have had to wait 5 min at least.
                """)
    }

    @Test("a store that was unavailable, and had mail wait")
    func downDeferred() {
        var sample = SampleStory()
        sample.toldAfter = 60
        sample.add(0, .storeUnavailable, "192.0.2.7", "unknown", wait: 300, proof: nil)
        sample.mail.mayPassAt = nil
        #expect(
            sample.text == """
                Mail from anna@partner.example to you@example.com is waiting. Nothing could be remembered of its \
                attempts, so its next one counts as the first.
                14:00:00 192.0.2.7 tried it first, and was told to wait 5 min: the database could not be asked \
                (on_store_error).
                > Let its next attempt pass
                $ tprtctl release anna@partner.example you@example.com
                > Put this sender on a whitelist
                $ tprtctl whitelist add /etc/tprt/whitelist.d/partners.json --list partners --network 192.0.2.0/24 \
                --sender-domain partner.example
                """)
    }

    @Test("too many that wait, and an entry with a delay of its own")
    func crowded() {
        var sample = SampleStory()
        sample.add(0, .pendingLimitReached, "192.0.2.7", "unknown", wait: 300)
        sample.add(400, .new, "192.0.2.7", "unknown", wait: 60, entry: "/etc/tprt/wl.json:3(l)")
        sample.add(470, .retried, "192.0.2.7", "unknown", matched: .network)
        #expect(
            sample.text == """
                Mail from anna@partner.example to you@example.com waited 7 min 50 s, until 2026-11-30 14:07 UTC. Its \
                sender came back as soon as it might pass.
                14:00:00 192.0.2.7 tried it first, and was told to wait 5 min: too many first attempts were waiting, \
                so it could not be remembered (max_pending). Nothing but its network tells who it is.
                14:06:40 192.0.2.7 tried again 6 min 40 s after the first attempt, and was told to wait 1 min: no \
                mail of this sender to this recipient was known yet. The delay is that of the whitelist entry \
                /etc/tprt/wl.json:3(l).
                14:07:50 192.0.2.7 tried again 7 min 50 s after the first attempt, and the mail passed.
                * From now on mail of this sender passes at once to you@example.com.
                > Put this sender on a whitelist
                $ tprtctl whitelist add /etc/tprt/whitelist.d/partners.json --list partners --network 192.0.2.0/24 \
                --sender-domain partner.example
                """)
    }

    @Test("a first attempt that the history doesn't have, and attempts that it leaves out")
    func unseen() {
        var sample = SampleStory()
        sample.mail.firstAttempt = Timestamp(seconds: SampleStory.start.seconds - 600)
        (sample.mail.attempts, sample.mail.deferrals, sample.isWhole) = (901, 900, false)
        sample.add(0, .early, "192.0.2.7", "unknown", wait: 60, matched: .network)
        sample.add(30, .early, "192.0.2.7", "unknown", wait: 30, matched: .network)
        sample.add(60, .retried, "192.0.2.7", "unknown", matched: .network)
        #expect(
            sample.text == """
                Mail from anna@partner.example to you@example.com waited 11 min, until 2026-11-30 14:01 UTC. Its \
                sender came back as soon as it might pass.
                13:50:00 The first attempt, of which the history has no more than the time.
                14:00:00 192.0.2.7 tried again 10 min after the first attempt, too soon, and was told to wait 1 min \
                more. The client was recognised by its network (matched A).
                14:00:30 900 attempts before this one are left out.
                14:00:30 192.0.2.7 tried again 10 min 30 s after the first attempt, too soon, and was told to wait \
                30 s more.
                14:01:00 192.0.2.7 tried again 11 min after the first attempt, and the mail passed.
                * From now on mail of this sender passes at once to you@example.com.
                > Put this sender on a whitelist
                $ tprtctl whitelist add /etc/tprt/whitelist.d/partners.json --list partners --network 192.0.2.0/24 \
                --sender-domain partner.example
                """)
    }

    @Test("freemail, of which many senders have the organisation in common")
    func shared() {
        var sample = SampleStory(sender: "bob@freemail.example")
        sample.add(
            0, .new, "192.0.2.7", "out1.freemail.example", wait: 300, proof: .spf, organisation: "freemail.example")
        sample.add(
            340, .retried, "192.0.2.7", "out1.freemail.example", proof: .spf, organisation: "freemail.example",
            matched: .organisation)
        #expect(
            sample.text == """
                Mail from bob@freemail.example to you@example.com waited 5 min 40 s, until 2026-11-30 14:05 UTC. Its \
                sender came back as soon as it might pass.
                14:00:00 192.0.2.7 (out1.freemail.example) tried it first, and was told to wait 5 min: no mail of \
                this sender to this recipient was known yet. The SPF record of freemail.example names it.
                14:05:40 192.0.2.7 (out1.freemail.example) tried again 5 min 40 s after the first attempt, and the \
                mail passed.
                * From now on mail of this sender passes at once to you@example.com.
                > Put this sender on a whitelist
                $ tprtctl whitelist add /etc/tprt/whitelist.d/partners.json --list partners --entry '{"type": "all", \
                "of": [{"type": "identity", "domain": "freemail.example"}, {"type": "sender_literal", "sender": \
                "bob@freemail.example"}]}'
                """)
    }
}
