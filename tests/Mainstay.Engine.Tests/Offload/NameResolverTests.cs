using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Mainstay.Engine.Offload;

namespace Mainstay.Engine.Tests.Offload;

public sealed class NameResolverTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("mainstay-names-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Resolve_NameServerAnswers_GivesItsAddressesAndTimeToLive()
    {
        using var server = new NameServer(query => Answer(query, 0, (1, 30, [192, 0, 2, 1]), (1, 20, [192, 0, 2, 2])));
        Resolution resolution = Resolver(server.Port).Resolve("www.example.test");
        Assert.Equal(["192.0.2.1", "192.0.2.2"], resolution.Addresses.Select(address => address.ToString()));
        Assert.Equal(TimeSpan.FromSeconds(20), resolution.TimeToLive);
        Assert.Null(resolution.Problem);
    }

    [Fact]
    public void Resolve_FirstAnswerIsForged_WaitsForTheRightOne()
    {
        using var server = new NameServer(query =>
        {
            byte[] forged = Answer(query, 0, (1, 30, [203, 0, 113, 66]))[0];
            forged[0] ^= 1;
            return [forged, .. Answer(query, 0, (1, 30, [192, 0, 2, 1]))];
        });
        Assert.Equal("192.0.2.1", Assert.Single(Resolver(server.Port).Resolve("www.example.test").Addresses).ToString());
    }

    [Fact]
    public void Resolve_NoSuchName_SaysSo()
    {
        using var server = new NameServer(query => Answer(query, 3));
        Resolution resolution = Resolver(server.Port).Resolve("no-such-name.invalid");
        Assert.Empty(resolution.Addresses);
        Assert.Contains("no-such-name.invalid", resolution.Problem);
    }

    [Fact]
    public void Resolve_NameInHosts_DoesNotAskTheNameServer()
    {
        int asked = 0;
        using var server = new NameServer(query =>
        {
            Interlocked.Increment(ref asked);
            return Answer(query, 3);
        });
        File.WriteAllText(Path.Combine(_directory, "hosts"), "127.0.0.1 localhost # the machine\n");
        Assert.NotEmpty(Resolver(server.Port).Resolve("localhost").Addresses);
        Assert.Equal(0, asked);
    }

    private static byte[][] Answer(byte[] query, int code, params (ushort Type, uint Seconds, byte[] Content)[] records)
    {
        ushort type = BinaryPrimitives.ReadUInt16BigEndian(query.AsSpan(query.Length - 4));
        var bytes = new List<byte>(query);
        (bytes[2], bytes[3]) = (0x81, (byte)(0x80 | code));
        var own = records.Where(record => record.Type == type).ToList();
        bytes[7] = (byte)own.Count;
        byte[] head = new byte[12];
        foreach ((ushort recordType, uint seconds, byte[] content) in own)
        {
            BinaryPrimitives.WriteUInt16BigEndian(head, 0xC00C); // the question's name
            BinaryPrimitives.WriteUInt16BigEndian(head.AsSpan(2), recordType);
            BinaryPrimitives.WriteUInt16BigEndian(head.AsSpan(4), 1);
            BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(6), seconds);
            BinaryPrimitives.WriteUInt16BigEndian(head.AsSpan(10), (ushort)content.Length);
            bytes.AddRange(head);
            bytes.AddRange(content);
        }

        return [[.. bytes]];
    }

    private NameResolver Resolver(int port)
    {
        string configuration = Path.Combine(_directory, "resolv.conf");
        File.WriteAllText(configuration, $"# test\nnameserver 127.0.0.1#{port}\n");
        return new NameResolver(Path.Combine(_directory, "hosts"), configuration);
    }

    /// <summary>Answers every query as it is told, with one or more datagrams.</summary>
    private sealed class NameServer : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);

        public NameServer(Func<byte[], byte[][]> answer)
        {
            _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            new Thread(() => Run(answer)) { IsBackground = true }.Start();
        }

        public int Port => ((IPEndPoint)_socket.LocalEndPoint!).Port;

        public void Dispose() => _socket.Dispose();

        private void Run(Func<byte[], byte[][]> answer)
        {
            byte[] buffer = new byte[512];
            try
            {
                while (true)
                {
                    EndPoint peer = new IPEndPoint(IPAddress.Any, 0);
                    int length = _socket.ReceiveFrom(buffer, ref peer);
                    foreach (byte[] datagram in answer(buffer[..length])) _socket.SendTo(datagram, peer);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }
}
