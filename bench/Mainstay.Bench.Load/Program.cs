using System.Globalization;
using Mainstay.Bench.Load;
using Mainstay.Core.Net;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

// open ADDRESS PORT PATH CONNECTIONS RATE SECONDS: requests at a fixed rate, whatever the answers do; prints one line
//     answered=N lost=N p50_us=N p99_us=N p999_us=N max_us=N
// idle ADDRESS PORT PATH CONNECTIONS: one request on each connection, then "ready"; holds them until standard input ends.
// udp-echo ADDRESS PORT: sends back what it gets, until standard input ends.
// udp ADDRESS PORT CLIENTS SIZE SECONDS: clients that ask and wait for the answer; prints answered=N lost=N
if (args is ["udp-echo" or "udp", var datagramAddress, var datagramPort, ..] && NetAddress.TryParse(datagramAddress, out NetAddress to))
{
    SocketAddress peer = SocketAddress.From(to, int.Parse(datagramPort, CultureInfo.InvariantCulture));
    if (args[0] == "udp-echo") Datagrams.Echo(peer);
    else Datagrams.Ask(peer, int.Parse(args[3], CultureInfo.InvariantCulture), int.Parse(args[4], CultureInfo.InvariantCulture), double.Parse(args[5], CultureInfo.InvariantCulture));
    return 0;
}

if (args is not [var mode and ("open" or "idle"), var addressText, var portText, var path, var connectionsText, ..]
    || !NetAddress.TryParse(addressText, out NetAddress address))
{
    Console.Error.WriteLine("usage: open ADDRESS PORT PATH CONNECTIONS RATE SECONDS | idle ADDRESS PORT PATH CONNECTIONS");
    return 2;
}

int port = int.Parse(portText, CultureInfo.InvariantCulture);
int connections = int.Parse(connectionsText, CultureInfo.InvariantCulture);
using var loop = new EventLoop();
var load = new Load(loop, SocketAddress.From(address, port), $"GET {path} HTTP/1.1\r\nHost: {addressText}:{port}\r\n\r\n", connections);
if (!load.TryConnect(out string error))
{
    Console.Error.WriteLine(error);
    return 1;
}

if (mode == "idle")
{
    load.Run(rate: 2000, seconds: connections / 2000.0 + 0.5);
    Console.WriteLine($"ready answered={load.Answered} lost={load.Lost}");
    Console.In.ReadToEnd();
    return 0;
}

load.Run(double.Parse(args[5], CultureInfo.InvariantCulture), double.Parse(args[6], CultureInfo.InvariantCulture));
Console.WriteLine(load.Summary());
return 0;
