using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Mainstay.Core.Tcp;
using Mainstay.Engine.Tests.Http.Bench;
using Mainstay.Engine.Tests.Tcp.Bench;

namespace Mainstay.Engine.Tests.Tcp;

/// <summary>Bytes both ways: whole, in order, with both ends of the stream where they were.</summary>
public class StreamTests
{
    private static byte[] Noise(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    [Fact]
    public async Task Connection_Echoes()
    {
        using TcpServer server = TcpServer.Echo();
        await using TcpBench bench = await TcpBench.StartAsync(TcpConfig.Of(server.Endpoint));
        using RawPeer client = bench.Connect();

        client.Send("hello");
        Assert.Equal("hello", Encoding.ASCII.GetString(client.ReadExactly(5)));
        client.HalfClose();
        Assert.Empty(client.ReadToEnd());

        bench.Until(FlowCause.Completed);
    }

    [Fact]
    public async Task Server_SpeaksFirst()
    {
        using TcpServer server = TcpServer.Naming("220 ready");
        await using TcpBench bench = await TcpBench.StartAsync(TcpConfig.Of(server.Endpoint));
        using RawPeer client = bench.Connect();

        Assert.Equal("220 ready", Encoding.ASCII.GetString(client.ReadToEnd()));
    }

    [Fact]
    public async Task ClientEndsItsStream_ServerStillAnswers()
    {
        using var server = new TcpServer();
        await using TcpBench bench = await TcpBench.StartAsync(TcpConfig.Of(server.Endpoint));
        using RawPeer client = bench.Connect();
        client.Send("question");
        client.HalfClose();
        using RawPeer peer = server.Take();

        Assert.Equal("question", Encoding.ASCII.GetString(peer.ReadToEnd()));
        peer.Send("answer");
        peer.Dispose();
        Assert.Equal("answer", Encoding.ASCII.GetString(client.ReadToEnd()));
    }

    [Fact]
    public async Task ServerEndsItsStream_ClientStillSends()
    {
        using var server = new TcpServer();
        await using TcpBench bench = await TcpBench.StartAsync(TcpConfig.Of(server.Endpoint));
        using RawPeer client = bench.Connect();
        using RawPeer peer = server.Take();
        peer.Send("bye");
        peer.HalfClose();

        Assert.Equal("bye", Encoding.ASCII.GetString(client.ReadToEnd()));
        client.Send("more");
        client.HalfClose();
        Assert.Equal("more", Encoding.ASCII.GetString(peer.ReadToEnd()));
        bench.Until(FlowCause.Completed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task HundredMegabytes_ArriveWhole_ByTheKernel(bool toServer)
    {
        const int megabytes = 100;
        byte[] piece = Noise(1 << 20, 7);
        using var server = new TcpServer();
        await using TcpBench bench = await TcpBench.StartAsync(TcpConfig.Of(server.Endpoint));
        using RawPeer client = bench.Connect();
        client.Send("x");
        using RawPeer peer = server.Take();
        peer.ReadExactly(1);
        (RawPeer from, RawPeer to) = toServer ? (client, peer) : (peer, client);

        Task sending = Task.Run(() =>
        {
            for (int i = 0; i < megabytes; i++) from.Send(piece);
            from.HalfClose();
        });
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var expected = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int i = 0; i < megabytes; i++) expected.AppendData(piece);
        long count = 0;
        for (byte[] some = to.ReadSome(); some.Length > 0; some = to.ReadSome())
        {
            hash.AppendData(some);
            count += some.Length;
        }

        await sending;
        Assert.Equal((long)megabytes << 20, count);
        Assert.Equal(expected.GetHashAndReset(), hash.GetHashAndReset());
        Assert.True(bench.Plane.Tcp[0].Counters.Spliced > 0, "nothing was spliced");
    }

    /// <summary>Small and large pieces in turn, both directions at once: the flow changes between copying and splicing again and again.</summary>
    [Fact]
    public async Task MixedSizes_BothWaysAtOnce_ArriveWhole()
    {
        using TcpServer server = TcpServer.Echo();
        await using TcpBench bench = await TcpBench.StartAsync(TcpConfig.Of(server.Endpoint), shards: 2);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(seed => Task.Run(() =>
        {
            var random = new Random(seed);
            byte[] all = Noise(6 << 20, seed);
            using RawPeer client = bench.Connect();
            Task sending = Task.Run(() =>
            {
                for (int at = 0; at < all.Length;)
                {
                    int size = Math.Min(all.Length - at, random.Next(3) == 0 ? random.Next(1 << 20) : random.Next(1, 300));
                    client.Send(all.AsSpan(at, size));
                    at += size;
                }

                client.HalfClose();
            });
            byte[] back = client.ReadToEnd();
            sending.Wait();
            Assert.True(all.AsSpan().SequenceEqual(back), $"seed {seed}: {back.Length} of {all.Length} bytes, or others");
        })));
    }

    [Fact]
    public async Task SlowReader_HoldsTheSender_AndCostsLittleMemory()
    {
        using var server = new TcpServer();
        await using TcpBench bench = await TcpBench.StartAsync(TcpConfig.Of(server.Endpoint));
        using RawPeer client = bench.Connect();
        client.Send("x");
        using RawPeer peer = server.Take();
        peer.ReadExactly(1);

        // Until nothing more fits anywhere on the way: the sender is held.
        byte[] piece = Noise(256 * 1024, 3);
        peer.Socket.Blocking = false;
        long sent = 0;
        for (int stuck = 0; stuck < 20;)
        {
            Assert.True(sent < 200 << 20, "the sender is not held");
            int count = peer.Socket.Send(piece, 0, piece.Length, SocketFlags.None, out SocketError error);
            stuck = error == SocketError.WouldBlock ? stuck + 1 : 0;
            sent += Math.Max(count, 0);
            if (error == SocketError.WouldBlock) Thread.Sleep(5);
        }

        Assert.InRange(bench.OnShard(tcp => tcp.Blocks.BytesRented), 0, 256 * 1024);
        peer.Socket.Blocking = true;
        Task ending = Task.Run(peer.HalfClose);
        Assert.Equal(sent, client.ReadToEnd().LongLength);
        await ending;
    }

    [Fact]
    public async Task ClientResets_ServerIsReset()
    {
        using var server = new TcpServer();
        await using TcpBench bench = await TcpBench.StartAsync(TcpConfig.Of(server.Endpoint));
        RawPeer client = bench.Connect();
        client.Send("begin");
        using RawPeer peer = server.Take();
        peer.ReadExactly(5);
        client.Reset();

        Assert.True(peer.ReadToAnyEnd().WasReset);
        bench.Until(FlowCause.ClientReset);
    }

    [Fact]
    public async Task ServerResets_ClientIsReset_AfterWhatWasSent()
    {
        using var server = new TcpServer();
        await using TcpBench bench = await TcpBench.StartAsync(TcpConfig.Of(server.Endpoint));
        using RawPeer client = bench.Connect();
        RawPeer peer = server.Take();
        peer.Send("part");
        Assert.Equal("part", Encoding.ASCII.GetString(client.ReadExactly(4)));
        peer.Reset();

        Assert.True(client.ReadToAnyEnd().WasReset);
        bench.Until(FlowCause.ServerReset);
    }

    [Fact]
    public async Task UnixSockets_OnBothSides()
    {
        string folder = Directory.CreateTempSubdirectory("mainstay-tcp").FullName;
        using var server = new TcpServer(peer =>
        {
            peer.Send(peer.ReadSome());
            peer.Dispose();
        }, $"{folder}/server.sock");
        var listen = Mainstay.Core.Net.Endpoint.Unix($"{folder}/listen.sock");
        await using TcpBench bench = await TcpBench.StartAsync(
            TcpConfig.Of(server.Endpoint).WithTcp(service => service with { Listen = [new Mainstay.Core.Config.TcpListenSnapshot(listen)] }), shards: 2);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint($"{folder}/listen.sock"));
        using var client = new RawPeer(socket);

        client.Send("over files");
        Assert.Equal("over files", Encoding.ASCII.GetString(client.ReadToEnd()));
        Directory.Delete(folder, recursive: true);
    }
}
