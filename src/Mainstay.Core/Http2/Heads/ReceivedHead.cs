using Mainstay.Core.Http;

namespace Mainstay.Core.Http2;

/// <summary>What a field block turned out to be.</summary>
internal struct ReceivedHead
{
    /// <summary>None, why the message is malformed, or why it is too much (<see cref="ErrorScope.Message"/>).</summary>
    public Http2Reason Reason;

    /// <summary>The synthesised head, or the trailer's lines, in the assembler's text.</summary>
    public ByteRange Text;

    /// <summary>-1: none was said.</summary>
    public long ContentLength;

    /// <summary>Of a response.</summary>
    public int Status;

    /// <summary>Of a request.</summary>
    public RequestMethod Method;

    /// <summary>Extended CONNECT for WebSocket; its head reads as the upgrade of HTTP/1.1.</summary>
    public bool IsWebSocket;

    public readonly bool IsInterim => Status is >= 100 and < 200;
}
