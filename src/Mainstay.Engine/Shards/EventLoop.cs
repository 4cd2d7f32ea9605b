using System.Collections.Concurrent;
using Mainstay.Core;
using Mainstay.Linux;

namespace Mainstay.Engine.Shards;

/// <summary>A message to an object that lives on another loop.</summary>
public interface ILoopReceiver
{
    /// <summary>Runs on the loop's thread, between two turns.</summary>
    void OnMessage(object? content, long number);

    /// <summary>An exception came out of <see cref="OnMessage"/>: give up what the message was about.</summary>
    void OnFault()
    {
    }
}

/// <summary>
/// One thread's loop: epoll, channels, timers, messages from other threads. A turn: messages, deadlines, one wait, the events of
/// that wait, the ready list, then what was closed during the turn is let go. All members but <see cref="Post"/>,
/// <see cref="Stop"/> and <see cref="Turns"/> belong to the loop's own thread.
/// </summary>
public sealed class EventLoop : IDisposable
{
    private const uint WakeToken = uint.MaxValue;

    /// <summary>Longest wait, so that <see cref="Turns"/> moves on in an idle loop: the heartbeat looks at it.</summary>
    private const int LongestWaitMilliseconds = 500;

    private readonly Epoll _epoll = new();
    private readonly int _wake = Mainstay.Linux.Descriptor.CreateEventFd();
    private readonly ConcurrentQueue<(ILoopReceiver Receiver, object? Content, long Number)> _mailbox = new();
    private readonly TimerWheel _timers;
    private Channel?[] _channels = new Channel?[256];
    private uint[] _generations = new uint[256];
    private int[] _free = new int[256];
    private int _freeCount;
    private int _channelsUsed;
    private Queue<Channel> _ready = new(256);
    private Queue<Channel> _running = new(256);
    private volatile bool _stopped;
    private int _wakePending;
    private long _turns;
    private Action<Exception>? _faulted;

    public EventLoop()
    {
        Now = MonotonicClock.Now;
        _timers = new TimerWheel(Now);
        int result = _epoll.Register(_wake, IoEvents.In | IoEvents.EdgeTriggered, WakeToken);
        if (result < 0) throw new InvalidOperationException($"epoll_ctl on an eventfd: {((Errno)(-result)).Describe()}");
    }

    /// <summary>
    /// Makes an exception the end of what it came from alone: a channel closes, a message or a deadline is lost, the loop goes on. Without
    /// it an exception ends the loop's thread, and so the process. Called on the loop's thread with each.
    /// </summary>
    public void ContainFaults(Action<Exception> faulted)
    {
        _faulted = faulted;
        _timers.ContainFaults(Contain);
    }

    /// <summary>Time of the current turn: read once after each wait, exact enough for all that happens in the turn.</summary>
    public Instant Now { get; private set; }

    /// <summary>Wall clock of the current turn, nanoseconds since 1970; for logs.</summary>
    public long UnixNanoseconds { get; private set; }

    /// <summary>Turns so far; any thread may read it to see that the loop is alive.</summary>
    public long Turns => Volatile.Read(ref _turns);

    /// <summary>Registered channels.</summary>
    public int ChannelCount { get; private set; }

    /// <summary>
    /// Puts a channel's descriptor under watch. 0, or a negated <see cref="Errno"/> (then nothing is registered).
    /// </summary>
    public int Register(Channel channel, IoEvents interest)
    {
        int index = TakeIndex();
        int result = _epoll.Register(channel.Descriptor, interest, Token(index));
        if (result < 0)
        {
            _free[_freeCount++] = index;
            return result;
        }

        _channels[index] = channel;
        channel.Index = index;
        ChannelCount++;
        return 0;
    }

    /// <summary>Changes what a registered channel is told of.</summary>
    public int Change(Channel channel, IoEvents interest) =>
        _epoll.Change(channel.Descriptor, interest, Token(channel.Index));

    /// <summary>
    /// Forgets a channel; events of the current batch that are still to come for it are dropped. The caller closes the descriptor;
    /// when it stays open instead (it moves to another loop), pass <paramref name="staysOpen"/>.
    /// </summary>
    public void Unregister(Channel channel, bool staysOpen = false)
    {
        int index = channel.Index;
        if (index < 0) return;
        if (staysOpen) _ = _epoll.Remove(channel.Descriptor);
        _channels[index] = null;
        _generations[index]++;
        channel.Index = -1;
        _free[_freeCount++] = index;
        ChannelCount--;
    }

    /// <summary>Asks for <see cref="Channel.OnTurn"/> later in this turn or in the next: how a busy channel lets others go first.</summary>
    public void RunSoon(Channel channel)
    {
        if (channel.IsQueued) return;
        channel.IsQueued = true;
        _ready.Enqueue(channel);
    }

    public void Arm(TimerNode node, Instant deadline) => _timers.Arm(node, deadline);

    public void Disarm(TimerNode node) => _timers.Remove(node);

    /// <summary>Any thread: hands a message to an object of this loop.</summary>
    public void Post(ILoopReceiver receiver, object? content = null, long number = 0)
    {
        _mailbox.Enqueue((receiver, content, number));
        if (Interlocked.Exchange(ref _wakePending, 1) == 0) Mainstay.Linux.Descriptor.Signal(_wake);
    }

