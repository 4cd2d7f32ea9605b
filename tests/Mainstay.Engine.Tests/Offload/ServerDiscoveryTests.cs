using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Engine.Offload;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Offload;

/// <summary>Servers that DNS names: who they are, what they are called, and what happens when the answer changes or stays away.</summary>
public sealed class ServerDiscoveryTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("mainstay-discovery-").FullName;
    private readonly Zone _zone = new();

    public void Dispose()
    {
        _zone.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private ServerDiscovery Discovery()
    {
        string resolv = Path.Combine(_directory, "resolv.conf"), hosts = Path.Combine(_directory, "hosts");
        File.WriteAllText(resolv, $"nameserver 127.0.0.1#{_zone.Port}\n");
        File.WriteAllText(hosts, "");
        return new ServerDiscovery(new NameResolver(hosts, resolv));
    }

    private static Snapshot Of(params DiscoverySnapshot[] templates) => BenchConfig.Of(BenchConfig.Pool(
        [.. templates.Select(template => BenchConfig.Server(Endpoint.Name(template.Name, template.Port)) with { Discovery = template })]));

    private static string[] Servers(Snapshot snapshot) =>
        [.. snapshot.Pools[0].Servers.Select(server => $"{server.Name} {server.Weight}{(server.Backup ? " backup" : "")}")];

    private static readonly DiscoverySnapshot s_app = new(DiscoveryKind.Addresses, "app.test", 8080, 64);
    private static readonly DiscoverySnapshot s_service = new(DiscoveryKind.Services, "_http._tcp.app.test", 0, 64);

    [Fact]
    public async Task Addresses_AreOneServerEach_InAStableOrder()
    {
        _zone.Set("app.test", 300, "192.0.2.9", "192.0.2.1", "2001:db8::1");
        using ServerDiscovery discovery = Discovery();
        Snapshot snapshot = Of(s_app);
        await discovery.FollowAsync(snapshot, null, CancellationToken.None);

        Assert.Equal(["192.0.2.1:8080 1", "192.0.2.9:8080 1", "[2001:db8::1]:8080 1"], Servers(discovery.Expand(snapshot)));
        Assert.All(discovery.Expand(snapshot).Pools[0].Servers, server => Assert.Null(server.Discovery));
    }

    [Fact]
    public async Task MoreThanMax_AreLeftOut()
    {
        _zone.Set("app.test", 300, "192.0.2.3", "192.0.2.1", "192.0.2.2");
        using ServerDiscovery discovery = Discovery();
        Snapshot snapshot = Of(s_app with { Max = 2 });
        await discovery.FollowAsync(snapshot, null, CancellationToken.None);
        Assert.Equal(["192.0.2.1:8080 1", "192.0.2.2:8080 1"], Servers(discovery.Expand(snapshot)));
    }

    [Fact]
    public async Task Services_BringPortsAndWeights_AndBackups()
    {
        _zone.SetServices("_http._tcp.app.test", 300, (10, 5, 80, "a.test"), (10, 0, 81, "b.test"), (20, 7, 82, "c.test"));
        foreach ((string name, string address) in new[] { ("a.test", "192.0.2.1"), ("b.test", "192.0.2.2"), ("c.test", "192.0.2.3") }) _zone.Set(name, 300, address);
        using ServerDiscovery discovery = Discovery();
        Snapshot snapshot = Of(s_service);
        await discovery.FollowAsync(snapshot, null, CancellationToken.None);

        Assert.Equal(["192.0.2.1:80 5", "192.0.2.2:81 1", "192.0.2.3:82 7 backup"], Servers(discovery.Expand(snapshot)));
    }

    /// <summary>Some forty records are more than a datagram holds: the name server cuts the answer off, and is asked over TCP.</summary>
    [Fact]
    public async Task ManyServices_AreAskedForOverTcp()
    {
        _zone.SetServices("_http._tcp.app.test", 300, [.. Enumerable.Range(1, 40).Select(i => (1, 1, 8000 + i, "a.test"))]);
        _zone.Set("a.test", 300, "192.0.2.1");
        using ServerDiscovery discovery = Discovery();
        Snapshot snapshot = Of(s_service);
        await discovery.FollowAsync(snapshot, null, CancellationToken.None);
        Assert.Equal(40, discovery.Expand(snapshot).Pools[0].Servers.Length);
    }

    [Fact]
    public async Task AnswerChanges_AfterItsTimeToLive_IsToldOnce()
    {
        _zone.Set("app.test", 1, "192.0.2.1", "192.0.2.2");
        using ServerDiscovery discovery = Discovery();
        using var changed = new SemaphoreSlim(0);
        discovery.Changed = () => changed.Release();
        Snapshot snapshot = Of(s_app);
        await discovery.FollowAsync(snapshot, null, CancellationToken.None);
        Assert.True(await changed.WaitAsync(TimeSpan.FromSeconds(10)));

        // The same set in another order is no change.
        _zone.Set("app.test", 1, "192.0.2.2", "192.0.2.1");
        int asked = _zone.Asked("app.test");
        ProxyBench.Until(() => _zone.Asked("app.test") >= asked + 4, "the name is not asked for again");
        Assert.Equal(0, changed.CurrentCount);

        _zone.Set("app.test", 1, "192.0.2.2", "192.0.2.3");
        Assert.True(await changed.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Equal(["192.0.2.2:8080 1", "192.0.2.3:8080 1"], Servers(discovery.Expand(snapshot)));
    }

    [Fact]
    public async Task NoAnswer_TheLastOneHolds_AndTheOperatorIsTold()
    {
        _zone.Set("app.test", 1, "192.0.2.1");
        using ServerDiscovery discovery = Discovery();
        var told = new ConcurrentQueue<string>();
        discovery.Announce = told.Enqueue;
        Snapshot snapshot = Of(s_app);
        await discovery.FollowAsync(snapshot, null, CancellationToken.None);

        _zone.Fail("app.test");
        ProxyBench.Until(() => !told.IsEmpty, "nobody is told");
        Assert.Contains("app.test", told.First(), StringComparison.Ordinal);
        Assert.Contains("the last answer stays in force", told.First(), StringComparison.Ordinal);
        Assert.Equal(["192.0.2.1:8080 1"], Servers(discovery.Expand(snapshot)));
    }

    [Fact]
    public async Task UnknownName_HasNoServers_UntilItIsThere()
    {
        using ServerDiscovery discovery = Discovery();
        Snapshot snapshot = Of(s_service);
        await discovery.FollowAsync(snapshot, null, CancellationToken.None);
        Assert.Empty(discovery.Expand(snapshot).Pools[0].Servers);
    }

    /// <summary>A name server of one zone, over UDP (answers above 512 bytes are cut off) and TCP.</summary>
    private sealed class Zone : IDisposable
    {
        private readonly ConcurrentDictionary<(string Name, int Type), (uint Seconds, byte[][] Records)> _records = new();
        private readonly ConcurrentDictionary<string, int> _asked = new();
        private readonly HashSet<string> _failing = [];
        private Socket _datagrams = null!;
        private Socket _streams = null!;

        public Zone()
        {
            // One number for both protocols: not every free one is free in the other.
            for (int attempt = 0; !TryBind(); attempt++) Assert.True(attempt < 100, "no port is free for both protocols");
            new Thread(ServeDatagrams) { IsBackground = true }.Start();
            new Thread(ServeStreams) { IsBackground = true }.Start();
        }

        public int Port => ((IPEndPoint)_datagrams.LocalEndPoint!).Port;

        public int Asked(string name) => _asked.GetValueOrDefault(name);

        public void Set(string name, uint seconds, params string[] addresses)
        {
            byte[][] all = [.. addresses.Select(address => IPAddress.Parse(address).GetAddressBytes())];
            _records[(name, 1)] = (seconds, [.. all.Where(bytes => bytes.Length == 4)]);
            _records[(name, 28)] = (seconds, [.. all.Where(bytes => bytes.Length == 16)]);
        }

        public void SetServices(string name, uint seconds, params (int Priority, int Weight, int Port, string Target)[] services) =>
            _records[(name, 33)] = (seconds, [.. services.Select(service => (byte[])
            [
                (byte)(service.Priority >> 8), (byte)service.Priority, (byte)(service.Weight >> 8), (byte)service.Weight,
                (byte)(service.Port >> 8), (byte)service.Port,
                .. service.Target.Split('.').SelectMany(label => Encoding.ASCII.GetBytes(label).Prepend((byte)label.Length)), 0,
            ])]);

        public void Fail(string name)
        {
            lock (_failing) _failing.Add(name);
        }

        public void Dispose()
        {
            _datagrams.Dispose();
            _streams.Dispose();
        }

        private bool TryBind()
        {
            _datagrams = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            _streams = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                _datagrams.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                _streams.Bind(new IPEndPoint(IPAddress.Loopback, Port));
                _streams.Listen();
                return true;
            }
            catch (SocketException)
            {
                Dispose();
                return false;
            }
        }

        private void ServeDatagrams()
        {
            byte[] buffer = new byte[512];
            try
            {
                while (true)
                {
                    EndPoint peer = new IPEndPoint(IPAddress.Any, 0);
                    byte[] query = buffer[.._datagrams.ReceiveFrom(buffer, ref peer)];
                    byte[] answer = Answer(query);
                    if (answer.Length > 512)
                    {
                        answer = [.. query];
                        (answer[2], answer[3]) = (0x83, 0x80);
                    }

                    _datagrams.SendTo(answer, peer);
                }
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                // Disposed.
            }
        }

        private void ServeStreams()
        {
            try
            {
                while (true)
                {
                    using Socket client = _streams.Accept();
                    byte[] query = new byte[514];
                    int count = client.Receive(query);
                    byte[] answer = Answer(query[2..count]);
                    client.Send([(byte)(answer.Length >> 8), (byte)answer.Length, .. answer]);
                }
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                // Disposed.
            }
        }

        private byte[] Answer(byte[] query)
        {
            var labels = new List<string>();
            int at = 12;
            for (; query[at] != 0; at += query[at] + 1) labels.Add(Encoding.ASCII.GetString(query, at + 1, query[at]));
            string name = string.Join('.', labels);
            int type = BinaryPrimitives.ReadUInt16BigEndian(query.AsSpan(at + 1));
            _asked.AddOrUpdate(name, 1, (_, count) => count + 1);
            bool fails;
            lock (_failing) fails = _failing.Contains(name);
            bool isKnown = _records.TryGetValue((name, type), out (uint Seconds, byte[][] Records) found);
            var answer = new List<byte>(query);
            (answer[2], answer[3]) = (0x81, (byte)(fails ? 0x82 : isKnown ? 0x80 : 0x83));
            if (fails || !isKnown) return [.. answer];
            answer[7] = (byte)found.Records.Length;
            foreach (byte[] content in found.Records)
            {
                byte[] head = [0xC0, 0x0C, 0, (byte)type, 0, 1, 0, 0, 0, (byte)found.Seconds, (byte)(content.Length >> 8), (byte)content.Length];
                BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(6), found.Seconds);
                answer.AddRange([.. head, .. content]);
            }

            return [.. answer];
        }
    }
}
