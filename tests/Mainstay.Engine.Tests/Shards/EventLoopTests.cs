using Mainstay.Core.Net;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Tests.Shards;

public class EventLoopTests
{
    private sealed class Recorder(int descriptor) : Channel
    {
        public readonly List<IoEvents> Seen = [];
        public Action? Then;

        public void Adopt() => Descriptor = descriptor;

        public override void OnReady(IoEvents events)
        {
            Seen.Add(events);
            Then?.Invoke();
        }
    }

    private sealed class Receiver : ILoopReceiver
    {
        public readonly List<long> Numbers = [];

        public void OnMessage(object? content, long number) => Numbers.Add(number);
    }

    [Fact]
    public void Post_FromManyThreads_EveryMessageArrivesOnce()
    {
        using var loop = new EventLoop();
        var receiver = new Receiver();
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(t => new Thread(() =>
        {
            for (int i = 0; i < 1000; i++) loop.Post(receiver, null, t * 1000 + i);
        }))];
        foreach (Thread thread in threads) thread.Start();
        while (receiver.Numbers.Count < 4000) loop.Turn(1000);
        foreach (Thread thread in threads) thread.Join();
        Assert.Equal(Enumerable.Range(0, 4000).Select(i => (long)i), receiver.Numbers.Order());
    }

    [Fact]
    public void Unregister_EventOfTheSameBatchStillToCome_IsDroppedEvenWhenTheIndexIsReused()
    {
        using var loop = new EventLoop();
        (Recorder first, Recorder second) = (Signaled(), Signaled());
        Recorder third = Signaled();
        loop.Register(first, IoEvents.In);
        loop.Register(second, IoEvents.In);
        int handled = 0;
        first.Then = () => Replace(second);
        second.Then = () => Replace(first);
        loop.Turn(1000);
        Assert.Equal(1, first.Seen.Count + second.Seen.Count);
        Assert.Empty(third.Seen);
        loop.Turn(1000);
        Assert.Single(third.Seen);

        void Replace(Recorder other)
        {
            if (handled++ > 0) return;
            loop.Unregister(other, staysOpen: true);
            loop.Register(third, IoEvents.In | IoEvents.EdgeTriggered);
        }
    }

    [Fact]
    public void GoesFirst_EventBehindOthersOfItsBatch_IsTakenBeforeThem()
    {
        using var loop = new EventLoop();
        Recorder[] ordinary = [Signaled(), Signaled()];
        Recorder waiting = Signaled();
        foreach (Recorder channel in new[] { ordinary[0], ordinary[1], waiting }) loop.Register(channel, IoEvents.In | IoEvents.EdgeTriggered);
        waiting.GoesFirst = true;
        bool isFirst = false;
        waiting.Then = () =>
        {
            isFirst = ordinary.All(channel => channel.Seen.Count == 0);
            loop.Unregister(waiting, staysOpen: true);
        };
        loop.Turn(1000);
        Assert.True(isFirst);
        Assert.Equal([1, 1, 1], [ordinary[0].Seen.Count, ordinary[1].Seen.Count, waiting.Seen.Count]);
    }

    [Fact]
    public void Accept_LoopbackConnection_TellsThePeer()
    {
        int listener = Sockets.CreateStream(SocketAddress.FamilyV4);
        Assert.True(NetAddress.TryParse("127.0.0.1", out NetAddress loopback));
        Assert.Equal(0, Sockets.Bind(listener, SocketAddress.From(loopback, 0)));
        Assert.Equal(0, Sockets.Listen(listener, 16));
        SocketAddress address = Sockets.LocalAddress(listener);
        int client = Sockets.CreateStream(SocketAddress.FamilyV4);
        Assert.Contains(Sockets.Connect(client, address), new[] { 0, -(int)Errno.EINPROGRESS });
        int accepted = Sockets.Accept(listener, out SocketAddress peer);
        Assert.True(accepted >= 0);
        Assert.Equal(Sockets.LocalAddress(client).ToString(), peer.ToString());
        foreach (int fd in new[] { listener, client, accepted }) Descriptor.Close(fd);
    }

    private static Recorder Signaled()
    {
        int fd = Descriptor.CreateEventFd();
        Descriptor.Signal(fd);
        var recorder = new Recorder(fd);
        recorder.Adopt();
        return recorder;
    }
}
