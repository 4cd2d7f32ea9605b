using Mainstay.Core;
using Mainstay.Core.Config;
using Mainstay.Core.Http2;
using Mainstay.Linux;

namespace Mainstay.Engine.Http;

/// <summary>A client's connection that speaks HTTP/2: every stream is a request with an exchange of its own.</summary>
internal sealed class Http2ClientSession(HttpShard shard) : Http2Session(shard)
{
    /// <summary>How long a client may take to hear of a drain, and one that was told everything to close.</summary>
    private static readonly TimeSpan s_farewell = TimeSpan.FromSeconds(2);

    private readonly List<Http2ClientStream> _deferred = [];
    private bool _isDrained;

    /// <summary>Whose socket it is.</summary>
    public ClientConnection Client { get; private set; } = null!;

    /// <summary>No request is under way, and nothing waits to be sent.</summary>
    public bool IsIdle => StreamCount == 0 && !HasOutput;

    private HttpTimeouts Timeouts => Client.Service.Snapshot.Timeouts;

    /// <param name="bytes">What has come so far, from the connection's first byte on; may be empty.</param>
    public void Begin(ClientConnection client, ReadOnlySpan<byte> bytes)
    {
        Client = client;
        _isDrained = false;
        Attach(client);
        Begin(Http2Role.Server, client.Service.Http2);
        Rearm();
        if (client.EndsSoon) BeginDrain();
        TakeFirst(bytes);
    }

    /// <summary>The connection has been closed: ends what is left.</summary>
    public void End()
    {
        EndStreams(Errno.ECONNRESET);
        _deferred.Clear();
    }

    /// <summary>No further stream is taken; the connection ends with its last one.</summary>
    public void BeginDrain()
    {
        if (Machine.IsDraining) return;
        FrameBuffer output = Begin(Http2Connection.MinOutput);
        Machine.BeginDrain(ref output);
        End(output);
        Rearm();
    }

    /// <summary>The shard gives up what is left.</summary>
    public void Cut()
    {
        ForEachStream(stream => ((Http2ClientStream)stream).Cut());
        Client.Close();
    }

    /// <summary>Idle for too long; or the client has not acknowledged, not gone, or not taken what was sent.</summary>
    public void OnDeadline(Instant now)
    {
        if (IsClogged) Client.Close();
        else if (Machine.IsDraining) FinishDrain();
        else if (Machine.SettingsAcknowledged) BeginDrain();
        else Fail(Http2Reason.SettingsTimeout);
    }

    /// <summary>The request's body may be among the bytes that are being looked through.</summary>
    public void BeginLater(Http2ClientStream stream) => _deferred.Add(stream);

    public void OnStreamOver()
    {
        if (IsBroken || StreamCount > 0) return;
        if (_isDrained) Break();
        else Rearm();
    }

    /// <summary>Writes the head of a response. False: it cannot be said in HTTP/2, or the stream is over.</summary>
    public bool TrySendHead(Http2ClientStream stream, ReadOnlySpan<byte> head, bool isEnd)
    {
        // Its fields cannot be more than its bytes allow; few heads need the second try.
        for (int fields = 40; ; fields = head.Length / 4)
        {
            FrameBuffer output = Begin(Http2Connection.MaxHeadRoom(head.Length, fields));
            HeadWrite written = Machine.TryWriteHead(stream.Ref, head, isEnd, ref output);
            End(output);
            if (written != HeadWrite.NoRoom || fields > 40 || IsBroken) return written == HeadWrite.Written;
        }
    }

    public override void Add(Http2Stream stream)
    {
        base.Add(stream);
        if (StreamCount == 1) Rearm();
    }

    protected override void OnHead(in Http2Event e)
    {
        Client.OnStream();
        Shard.RentClientStream().Begin(this, e, Shard.Http2.Text(e));
    }

    protected override void OnConnectionEvent(in Http2Event e)
    {
        switch (e.Kind)
        {
            case Http2EventKind.HeadRefused:
                Client.OnStream();
                Shard.RentClientStream().Refuse(this, e);
                break;
            case Http2EventKind.SettingsAcknowledged:
                Rearm();
                break;
            case Http2EventKind.Drained:
                FinishDrain();
                break;
        }
    }

    protected override void OnBatchEnd()
    {
        foreach (Http2ClientStream stream in _deferred) stream.BeginDeferred();
        _deferred.Clear();
        int limit = Client.Service.Snapshot.Limits.RequestsPerConnection;
        if (limit > 0 && Client.Requests >= limit) BeginDrain();
    }

    protected override void OnSocketChanged() => Rearm();

    protected override void Close()
    {
        if (IsLost) Client.Close();
        else Client.CloseHttp2();
    }

    /// <summary>What is waited for now, and how long.</summary>
    private void Rearm()
    {
        if (IsBroken) return;
        bool isLeaving = Machine.IsDraining && !_isDrained;
        TimeSpan wait = IsClogged ? Timeouts.Write
            : isLeaving ? s_farewell
            : StreamCount > 0 ? TimeSpan.MaxValue
            : !Machine.SettingsAcknowledged ? Timeouts.Head : Timeouts.KeepAlive;
        Loop.Arm(Client, wait == TimeSpan.MaxValue ? Instant.Never : Loop.Now + wait);
    }

    private void FinishDrain()
    {
        FrameBuffer output = Begin(Http2Connection.MinOutput);
        Machine.FinishDrain(ref output);
        End(output);
        _isDrained = true;
        if (StreamCount == 0) Break();
        else Rearm();
    }

    private void Fail(Http2Reason reason)
    {
        FrameBuffer output = Begin(Http2Connection.MinOutput);
        Machine.Fail(reason, ref output);
        End(output);
        Break();
    }
}
