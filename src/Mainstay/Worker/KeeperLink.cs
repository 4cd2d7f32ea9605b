using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Threading.Channels;
using Mainstay.Core;
using Mainstay.Core.Net;
using Mainstay.Engine.Control;
using Mainstay.Engine.Shards;
using Mainstay.Link;
using Mainstay.Linux;
using Mainstay.Linux.Processes;
using Microsoft.Win32.SafeHandles;
using Channel = Mainstay.Engine.Shards.Channel;

namespace Mainstay.Worker;

/// <summary>What the keeper tells the worker to do.</summary>
internal abstract record KeeperOrder
{
    private KeeperOrder()
    {
    }

    /// <param name="Descriptor">Of the opened file, the receiver closes it; or a negated <see cref="Errno"/>.</param>
    public sealed record Configure(string Path, int Descriptor) : KeeperOrder;

    /// <param name="Within">Null: as configured. Also when the keeper is gone: nobody would replace this worker.</param>
    public sealed record Drain(TimeSpan? Within) : KeeperOrder;

    /// <param name="IsComing">A second worker is about to start; false: it has failed.</param>
    public sealed record Yield(bool IsComing) : KeeperOrder;

    /// <summary>Not the keeper's: DNS names other servers.</summary>
    public sealed record Rediscover : KeeperOrder;
}

/// <summary>The worker's end of the link: a thread of its own reads it and sends heartbeats, whatever the rest of the worker does.</summary>
internal sealed class KeeperLink : IListenerSource, IFileSource, IDisposable
{
    private static readonly TimeSpan HeartbeatInterval = TimeSpan.FromMilliseconds(500);

    private readonly EventLoop _loop = new();
    private readonly LinkSocket _socket;
    private readonly LinkChannel _channel;
    private readonly Channel<KeeperOrder> _orders = System.Threading.Channels.Channel.CreateUnbounded<KeeperOrder>();
    private readonly ConcurrentDictionary<uint, TaskCompletionSource<ListenerSockets>> _listeners = new();
    private readonly ConcurrentDictionary<uint, TaskCompletionSource<Errno>> _claims = new();
    private readonly ConcurrentDictionary<uint, TaskCompletionSource<(int Descriptor, Errno Error)>> _files = new();
    private readonly CancellationTokenSource _leaving = new();
    private readonly Thread _thread;
    private uint _lastId;
    private volatile Func<bool> _isAlive = () => true;

    public KeeperLink(int descriptor)
    {
        _socket = new LinkSocket(descriptor);
        _channel = new LinkChannel(this);
        _ = _loop.Register(_channel, IoEvents.In);
        _socket.TrySend(new LinkMessage(LinkKind.Hello, Number: LinkCodec.Version));
        _thread = new Thread(Run) { IsBackground = true, Name = "keeper-link" };
        _thread.Start();
    }

    /// <summary>In the order in which they came; ends never.</summary>
    public ChannelReader<KeeperOrder> Orders => _orders.Reader;

    /// <summary>Of the link's thread; whoever uses it must not hold it up, or heartbeats are late.</summary>
    public EventLoop Loop => _loop;

    /// <summary>Cancelled as soon as a drain is ordered, ahead of its place among the orders: nothing should take long any more.</summary>
    public CancellationToken Leaving => _leaving.Token;

    /// <summary>Asked before every heartbeat, on the link's thread; false holds it back.</summary>
    public void WatchOver(Func<bool> isAlive) => _isAlive = isAlive;

    public Task<ListenerSockets> OpenAsync(Endpoint endpoint, int count, SocketKind kind = SocketKind.Stream) =>
        AskForSocketsAsync(kind.KeyOf(endpoint), count);

    public Task<ListenerSockets> OpenPrivateAsync(Endpoint endpoint) =>
        AskForSocketsAsync(SocketKind.Stream.KeyOf(endpoint), 1 + LinkCodec.PrivateListener);

    private async Task<ListenerSockets> AskForSocketsAsync(string key, long number)
    {
        uint id = Interlocked.Increment(ref _lastId);
        var answer = new TaskCompletionSource<ListenerSockets>(TaskCreationOptions.RunContinuationsAsynchronously);
        _listeners[id] = answer;
        if (!_socket.TrySend(new LinkMessage(LinkKind.OpenListener, id, number, key))) AbandonQuestions();
        return await answer.Task.ConfigureAwait(false);
    }

    /// <summary>Makes the keeper hold the instance lock of a state directory.</summary>
    public async Task<Errno> ClaimAsync(string directory)
    {
        uint id = Interlocked.Increment(ref _lastId);
        var answer = new TaskCompletionSource<Errno>(TaskCreationOptions.RunContinuationsAsynchronously);
        _claims[id] = answer;
        if (!_socket.TrySend(new LinkMessage(LinkKind.Claim, id, Text: directory))) AbandonQuestions();
        return await answer.Task.ConfigureAwait(false);
    }

    /// <summary>With the rights of this process, or else with the keeper's.</summary>
    public async Task<(SafeFileHandle? File, string Error)> OpenAsync(string path)
    {
        if (OwnFiles.TryOpen(path, out SafeFileHandle? file, out Errno error)) return (file, "");
        if (error is not Errno.EACCES) return (null, error.Describe());
        uint id = Interlocked.Increment(ref _lastId);
        var answer = new TaskCompletionSource<(int Descriptor, Errno Error)>(TaskCreationOptions.RunContinuationsAsynchronously);
        _files[id] = answer;
        if (!_socket.TrySend(new LinkMessage(LinkKind.OpenFile, id, Text: path))) AbandonQuestions();
        (int descriptor, Errno refusal) = await answer.Task.ConfigureAwait(false);
        if (descriptor >= 0) return (new SafeFileHandle(descriptor, ownsHandle: true), "");
        return (null, refusal == Errno.EPERM
            ? "the worker's user may not read it, and the keeper does not find its path in the configuration: write it there without escapes, or let that user read it"
            : refusal.Describe());
    }

