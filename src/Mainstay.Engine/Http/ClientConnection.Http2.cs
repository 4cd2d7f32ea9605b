namespace Mainstay.Engine.Http;

/// <summary>A connection that turns out to speak HTTP/2: from then on it is the socket of an <see cref="Http2ClientSession"/>.</summary>
internal sealed partial class ClientConnection
{
    /// <summary>RFC 9113 section 3.4: what a client that speaks HTTP/2 begins with.</summary>
    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>A request has come on a stream.</summary>
    public void OnStream() => Requests++;

    /// <summary>The service takes no new work: those that can be told are.</summary>
    public void BeginDrain() => _http2?.BeginDrain();

    /// <summary>Takes the first bytes of a connection. False: they are not, and will not become, the preface of HTTP/2.</summary>
    private bool TryBeginHttp2(ReadOnlySpan<byte> bytes)
    {
        if (bytes[0] != 'P' || !Service.Snapshot.Http2) return false;
        if (bytes.Length < Preface.Length)
        {
            if (!Preface.StartsWith(bytes)) return false;
            KeepPart(bytes);
            return true;
        }

        if (!bytes.StartsWith(Preface)) return false;
        BeginHttp2(bytes);
        return true;
    }

    /// <summary>From here on the connection speaks HTTP/2.</summary>
    /// <param name="bytes">What has come, the preface included.</param>
    private void BeginHttp2(ReadOnlySpan<byte> bytes)
    {
        _state = ClientState.Http2;
        _http2 = shard.RentClientSession();
        _http2.Begin(this, bytes);
        DropStash();
    }

    /// <summary>The session is over: what is unsent goes out, then the connection ends.</summary>
    public void CloseHttp2()
    {
        EndHttp2();
        BeginClose(linger: !PeerEnded);
    }

    private void EndHttp2()
    {
        if (_http2 is not { } session) return;
        _http2 = null;
        session.End();
        shard.Recycle(session);
    }
}
