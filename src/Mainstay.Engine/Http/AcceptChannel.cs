using Mainstay.Core;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Http;

/// <summary>
/// One shard's listening socket. Level-triggered: when descriptors run out or the shard is full, accepting pauses and what waits
/// stays in the kernel's queue; an edge would be lost. The descriptor belongs to the keeper's copy; closing ours keeps the queue.
/// </summary>
internal sealed class AcceptChannel(HttpShard shard, HttpService service, int descriptor) : Channel
{
    /// <summary>Connections accepted in one turn, so that those already here get theirs.</summary>
    private const int AcceptsPerTurn = 64;

    private const int LongestQueue = 4096;

    private static readonly TimeSpan s_backOff = TimeSpan.FromMilliseconds(50);

    private bool _isPaused;

    /// <summary>No longer served; the connections it gave end as soon as they can.</summary>
    public bool IsDropped { get; private set; }

    /// <summary>What the listener serves now; a reload changes it.</summary>
    public HttpService Service { get; set; } = service;

    /// <summary>0 for a unix socket.</summary>
    public int Port { get; private set; }

    public void Start()
    {
        Descriptor = descriptor;
        Port = Sockets.LocalAddress(descriptor).Port;
        int result = shard.Loop.Register(this, IoEvents.In);
        if (result < 0) throw new InvalidOperationException($"epoll_ctl on a listener: {((Errno)(-result)).Describe()}");
    }

    public override void OnReady(IoEvents events)
    {
        for (int i = 0; i < AcceptsPerTurn; i++)
        {
            if (shard.IsShortOfMemory || !shard.Budget.TryTake())
            {
                shard.Counters.AcceptPauses++;
                Pause();
                return;
            }

            if (!AcceptOne()) return;
        }
    }

    /// <summary>Stops choosing this socket and serves what is in its queue already.</summary>
    public void Stop()
    {
        if (Descriptor < 0) return;

        // Not longer than the queue can have been: under a flood new ones would come as fast as they are taken.
        for (int left = LongestQueue; left > 0; left--)
        {
            shard.Budget.Take();
            if (!AcceptOne()) break;
        }

        IsDropped = true;
        Close();
    }

    public void Close()
    {
        if (Descriptor < 0) return;
        shard.Loop.Disarm(this);

        // The socket lives on in the keeper: closing our descriptor alone would leave it in the epoll set, ready without end.
        shard.Loop.Unregister(this, staysOpen: true);
        Mainstay.Linux.Descriptor.Close(Descriptor);
        Descriptor = -1;
    }

    public override void OnDeadline(Instant now)
    {
        if (!_isPaused || Descriptor < 0) return;
        if (shard.IsShortOfMemory || shard.Budget.IsFull)
        {
            shard.Loop.Arm(this, now + s_backOff);
            return;
        }

        _isPaused = false;
        shard.Loop.Change(this, IoEvents.In);
    }

    /// <summary>Accepts into a place of the budget that was taken. False: nothing more to accept now.</summary>
    private bool AcceptOne()
    {
        int accepted = Sockets.Accept(Descriptor, out SocketAddress peer);
        if (accepted >= 0)
        {
            shard.Adopt(accepted, peer, this);
            return true;
        }

        shard.Budget.Give();
        switch ((Errno)(-accepted))
        {
            // The client gave up while it waited, or a network error that belongs to it: accept(2) says to go on.
            case Errno.ECONNABORTED or Errno.EPROTO or Errno.ENETDOWN or Errno.EHOSTDOWN or Errno.EHOSTUNREACH or Errno.ENETUNREACH:
                return true;
            case Errno.EMFILE or Errno.ENFILE or Errno.ENOBUFS or Errno.ENOMEM:
                shard.Counters.AcceptFailures++;
                Pause();
                return false;
            default:
                return false;
        }
    }

    private void Pause()
    {
        if (_isPaused) return;
        _isPaused = true;
        shard.Loop.Change(this, IoEvents.None);
        shard.Loop.Arm(this, shard.Loop.Now + s_backOff);
    }
}
