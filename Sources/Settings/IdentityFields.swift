extension Configuration {
    static let identityFields: [Field] = [
        Field(
            "service.identity", \.service.identity,
            "By what a returning sender is recognised from another address; spf: by the name of its host, or by SPF; "
                + "name: by that name alone; off: by neither.",
            discussion: "Only spf asks the DNS, and only about senders who would have to wait.",
            reload: true),
        Field(
            "service.fast_lane", \.service.fastLane,
            "Who need not wait: correspondents: those your users wrote to; all: organisations that have earned it, too; off: none.",
            discussion: "Only senders whose identity is proven. With off nothing is learnt, either.",
            reload: true),
        Field(
            "service.earn_days", \.service.earnDays,
            "On how many days mail of an organisation must have been accepted before it need not wait.",
            allowed: .range(1...10_000), reload: true),
        Field(
            "service.earn_recipients", \.service.earnRecipients,
            "By how many recipients, besides.",
            allowed: .range(1...10_000), reload: true),
        Field(
            "service.earn_users", \.service.earnUsers,
            "How many of your users must have written to an organisation to do instead of earn_days and earn_recipients.",
            allowed: .range(1...10_000), reload: true),
        Field(
            "service.max_identities", \.service.maxIdentities,
            "How many organisations are remembered; beyond it those go first that were seen on a single day, longest ago.",
            allowed: .range(1_000...1_000_000_000), reload: true),
        Field(
            "service.learn", \.service.learn,
            "Whether it is remembered whom your logged-in users write to.",
            reload: true),
        Field(
            "service.local_domains", \.service.localDomains,
            "Your own domains: mail from one of your users to another teaches nothing.",
            discussion: "A domain that mail from outside came for is known by itself until the next start.",
            reload: true),
        Field(
            "service.learn_per_user", \.service.learnPerUser,
            "How many correspondents one user may teach in a day.",
            allowed: .range(1...1_000_000_000), reload: true),
        Field(
            "service.learn_per_site", \.service.learnPerSite,
            "How many all users together may.",
            allowed: .range(1...1_000_000_000), reload: true),
        Field(
            "service.identity_max_age", \.service.identityMaxAge,
            "How long an organisation keeps what its mail has earned, after the last of it.",
            allowed: .range(.seconds(60) ... .days(3650)), reload: true),
        Field(
            "service.learned_max_age", \.service.learnedMaxAge,
            "How long it is known whom your users wrote to, after the last time.",
            allowed: .range(.seconds(60) ... .days(3650)), reload: true),
        Field(
            "service.public_suffix_list", \.service.publicSuffixList,
            "The file of the public suffix list, which tells where an organisation's name begins.",
            discussion: "Debian's package publicsuffix has it. It is read again when it changes.",
            allowed: .notEmptyLine, reload: true),
        Field(
            "service.shared_identities", \.service.sharedIdentities,
            "The files that list organisations with many unrelated senders; a later one changes what those before say.",
            discussion:
                "None: shared-identities.list in /usr/share/tprt and /usr/local/share/tprt, and "
                + "/etc/tprt/shared-identities.local. Those that do not exist are left out.",
            reload: true),
        Field(
            "service.dns_servers", \.service.dnsServers,
            "The DNS servers to ask: 127.0.0.1, 127.0.0.1:5353, [::1]:53; none: those of dns_resolv_conf.",
            reload: true),
        Field(
            "service.dns_resolv_conf", \.service.dnsResolvConf,
            "The file whose nameserver lines name the DNS servers to ask.",
            discussion: "It is read again when it changes.",
            allowed: .notEmptyLine, reload: true),
        Field(
            "service.dns_budget", \.service.dnsBudget,
            "How long the reply to a new sender waits for the DNS.",
            discussion: "It is at most half of request_deadline.",
            allowed: .range(.milliseconds(10) ... .seconds(30))),
        Field(
            "service.dns_timeout", \.service.dnsTimeout,
            "How long a question to the DNS may take; what it says after dns_budget counts for the next attempt.",
            allowed: .range(.milliseconds(100) ... .seconds(60)), reload: true),
        Field(
            "service.message_consistency", \.service.messageConsistency,
            "Whether what lets a recipient pass lets others of the message pass, if it is proven who sends; off: never.",
            reload: true),
    ]
}
