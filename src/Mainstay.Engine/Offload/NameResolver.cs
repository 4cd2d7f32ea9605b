using System.Net;
using System.Net.Sockets;
using Mainstay.Core.Net;
using Mainstay.Core.Probing;
using Mainstay.Linux;

namespace Mainstay.Engine.Offload;

/// <summary>A name's addresses and how long they may be used.</summary>
/// <param name="Addresses">In the order of preference; empty when there is a problem.</param>
/// <param name="Problem">Null, or why there are no addresses.</param>
public sealed record Resolution(NetAddress[] Addresses, TimeSpan TimeToLive, string? Problem);

/// <summary>A service's records and how long they may be used.</summary>
/// <param name="Problem">Null, or why there are none.</param>
public sealed record ServiceResolution(ServiceRecord[] Services, TimeSpan TimeToLive, string? Problem)
{
    public static ServiceResolution Failed(string problem) => new([], NameResolver.DefaultTimeToLive, problem);
}

/// <summary>
/// Resolves host names, blocking: for the offload pool. Asks the machine's name servers itself, because the system's resolver does not
/// tell the time to live; what they do not know (/etc/hosts, search domains, other sources of nsswitch.conf) is left to that resolver.
/// </summary>
public sealed class NameResolver
{
    /// <summary>For answers whose time to live is not known, and after a failure.</summary>
    public static readonly TimeSpan DefaultTimeToLive = TimeSpan.FromSeconds(15);

    /// <summary>A zero would have a name asked for without end; a day would miss a move that somebody forgot to announce.</summary>
    private static readonly TimeSpan s_least = TimeSpan.FromSeconds(1), s_longest = TimeSpan.FromMinutes(5);

    private const int Tries = 2, TimeoutMilliseconds = 1000, DnsPort = 53;

    private readonly string _hosts;
    private readonly string _configuration;

    public NameResolver(string hosts = "/etc/hosts", string configuration = "/etc/resolv.conf") =>
        (_hosts, _configuration) = (hosts, configuration);

    public Resolution Resolve(string name)
    {
        // Local names first, as every resolver of the system does.
        if (!IsInHosts(name))
        {
            foreach (IPEndPoint server in ReadServers())
                if (Ask(server, name) is { } answer) return answer;
        }

        return AskSystem(name);
    }

    /// <summary>A service's SRV records. No other source than DNS knows any.</summary>
    public ServiceResolution ResolveServices(string name)
    {
        bool isKnown = true;
        if (!DnsMessage.TryWriteQuery(name, DnsRecordType.SRV, out byte[] query)) return ServiceResolution.Failed($"{name} is no name");
        foreach (IPEndPoint server in ReadServers())
        {
            var services = new List<ServiceRecord>();
            DnsAnswer answer = Exchange(server, query, (message, asked) =>
            {
                services.Clear();
                return (DnsServices.Read(message, asked, services, out uint least), least);
            }, out uint seconds);
            if (answer == DnsAnswer.NoSuchName) isKnown = false;
            if (answer != DnsAnswer.Found) continue;
            return new ServiceResolution([.. services], Bound(seconds), services.Count == 0 ? $"{name} has no SRV records" : null);
        }

        return ServiceResolution.Failed(isKnown ? $"no name server answers for {name}" : $"there is no {name}");
    }

