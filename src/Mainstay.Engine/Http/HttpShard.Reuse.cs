namespace Mainstay.Engine.Http;

/// <summary>Objects that are used again: a warm shard allocates none.</summary>
internal sealed partial class HttpShard
{
    private readonly Stack<ClientConnection> _freeClients = new();
    private readonly Stack<UpstreamConnection> _freeUpstreams = new();
    private readonly Stack<Exchange> _freeExchanges = new();
    private readonly Stack<Http2ClientSession> _freeSessions = new();
    private readonly Stack<Http2ClientStream> _freeStreams = new();
    private readonly Stack<Http2ServerSession> _freeServerSessions = new();
    private readonly Stack<Http2ServerStream> _freeServerStreams = new();

    public Exchange RentExchange() => _freeExchanges.TryPop(out Exchange? exchange) ? exchange : new Exchange(this);

    public UpstreamConnection RentUpstream() => _freeUpstreams.TryPop(out UpstreamConnection? connection) ? connection : new UpstreamConnection(this);

    public Http2ClientSession RentClientSession() => _freeSessions.TryPop(out Http2ClientSession? session) ? session : new Http2ClientSession(this);

    public Http2ClientStream RentClientStream() => _freeStreams.TryPop(out Http2ClientStream? stream) ? stream : new Http2ClientStream(this);

    public Http2ServerSession RentServerSession() => _freeServerSessions.TryPop(out Http2ServerSession? session) ? session : new Http2ServerSession(this);

    public Http2ServerStream RentServerStream() => _freeServerStreams.TryPop(out Http2ServerStream? stream) ? stream : new Http2ServerStream(this);

    public void Recycle(Http2ServerSession session) => _freeServerSessions.Push(session);

    public void Recycle(Http2ServerStream stream) => _freeServerStreams.Push(stream);

    public void Recycle(Http2ClientSession session) => _freeSessions.Push(session);

    public void Recycle(Http2ClientStream stream) => _freeStreams.Push(stream);

    public void Recycle(Exchange exchange) => _freeExchanges.Push(exchange);

    public void Recycle(UpstreamConnection connection) => _freeUpstreams.Push(connection);
}
