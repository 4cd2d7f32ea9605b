using Mainstay.Core;
using Mainstay.Core.Http;
using Mainstay.Core.Proxy;
using Mainstay.Core.Rules;
using Mainstay.Engine.Http.Protect;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Http;

/// <summary>
/// One side of an exchange as a stream of HTTP/1.1 bytes, without blocking: an HTTP/1 connection, or one stream of an HTTP/2 connection
/// that translates at its edge. So routes, rules, retries, logs and limits know one form of a message only.
/// </summary>
internal interface IPeerStream
{
    /// <summary>The peer speaks HTTP/2.</summary>
    bool IsHttp2 { get; }

    /// <summary>Bytes that it makes sense to send at once: more would wait here.</summary>
    int Appetite { get; }

    /// <summary>A receive may have something to give.</summary>
    bool IsReadable { get; }

    /// <summary>Output waits for the peer: stop reading what feeds it.</summary>
    bool HasUnsent { get; }

    /// <summary>What waits takes this many bytes of the shard's blocks.</summary>
    int UnsentCapacity => 0;

    /// <summary>Bytes received; 0 at the end of the stream; a negated <see cref="Errno"/>, EAGAIN when there is nothing now.</summary>
    int Receive(Span<byte> buffer);

    /// <summary>Sends, or keeps what does not fit now (in order behind what already waits).</summary>
    /// <param name="headLength">So many of the bytes are a message's head, complete; what follows is body, framed as the head says.</param>
    /// <param name="isEnd">The message is complete with these bytes.</param>
    SendResult Send(ReadOnlySpan<byte> bytes, int headLength, bool isEnd);

    /// <summary>Sends what waits.</summary>
    SendResult Flush();

    /// <summary>Asks for another turn of this side's exchange.</summary>
    void RunSoon();

    /// <summary>The message has become a tunnel: its bytes are nobody's framing any more, and a vanished peer is to be noticed.</summary>
    void BecomeTunnel();

    /// <summary>Nothing more will be sent; what the peer sends is still received.</summary>
    void EndSending();
}

/// <summary>The client's side: gives the request, takes the response.</summary>
internal interface IClientStream : IPeerStream, IRequestOrigin
{
    /// <summary>The service as of now: what the next request sees.</summary>
    HttpService Service { get; }

    /// <summary>What every request of the client's listener gets; null = what the routes say.</summary>
    RouteTarget? OnlyRoute { get; }

    /// <summary>Both ends of the client's connection, or what a PROXY header said of them.</summary>
    ProxyEnds Ends { get; }

    /// <summary>Requests so far on this connection.</summary>
    int Requests { get; }

    /// <summary>What the connection's protection knows of it.</summary>
    ref Standing Standing { get; }

    /// <summary>No further request is taken on the connection.</summary>
    bool EndsSoon { get; }

    /// <summary>The socket, where a message's bytes go onto it as they are: a file's can be sent there without a copy. Else -1.</summary>
    int PlainDescriptor { get; }

    /// <summary>Keeps bytes that follow the request under way: the beginning of the next one.</summary>
    void KeepAhead(ReadOnlySpan<byte> bytes);

    /// <summary>The client switched protocols: what it sent ahead goes to the server. False when that failed.</summary>
    bool TryPassAhead(IServerStream server);

    /// <summary>The exchange has ended and its response is complete or waits here.</summary>
    /// <param name="keep">The connection can take another request.</param>
    /// <param name="linger">The client may still be sending a body that nobody wants.</param>
    void OnExchangeDone(bool keep, bool linger);

    /// <summary>The exchange has ended without a complete response: the client must see that.</summary>
    /// <param name="reset">Where the end of the connection would look like the end of the body.</param>
    void OnExchangeAborted(bool reset);
}

/// <summary>The server's side: takes the request, gives the response.</summary>
internal interface IServerStream : IPeerStream
{
    /// <summary>The connection has carried an exchange before: the server may have closed it while our request was on its way.</summary>
    bool IsReused { get; }

    /// <summary>When the connection was opened; default when another shard did that.</summary>
    Instant OpenedAt { get; }

    /// <summary>Error of the last failed receive or send.</summary>
    Errno LastError { get; }

    /// <summary>
    /// Sends of a request that the caller keeps: bytes taken (0 when none can be now), or a negated <see cref="Errno"/>. The caller
    /// comes back with the rest when the stream takes more.
    /// </summary>
    /// <param name="headLength">As with <see cref="IPeerStream.Send"/>; 0 once the head is on its way.</param>
    /// <param name="isEnd">The request is complete with the last of these bytes.</param>
    int SendKept(ReadOnlySpan<byte> bytes, int headLength, bool isEnd);

    /// <summary>Look for input even without an event: a failed send may have left the server's last words behind.</summary>
    void MarkReadable();

    /// <summary>The exchange is over: the connection is kept for others if it can be, else closed. The object is free then.</summary>
    /// <param name="mayKeep">The exchange left it clean: request and response are whole and nothing came behind.</param>
    /// <param name="keepAlive">How long it may wait for the next one; zero: it may not.</param>
    /// <param name="maxIdle">Of the server, on this shard.</param>
    void Finish(bool mayKeep, TimeSpan keepAlive, int maxIdle);

    /// <summary>Closes in any state; the exchange is not told.</summary>
    void Close();
}
