using Mainstay.Core;
using Mainstay.Linux;

namespace Mainstay.Engine.Shards;

/// <summary>
/// One shard's listening socket. Level-triggered: when descriptors run out or the plane is full, accepting pauses and what waits
/// stays in the kernel's queue; an edge would be lost. The descriptor belongs to the keeper's copy; closing ours keeps the queue.
/// </summary>
public abstract class ListeningChannel(EventLoop loop, int descriptor) : Channel
{
    /// <summary>Connections accepted in one turn, so that those already here get theirs.</summary>
    private const int AcceptsPerTurn = 64;

    private const int LongestQueue = 4096;

    private static readonly TimeSpan s_backOff = TimeSpan.FromMilliseconds(50);

    private bool _isPaused;

    /// <summary>No longer served; the connections it gave end as soon as they can.</summary>
    public bool IsDropped { get; private set; }

    public void Start()
    {
        Descriptor = descriptor;
        int result = loop.Register(this, IoEvents.In);
        if (result < 0) throw new InvalidOperationException($"epoll_ctl on a listener: {((Errno)(-result)).Describe()}");
    }

    public override void OnReady(IoEvents events)
    {
        for (int i = 0; i < AcceptsPerTurn; i++)
        {
            if (!TryTakePlace())
            {
                OnPaused();
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
            TakePlace();
            if (!AcceptOne()) break;
        }

        IsDropped = true;
        Close();
    }

    public void Close()
    {
        if (Descriptor < 0) return;
        loop.Disarm(this);

        // The socket lives on in the keeper: closing our descriptor alone would leave it in the epoll set, ready without end.
        loop.Unregister(this, staysOpen: true);
        Mainstay.Linux.Descriptor.Close(Descriptor);
        Descriptor = -1;
    }

    public override void OnDeadline(Instant now)
    {
        if (!_isPaused || Descriptor < 0) return;
        if (!HasPlace)
        {
            loop.Arm(this, now + s_backOff);
            return;
        }

        _isPaused = false;
        loop.Change(this, IoEvents.In);
    }

    /// <summary>The listener is everybody's: it goes on after a pause, so that the same again does not keep the loop busy.</summary>
    public override void OnFault()
    {
        if (Descriptor >= 0) Pause();
    }

    /// <summary>Room for one more connection, which is not taken.</summary>
    protected abstract bool HasPlace { get; }

    /// <summary>Takes the room for one more connection, if there is any.</summary>
    protected abstract bool TryTakePlace();

    /// <summary>Takes a place even beyond the limit: what a closing listener has in its queue has to be served.</summary>
    protected abstract void TakePlace();

    protected abstract void GivePlace();

    /// <summary>A connection within the place taken last; descriptor and place are the plane's from here on.</summary>
    protected abstract void Adopt(int accepted, in SocketAddress peer);

    /// <summary>Accepting pauses, because there is no place.</summary>
    protected virtual void OnPaused()
    {
    }

    /// <summary>Accepting failed for want of descriptors or memory.</summary>
    protected virtual void OnFailed()
    {
    }

    /// <summary>Accepts into a place that was taken. False: nothing more to accept now.</summary>
    private bool AcceptOne()
    {
        int accepted = Sockets.Accept(Descriptor, out SocketAddress peer);
        if (accepted >= 0)
        {
            Adopt(accepted, peer);
            return true;
        }

        GivePlace();
        switch ((Errno)(-accepted))
        {
            // The client gave up while it waited, or a network error that belongs to it: accept(2) says to go on.
            case Errno.ECONNABORTED or Errno.EPROTO or Errno.ENETDOWN or Errno.EHOSTDOWN or Errno.EHOSTUNREACH or Errno.ENETUNREACH:
                return true;
            case Errno.EMFILE or Errno.ENFILE or Errno.ENOBUFS or Errno.ENOMEM:
                OnFailed();
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
        loop.Change(this, IoEvents.None);
        loop.Arm(this, loop.Now + s_backOff);
    }
}