    /// <summary>Any thread: the loop ends after its current turn.</summary>
    public void Stop()
    {
        _stopped = true;
        Mainstay.Linux.Descriptor.Signal(_wake);
    }

    /// <summary>Runs until <see cref="Stop"/>.</summary>
    public void Run()
    {
        while (!_stopped) Turn(LongestWaitMilliseconds);
    }

    /// <summary>One turn, waiting for events at most so long.</summary>
    public void Turn(int longestWaitMilliseconds)
    {
        int wait = _ready.Count > 0 || !_mailbox.IsEmpty ? 0 : longestWaitMilliseconds;
        if (wait > 0 && _timers.MillisecondsToNext(Now) is >= 0 and var next) wait = Math.Min(wait, next);
        int count = _epoll.Wait(wait);
        Now = MonotonicClock.Now;
        UnixNanoseconds = MonotonicClock.UnixNanoseconds;
        Volatile.Write(ref _turns, _turns + 1);
        if (count > 1) DispatchFirst(count);
        for (int i = 0; i < count; i++) Dispatch(i);
        if (!_mailbox.IsEmpty) ReadMailbox();
        _timers.Advance(Now);
        if (_ready.Count > 0) RunReady();
    }

    /// <summary>Closes what belongs to the loop itself; channels are their owners' to close.</summary>
    public void Dispose()
    {
        _epoll.Dispose();
        Mainstay.Linux.Descriptor.Close(_wake);
    }

    private void Dispatch(int i)
    {
        (IoEvents events, ulong token) = _epoll[i];
        uint index = (uint)token;
        if (index == WakeToken)
        {
            Mainstay.Linux.Descriptor.Drain(_wake);

            // A full barrier: of this and a poster that still saw the old value, the look at the mailbox below sees the message.
            Interlocked.Exchange(ref _wakePending, 0);
            return;
        }

        // The generation tells an event for a descriptor closed earlier in this batch from one for its index's new owner.
        if (_generations[index] == (uint)(token >> 32) && _channels[index] is { } channel) Call(channel, events);
    }

    /// <summary>
    /// Whoever asked to go first, with what is more than room to send. One that is still registered afterwards is told once more, in its
    /// place.
    /// </summary>
    private void DispatchFirst(int count)
    {
        for (int i = 0; i < count; i++)
        {
            (IoEvents events, ulong token) = _epoll[i];
            uint index = (uint)token;
            if (index == WakeToken || (events & ~IoEvents.Out) == 0 || _generations[index] != (uint)(token >> 32)) continue;
            if (_channels[index] is { GoesFirst: true } channel) Call(channel, events);
        }
    }

    private void Call(Channel channel, IoEvents events)
    {
        try
        {
            channel.OnReady(events);
        }
        catch (Exception fault) when (_faulted is not null)
        {
            Contain(channel, fault);
        }
    }

    private void Contain(TimerNode faulty, Exception fault)
    {
        _faulted?.Invoke(fault);
        try
        {
            faulty.OnFault();
            if (faulty is Channel { IsForgotten: true } channel) Forget(channel);
        }
        catch (Exception second)
        {
            // What is left to do for certain: nobody hears of its descriptor again.
            _faulted?.Invoke(second);
            Disarm(faulty);
            if (faulty is Channel channel) Forget(channel);
        }
    }

    private void Forget(Channel channel)
    {
        if (channel.Index < 0) return;
        int descriptor = channel.Descriptor;
        Disarm(channel);
        Unregister(channel, staysOpen: true);
        Mainstay.Linux.Descriptor.Close(descriptor);
    }

    private void Deliver(ILoopReceiver receiver, object? content, long number)
    {
        try
        {
            receiver.OnMessage(content, number);
        }
        catch (Exception fault) when (_faulted is not null)
        {
            _faulted(fault);
            try
            {
                receiver.OnFault();
            }
            catch (Exception second)
            {
                _faulted(second);
            }
        }
    }

    private void RunTurn(Channel channel)
    {
        try
        {
            channel.OnTurn();
        }
        catch (Exception fault) when (_faulted is not null)
        {
            Contain(channel, fault);
        }
    }

    private void ReadMailbox()
    {
        // Not more than was there: a message that posts another to its own loop must not hold up the turn.
        for (int left = _mailbox.Count; left > 0 && _mailbox.TryDequeue(out var message); left--)
            Deliver(message.Receiver, message.Content, message.Number);
    }

    private void RunReady()
    {
        (_ready, _running) = (_running, _ready);
        while (_running.TryDequeue(out Channel? channel))
        {
            channel.IsQueued = false;
            if (channel.Index >= 0) RunTurn(channel);
        }
    }

    private ulong Token(int index) => (uint)index | ((ulong)_generations[index] << 32);

    private int TakeIndex()
    {
        if (_freeCount > 0) return _free[--_freeCount];
        if (_channelsUsed == _channels.Length)
        {
            int length = _channels.Length * 2;
            Array.Resize(ref _channels, length);
            Array.Resize(ref _generations, length);
            Array.Resize(ref _free, length);
        }

        return _channelsUsed++;
    }
}
