import Foundation
import TestSupport
import Testing

/// tprt-postgrey where other projects start postgrey by themselves, in the way that they do it.
@Suite("tprt-postgrey for those who embed postgrey", .blocking)
struct PostgreyEmbeddersTests {
    /// The module of NixOS passes every one of its options, always.
    @Test(
        "NixOS' whole list of options", arguments: ["--lookup-by-subnet", "--lookup-by-host"])
    func nixos(_ lookup: String) throws {
        try withLab { lab in
            let socket = lab.directory.file("postgrey.sock")
            let clients = try lab.directory.write("nixos.example\n", to: "clients")
            let recipients = try lab.directory.write("nixos@\n", to: "recipients")
            let command = try PostgreyCommand(
                lab,
                [
                    "--unix=\(socket)", "--socketmode=0777", "--dbdir=\(try lab.directory.makeDirectory("postgrey"))",
                    "--delay=1", "--max-age=35", "--retry-window=12h", lookup, "--ipv4cidr=24", "--ipv6cidr=64",
                    "--privacy", "--identity=off", "--auto-whitelist-clients=5", "--greylist-action=DEFER_IF_PERMIT",
                    "--greylist-text=Greylisted for %s seconds",
                    "--x-greylist-header=X-Greylist: delayed %t seconds by postgrey-%v at %h; %d",
                    "--whitelist-clients=\(clients)", "--whitelist-recipients=\(recipients)",
                ])
            let client = try command.client(.unix(socket))
            let attributes = try FileManager.default.attributesOfItem(atPath: socket)
            #expect(attributes[.posixPermissions] as? Int == 0o777)
            let request = PolicyRequest(sender: "a@sender.example")
            #expect(try client.ask(request).description == "DEFER_IF_PERMIT Greylisted for 1 seconds")
            // The neighbour is the same client, or another one.
            let neighbour = PolicyRequest(clientAddress: "198.51.100.8", sender: "a@sender.example")
            _ = try eventually("the retry passes") { try client.ask(request).passes ? () : nil }
            #expect(try client.ask(neighbour).passes == (lookup == "--lookup-by-subnet"))
            #expect(try client.ask(PolicyRequest(clientName: "mx.nixos.example", sender: "b@c.example")).passes)
            #expect(try client.ask(PolicyRequest(sender: "b@c.example", recipient: "nixos@test.invalid")).passes)
            #expect(try command.terminate() == .exited(0))
        }
    }

    /// Mail-in-a-Box fetches the list of clients each day and restarts; its status page only connects to the port.
    @Test("Mail-in-a-Box: its options, a fresh list with a restart, and a look at the port")
    func mailInABox() throws {
        try withLab { lab in
            let port = try Ports.free()
            let list = try lab.directory.write("first.example\n", to: "clients")
            let arguments = [
                "--inet=127.0.0.1:\(port)", "--delay=180", "--dbdir=\(try lab.directory.makeDirectory("db"))",
                "--whitelist-clients=\(list)",
            ]
            let (first, second) = (
                PolicyRequest(clientName: "mx.first.example", sender: "a@first.example"),
                PolicyRequest(clientName: "mx.second.example", sender: "a@second.example")
            )
            let before = try PostgreyCommand(lab, arguments)
            let client = try before.client(.inet(port))
            #expect(try client.ask(first).passes)
            #expect(!(try client.ask(second).passes))
            for _ in 0..<3 { _ = try StreamSocket(to: .inet(port)) }
            #expect(try before.terminate() == .exited(0))

            try "second.example\n".write(toFile: list, atomically: true, encoding: .utf8)
            let after = try PostgreyCommand(lab, arguments)
            let next = try after.client(.inet(port))
            #expect(try next.ask(second).passes)
            #expect(!(try next.ask(first).passes))
            #expect(try after.terminate() == .exited(0))
            let said = before.lines + after.lines
            #expect(!said.contains { $0.contains("warning") && $0.contains("connection") }, "\(said)")
        }
    }

    /// What postgrey's own tests ask, of its own lists.
    @Test("postgrey's own tests: a first attempt, its retry, and clients of the lists that come with it")
    func ownTests() throws {
        try withLab { lab in
            let socket = lab.directory.file("postgrey.sock")
            let command = try PostgreyCommand(
                lab,
                [
                    "--dbdir=\(try lab.directory.makeDirectory("db"))", "--unix=\(socket)", "--delay=1",
                    "--whitelist-clients=\(Postgrey.clients)", "--whitelist-recipients=\(Postgrey.recipients)",
                ])
            let client = try command.client(.unix(socket))
            let request = PolicyRequest(
                clientAddress: "10.1.50.1", clientName: "test1.example.com", sender: "test@example.com",
                recipient: "test@example.org")
            #expect(
                try client.ask(request).description
                    == "DEFER_IF_PERMIT Greylisted, see http://postgrey.schweikert.ch/help/example.org.html")
            let passed = try eventually("the retry passes") {
                let reply = try client.ask(request)
                return reply.passes ? reply : nil
            }
            #expect(passed.description.hasPrefix("PREPEND X-Greylist: delayed "))
            let listed = [
                ("2a01:222:f400:fe44::613", "mail-xn1nam02ob0613.outbound.protection.outlook.com"),
                ("195.235.39.10", "relay.example.com"),
            ]
            for (address, name) in listed {
                let reply = try client.ask(
                    PolicyRequest(clientAddress: address, clientName: name, sender: "listed@example.com"))
                #expect(reply.description == "DUNNO", "\(address) \(name)")
            }
            #expect(try command.terminate() == .exited(0))
        }
    }
}