    private bool IsInHosts(string name)
    {
        try
        {
            return File.ReadLines(_hosts)
                .Select(line => line.Split('#')[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
                .Any(words => words.Skip(1).Contains(name.TrimEnd('.'), StringComparer.OrdinalIgnoreCase));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>The name servers of resolv.conf(5); "address#port" is understood too, as unbound and systemd write it.</summary>
    private List<IPEndPoint> ReadServers()
    {
        var servers = new List<IPEndPoint>();
        try
        {
            foreach (string line in File.ReadLines(_configuration))
            {
                if (line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is not ["nameserver", var text, ..]) continue;
                string[] parts = text.Split('#');
                int port = parts.Length == 2 && int.TryParse(parts[1], out int given) ? given : DnsPort;
                if (IPAddress.TryParse(parts[0], out IPAddress? address)) servers.Add(new IPEndPoint(address, port));
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // No such file: the system's resolver decides.
        }

        return servers;
    }

    /// <summary>Null when this server has nothing to say about the name.</summary>
    private static Resolution? Ask(IPEndPoint server, string name)
    {
        var addresses = new List<NetAddress>();
        uint seconds = uint.MaxValue;
        foreach (DnsRecordType type in (ReadOnlySpan<DnsRecordType>)[DnsRecordType.A, DnsRecordType.AAAA])
        {
            if (!DnsMessage.TryWriteQuery(name, type, out byte[] query)) return null;
            DnsAnswer answer = Exchange(server, query, (message, asked) => (DnsAddresses.Read(message, asked, addresses, out uint found), found), out uint least);
            if (answer == DnsAnswer.NoSuchName || (answer == DnsAnswer.Failed && addresses.Count == 0)) return null;
            seconds = Math.Min(seconds, least);
        }

        if (addresses.Count == 0) return null;
        return new Resolution([.. addresses], Bound(seconds), null);
    }

    private static TimeSpan Bound(uint seconds)
    {
        TimeSpan timeToLive = TimeSpan.FromSeconds(seconds);
        return timeToLive < s_least ? s_least : timeToLive > s_longest ? s_longest : timeToLive;
    }

    /// <summary>Reads a message that may be the answer to a query: what it is, and its least time to live in seconds.</summary>
    private delegate (DnsAnswer Answer, uint Seconds) ReadAnswer(ReadOnlySpan<byte> message, ReadOnlySpan<byte> query);

    private static DnsAnswer Exchange(IPEndPoint server, byte[] query, ReadAnswer read, out uint seconds)
    {
        seconds = uint.MaxValue;
        byte[] buffer = new byte[4096];
        try
        {
            using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(server);
            for (int attempt = 0; attempt < Tries; attempt++)
            {
                // An id that cannot be guessed and a port of its own each time: forging an answer has to hit both.
                DnsMessage.SetId(query, Entropy.UInt16());
                socket.Send(query);
                while (socket.Poll(TimeoutMilliseconds * 1000, SelectMode.SelectRead))
                {
                    int length = socket.Receive(buffer);
                    (DnsAnswer answer, seconds) = read(buffer.AsSpan(0, length), query);
                    if (answer == DnsAnswer.Failed && DnsAddresses.IsTruncated(buffer.AsSpan(0, length))) return ExchangeWhole(server, query, read, out seconds);
                    if (answer != DnsAnswer.Ignored) return answer;
                }
            }
        }
        catch (SocketException)
        {
            // Refused or unreachable: as good as no answer.
        }

        return DnsAnswer.Failed;
    }

    /// <summary>Over TCP, where an answer may have any length (RFC 1035 section 4.2.2).</summary>
    private static DnsAnswer ExchangeWhole(IPEndPoint server, byte[] query, ReadAnswer read, out uint seconds)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.SendTimeout = socket.ReceiveTimeout = TimeoutMilliseconds;
        socket.Connect(server);
        socket.Send([(byte)(query.Length >> 8), (byte)query.Length, .. query]);
        using var stream = new NetworkStream(socket);
        byte[] message = new byte[2];
        try
        {
            stream.ReadExactly(message);
            message = new byte[(message[0] << 8) | message[1]];
            stream.ReadExactly(message);
        }
        catch (IOException)
        {
            message = [];
        }

        (DnsAnswer answer, seconds) = read(message, query);
        return answer == DnsAnswer.Ignored ? DnsAnswer.Failed : answer;
    }

    private static Resolution AskSystem(string name)
    {
        try
        {
            NetAddress[] addresses = [.. Dns.GetHostAddresses(name).Select(address => NetAddress.FromBytes(address.GetAddressBytes()))];
            return addresses.Length > 0
                ? new Resolution(addresses, DefaultTimeToLive, null)
                : new Resolution([], DefaultTimeToLive, $"host name {name} has no address");
        }
        catch (SocketException error)
        {
            return new Resolution([], DefaultTimeToLive, $"host name {name} does not resolve: {error.Message}");
        }
    }
}
