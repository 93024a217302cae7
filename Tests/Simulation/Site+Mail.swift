import Greylist

/// How mail comes: in waves, from senders that come again, over the connections of the site's servers to their daemons.
extension Site {
    func nextWave() {
        world.after(world.draw(conditions.lull)) { [self] in
            guard !isHealed else { return }
            for _ in 0..<world.number(in: 5...120) {
                world.after(world.draw(0...90_000)) { [self] in if !isHealed { post() } }
            }
            for _ in 0..<world.number(in: 0...3) { world.after(world.draw(0...90_000)) { [self] in writeOut() } }
            nextWave()
        }
    }

    /// A mail begins; some are from and to whom there was mail before.
    func post() {
        lastMail += 1
        let mail: Mail
        if let former = delivered.last, world.happens(200) {
            let former = world.happens(500) ? former : world.pick(delivered)
            // Alone, with one more, or with many who have never had mail from there.
            let more = world.happens(700) ? 0 : world.happens(800) ? 1 : 14
            let recipients = (0..<more).reduce(into: former.open) { recipients, _ in
                let recipient = world.number(in: 0...Self.recipients - 1)
                if !recipients.contains(recipient) { recipients.append(recipient) }
            }
            mail = Mail(lastMail, from: former.sender, address: former.address, to: recipients, pace: former.pace)
        } else {
            let sender = world.pick(population.senders)
            let box = sender.kind == .service ? "b\(lastMail)" : "a\(world.number(in: 0...4))"
            var recipients = [world.number(in: 0...Self.recipients - 1)]
            while recipients.count < 12, world.happens(recipients.count < 3 ? 250 : 700) {
                recipients.append(world.number(in: 0...Self.recipients - 1))
            }
            mail = Mail(
                lastMail, from: sender, address: "\(box)@\(sender.domain)", to: Array(Set(recipients)).sorted(),
                pace: world.pick(Mail.Pace.allCases))
        }
        mails[mail.number] = mail
        attempt(mail)
        // Two of its hosts have it.
        if world.happens(60) { world.after(microseconds: world.draw(0...3_000)) { [self] in attempt(mail) } }
    }

    /// One of our users writes to a sender.
    func writeOut() {
        guard let life = world.pick(daemons).life else { return }
        let sender = world.pick(population.senders)
        lastMail += 1
        let user = world.number(in: 0...Self.recipients - 1)
        let mail = Mail(
            lastMail, from: sender, address: "a\(world.number(in: 0...4))@\(sender.domain)", to: [user], pace: .asTold)
        lastMessage += 1
        ask(
            mail, from: sender.hosts[0], to: [user], of: Message(instance: "\(lastMessage)", isOutgoing: true),
            at: life,
            over: connection(to: life)
        ) { _ in }
    }

    func connection(to life: Life) -> Smtpd? {
        // Two messages over one connection at a time: Postfix doesn't, but something in front of it may.
        if world.happens(40), let busy = life.smtpds.last(where: { $0.isFresh && $0.message != nil }) { return busy }
        for smtpd in life.smtpds where smtpd.message == nil && !smtpd.isFresh { smtpd.hangUp() }
        life.smtpds.removeAll { !$0.isOpen }
        if !world.happens(100), let idle = life.smtpds.first(where: { $0.isOpen && $0.message == nil }) { return idle }
        let smtpd = try? Smtpd(life, world.pick(life.loops)) { [weak self] in self?.take($1, for: $0) }
        if let smtpd { life.smtpds.append(smtpd) }
        return smtpd
    }

    /// Hands the mail to one of the site's servers, one recipient after the other.
    func attempt(_ mail: Mail) {
        guard !mail.open.isEmpty else { return }
        let start = world.now
        mail.start = mail.start ?? start
        mail.tries += 1
        guard let life = world.pick(daemons).life else {
            return world.after(world.draw(30_000...120_000)) { [self] in attempt(mail) }
        }
        lastMessage += 1
        let host = world.pick(mail.sender.hosts)
        ask(
            mail, from: host, to: mail.open, of: Message(instance: "i\(lastMessage)"), at: life,
            over: connection(to: life)
        ) { [self] waits in goOn(with: mail, after: start, waits) }
    }

    /// Asks about one recipient after the other.
    ///
    /// - Parameter done: called with what those were told that have to wait, or nil where the connection was lost
    func ask(
        _ mail: Mail, from host: Sender.Host, to recipients: [Int], of message: Message, at life: Life,
        over smtpd: Smtpd?, waits: [Int64] = [], done: @escaping ([Int64]?) -> Void
    ) {
        guard let recipient = recipients.first else {
            if smtpd?.message === message { smtpd?.message = nil }
            return done(waits)
        }
        guard let smtpd, smtpd.isOpen, !life.isOver else { return done(nil) }
        if let other = smtpd.message, other !== message { (message.isInterrupted, other.isInterrupted) = (true, true) }
        smtpd.message = message
        lastRequest += 1
        let rest = Array(recipients.dropFirst())
        let request = Request(lastRequest, for: mail, from: host, to: recipient, of: message, at: life) {
            [self] request, reply in
            guard let reply else { return done(nil) }
            var waits = waits
            if case .deferral(let wait) = reply {
                waits.append(wait)
            } else if !message.isOutgoing {
                mail.open.removeAll { $0 == recipient }
            }
            world.after(microseconds: world.draw(100...30_000)) { [self] in
                ask(mail, from: host, to: rest, of: message, at: life, over: smtpd, waits: waits, done: done)
            }
        }
        request.store = smtpd.loop.store
        world.note(
            request.tags,
            "request \(request.number): mail \(mail.number) from \(mail.address) at \(host.address) (\(host.name ?? "unknown")) to \(recipient), daemon \(life.daemon.number)"
        )
        smtpd.ask(request)
        if message.isOutgoing { oracle.noteOutgoing(request) } else { oracle.begin(request) }
        // Postfix' own deadline, or its end.
        if world.happens(4) { world.after(microseconds: world.draw(0...20_000)) { smtpd.hangUp() } }
    }

    func goOn(with mail: Mail, after start: Int64, _ waits: [Int64]?) {
        guard mails[mail.number] != nil else { return }
        if mail.open.isEmpty || !mail.sender.isCompliant && mail.tries >= 3 || mail.tries >= Self.mostTries {
            if !mail.open.isEmpty, mail.sender.isCompliant, isHealed {
                world.fail("mail \(mail.number) isn't accepted after \(mail.tries) tries", about: mail.tags)
            }
            mails[mail.number] = nil
            return
        }
        world.after(pause(of: mail, told: waits)) { [self] in attempt(mail) }
    }

    /// How long the sender waits, in milliseconds.
    func pause(of mail: Mail, told waits: [Int64]?) -> Int64 {
        guard let wait = waits?.max() else { return world.draw(10_000...120_000) }
        let least = conditions.rules.delay - conditions.rules.leeway
        switch mail.pace {
        case .asTold: return wait * 1_000 + world.draw(0...1_200)
        case .atTheBorder:
            return mail.tries == 1 ? max(1, least * 1_000 + world.draw(-4_000...2_000)) : world.draw(1_000...60_000)
        case .bySchedule:
            return [60, 120, 300, 600, 900, 1_800, 3_600][min(max(mail.tries - 1, 0), 6)] * 1_000
                + world.draw(0...5_000)
        case .hasty: return world.draw(500...40_000)
        }
    }
}
