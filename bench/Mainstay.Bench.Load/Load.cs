using System.Text;
using Mainstay.Core;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Bench.Load;

/// <summary>
/// Open-loop HTTP/1.1 load: requests are due at a fixed rate and are counted from when they were due, so that a server that stalls
/// pays for every request which it kept waiting, not only for those that were sent.
/// </summary>
internal sealed class Load(EventLoop loop, SocketAddress target, string request, int connections) : TimerNode
{
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(2);

    private readonly byte[] _request = Encoding.ASCII.GetBytes(request);
    private readonly Queue<Connection> _free = new();
    private readonly Queue<Instant> _due = new();
    private readonly List<double> _microseconds = [];
    private readonly BlockPool _blocks = new();
    private readonly byte[] _buffer = new byte[64 * 1024];
    private Instant _start;
    private double _rate;
    private long _scheduled;
    private long _last;

    public long Answered => _microseconds.Count;
    public long Lost { get; private set; }

    public bool TryConnect(out string error)
    {
        for (int i = 0; i < connections; i++)
        {
            var connection = new Connection(this);
            if (!connection.TryOpen(out error)) return false;
            _free.Enqueue(connection);

            // Let the server accept: its queue is shorter than ten thousand.
            if (i % 64 == 63) loop.Turn(1);
        }

        error = "";
        return true;
    }

    public void Run(double rate, double seconds)
    {
        loop.Turn(0);
        (_start, _rate, _last) = (loop.Now, rate, (long)(rate * seconds));
        loop.Arm(this, _start + s_tick);
        Instant end = _start + TimeSpan.FromSeconds(seconds) + s_grace;
        while (loop.Now < end && Answered + Lost < _last) loop.Turn(10);
        Lost = _last - Answered;
    }

    public override void OnDeadline(Instant now)
    {
        while (_scheduled < _last)
        {
            Instant due = _start + TimeSpan.FromSeconds(_scheduled / _rate);
            if (due > now) break;
            _scheduled++;
            _due.Enqueue(due);
        }

        SendDue();
        if (_scheduled < _last || _due.Count > 0) loop.Arm(this, now + s_tick);
    }

    public string Summary()
    {
        _microseconds.Sort();
        return FormattableString.Invariant($"answered={Answered} lost={Lost} p50_us={At(0.5):0} p99_us={At(0.99):0} p999_us={At(0.999):0} max_us={At(1):0}");

        double At(double quantile) =>
            _microseconds.Count == 0 ? 0 : _microseconds[Math.Max(0, (int)Math.Ceiling(quantile * _microseconds.Count) - 1)];
    }

    private void SendDue()
    {
        while (_due.Count > 0 && _free.TryDequeue(out Connection? connection)) connection.Begin(_due.Dequeue());
    }

    /// <summary>One keep-alive connection, one request at a time. Responses have to come with Content-Length.</summary>
    private sealed class Connection(Load load) : StreamChannel(load.Loop, load._blocks)
    {
        private Instant _due;
        private long _remaining;
        private bool _isBusy;
        private bool _isInBody;

        public bool TryOpen(out string error)
        {
            int descriptor = Sockets.CreateStream(load.Target.Family);
            int result = descriptor < 0 ? descriptor : Sockets.Connect(descriptor, load.Target);
            if (result < 0 && result != -(int)Errno.EINPROGRESS || !Attach(descriptor))
            {
                error = $"cannot connect: {((Errno)(-result)).Describe()}";
                return false;
            }

            Sockets.SetNoDelay(descriptor);
            error = "";
            return true;
        }

        public void Begin(Instant due)
        {
            _due = due;
            _isBusy = true;
            _isInBody = false;
            if (Send(load._request) == SendResult.Failed) Lose();
        }

        public override void OnReady(IoEvents events)
        {
            if (Note(events) && HasUnsent) Flush();
            while (_isBusy && IsReadable && Descriptor >= 0)
            {
                int count = Receive(load._buffer);
                if (count > 0) OnBytes(load._buffer.AsSpan(0, count));
                else if (count != -(int)Errno.EAGAIN) Lose();
            }
        }

        private void OnBytes(ReadOnlySpan<byte> bytes)
        {
            if (!_isInBody)
            {
                int end = bytes.IndexOf("\r\n\r\n"u8);
                int length = FindLength(bytes);
                if (end < 0 || length < 0 || !bytes.StartsWith("HTTP/1.1 200"u8)
                    || !System.Buffers.Text.Utf8Parser.TryParse(bytes[length..], out long size, out _))
                {
                    Lose();
                    return;
                }

                _isInBody = true;
                _remaining = size;
                bytes = bytes[(end + 4)..];
            }

            _remaining -= bytes.Length;
            if (_remaining > 0) return;
            _isBusy = false;
            load._microseconds.Add((MonotonicClock.Now - _due).TotalMicroseconds);
            load._free.Enqueue(this);
            load.SendDue();
        }

        /// <summary>Where the value of Content-Length starts; HAProxy writes names in lower case.</summary>
        private static int FindLength(ReadOnlySpan<byte> head)
        {
            int at = Math.Max(head.IndexOf("\r\nContent-Length: "u8), head.IndexOf("\r\ncontent-length: "u8));
            return at < 0 ? -1 : at + 18;
        }

        private void Lose()
        {
            _isBusy = false;
            load.Lost++;
            CloseDescriptor();
        }
    }

    private EventLoop Loop => loop;
    private SocketAddress Target => target;
}