    public void CloseListener(string endpoint) => _socket.TrySend(new LinkMessage(LinkKind.CloseListener, Text: endpoint));

    public void ReportServing(uint configuration, TimeSpan drainTimeout) =>
        _socket.TrySend(new LinkMessage(LinkKind.Serving, configuration, (long)drainTimeout.TotalMilliseconds));

    /// <summary>Any thread.</summary>
    public void OrderRediscovery() => _orders.Writer.TryWrite(new KeeperOrder.Rediscover());

    public void ReportYielded() => _socket.TrySend(new LinkMessage(LinkKind.Yielded));

    public void WantConfiguration() => _socket.TrySend(new LinkMessage(LinkKind.WantConfiguration));

    public void Dispose()
    {
        _loop.Stop();
        _thread.Join();
        _socket.Dispose();
        _loop.Dispose();
        _leaving.Dispose();
    }

    private void Run()
    {
        var heartbeat = new Heartbeat(this);
        _loop.Run();
        _loop.Disarm(heartbeat);
    }

    private void OnReady()
    {
        LinkEvent found = _socket.Receive(out LinkMessage message, out ReadOnlySpan<int> descriptors);
        if (found == LinkEvent.Nothing) return;
        if (found == LinkEvent.Message)
        {
            OnMessage(message, descriptors);
            return;
        }

        // The keeper is gone. Whoever starts the next one needs the ports: take no new work, end the existing.
        _loop.Unregister(_channel, staysOpen: true);
        AbandonQuestions();
        OrderDrain(null);
    }

    private void OnMessage(in LinkMessage message, ReadOnlySpan<int> descriptors)
    {
        switch (message.Kind)
        {
            // Something to tell, not to end for: what is open goes on.
            case LinkKind.Configuration when _socket.HasLostDescriptors:
                _orders.Writer.TryWrite(new KeeperOrder.Configure(message.Text, -(int)Errno.EMFILE));
                return;
            case LinkKind.Listener when _socket.HasLostDescriptors:
                if (_listeners.TryRemove(message.Id, out var asked)) asked.SetResult(ListenerSockets.Failed(Errno.EMFILE.Describe()));
                return;
            case LinkKind.Configuration when descriptors.Length == 1:
                _orders.Writer.TryWrite(new KeeperOrder.Configure(message.Text, descriptors[0]));
                return;
            case LinkKind.Configuration when descriptors.Length == 0 && message.Number > 0:
                _orders.Writer.TryWrite(new KeeperOrder.Configure(message.Text, (int)-message.Number));
                return;
            case LinkKind.Listener when _listeners.TryRemove(message.Id, out var listener):
                listener.SetResult(new ListenerSockets([.. descriptors], message.Number == 0 ? null : message.Text));
                return;
            case LinkKind.File when _files.TryRemove(message.Id, out var question):
                question.SetResult(descriptors.Length == 1 ? (descriptors[0], Errno.None) : (-1, (Errno)message.Number));
                if (descriptors.Length == 1) return;
                break;
            case LinkKind.Claimed when _claims.TryRemove(message.Id, out var claim):
                claim.SetResult((Errno)message.Number);
                break;
            case LinkKind.Yield:
                _orders.Writer.TryWrite(new KeeperOrder.Yield(message.Number != 0));
                break;
            case LinkKind.Drain:
                OrderDrain(message.Number < 0 ? null : TimeSpan.FromMilliseconds(message.Number));
                break;
        }

        foreach (int fd in descriptors) Descriptor.Close(fd);
    }

    private void OrderDrain(TimeSpan? within)
    {
        _orders.Writer.TryWrite(new KeeperOrder.Drain(within));
        _leaving.Cancel();
    }

    private void AbandonQuestions()
    {
        foreach (uint id in _listeners.Keys)
        {
            if (_listeners.TryRemove(id, out var answer)) answer.SetResult(ListenerSockets.Failed("the keeper is gone"));
        }

        foreach (uint id in _files.Keys)
        {
            if (_files.TryRemove(id, out var answer)) answer.SetResult((-1, Errno.EPIPE));
        }

        foreach (uint id in _claims.Keys)
        {
            if (_claims.TryRemove(id, out var answer)) answer.SetResult(Errno.EPIPE);
        }
    }

    private sealed class LinkChannel : Channel
    {
        private readonly KeeperLink _link;

        public LinkChannel(KeeperLink link) => (_link, Descriptor) = (link, link._socket.Descriptor);

        public override void OnReady(IoEvents events) => _link.OnReady();
    }

    private sealed class Heartbeat : TimerNode
    {
        private readonly KeeperLink _link;

        public Heartbeat(KeeperLink link)
        {
            _link = link;
            link._loop.Arm(this, link._loop.Now);
        }

        public override void OnDeadline(Instant now)
        {
            if (_link._isAlive()) _link._socket.TrySend(new LinkMessage(LinkKind.Heartbeat));
            _link._loop.Arm(this, now + HeartbeatInterval);
        }
    }
}
