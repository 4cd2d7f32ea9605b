using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;

namespace Mainstay.Core.Tests.Http;

public class ResponseHeadTests
{
    private static readonly HttpLimits s_limits = new();

    private readonly ResponseHead _head = new();

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", RequestMethod.Get, BodyKind.Length, true)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", RequestMethod.Get, BodyKind.None, true)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", RequestMethod.Get, BodyKind.Chunked, true)]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n", RequestMethod.Get, BodyKind.UntilClose, false)]
    [InlineData("HTTP/1.1 200\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", RequestMethod.Get, BodyKind.Length, false)]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", RequestMethod.Get, BodyKind.Length, false)]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: Keep-Alive\r\n\r\n", RequestMethod.Get, BodyKind.Length, true)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", RequestMethod.Head, BodyKind.None, true)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", RequestMethod.Head, BodyKind.None, true)]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n", RequestMethod.Head, BodyKind.None, true)]
    [InlineData("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", RequestMethod.Get, BodyKind.None, true)]
    [InlineData("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", RequestMethod.Get, BodyKind.None, true)]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\n", RequestMethod.Post, BodyKind.None, true)]
    [InlineData("HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n", RequestMethod.Get, BodyKind.None, true)]
    public void TryParse_Framing_Rfc9112Section6_3(string text, RequestMethod method, BodyKind kind, bool keepAlive)
    {
        Assert.Equal(RejectReason.None, Parse(text, method, upgrade: false));
        Assert.Equal(kind, _head.Body.Kind);
        Assert.Equal(keepAlive, _head.KeepAlive);
    }

    [Fact]
    public void TryParse_StatusLine_GivesStatusAndReason()
    {
        const string text = "HTTP/1.1 404 Not \u00e9 Found\r\nContent-Length: 0\r\n\r\n";
        Assert.Equal(RejectReason.None, Parse(text, RequestMethod.Get, upgrade: false));
        Assert.Equal(404, _head.Status);
        Assert.Equal("Not \u00e9 Found", Encoding.Latin1.GetString(_head.ReasonPhrase.Of(Encoding.Latin1.GetBytes(text))));
    }

    [Fact]
    public void TryParse_SwitchingProtocols_OnlyWhenAskedFor()
    {
        const string text = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
        Assert.Equal(RejectReason.UnexpectedUpgrade, Parse(text, RequestMethod.Get, upgrade: false));
        Assert.Equal(RejectReason.None, Parse(text, RequestMethod.Get, upgrade: true));
        Assert.True(_head.IsUpgrade);
        Assert.False(_head.IsInterim);
    }

    [Theory]
    [InlineData("9112 4", "HTTP/2.0 200 OK\r\n\r\n", RejectReason.UnsupportedVersion)]
    [InlineData("9112 4", "HTTX/1.1 200 OK\r\n\r\n", RejectReason.InvalidStatusLine)]
    [InlineData("9112 4", "ICY 200 OK\r\n\r\n", RejectReason.InvalidStatusLine)]
    [InlineData("9112 4", "HTTP/1.1  200 OK\r\n\r\n", RejectReason.InvalidStatusLine)]
    [InlineData("9112 4", "HTTP/1.1 20 OK\r\n\r\n", RejectReason.InvalidStatusLine)]
    [InlineData("9112 4", "HTTP/1.1 2000 OK\r\n\r\n", RejectReason.InvalidStatusLine)]
    [InlineData("9112 4", "HTTP/1.1 099 OK\r\n\r\n", RejectReason.InvalidStatusLine)]
    [InlineData("9110 15", "HTTP/1.1 600 OK\r\n\r\n", RejectReason.InvalidStatusLine)]
    [InlineData("9112 4", "HTTP/1.1 200\tOK\r\n\r\n", RejectReason.InvalidStatusLine)]
    [InlineData("9112 2.2", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", RejectReason.BareLf)]
    [InlineData("9112 2.2", "HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n", RejectReason.BareCr)]
    [InlineData("9110 5.5", "HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", RejectReason.ControlByte)]
    [InlineData("9112 5.2", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", RejectReason.FoldedLine)]
    [InlineData("9112 5.1", "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n", RejectReason.SpaceBeforeColon)]
    [InlineData("9112 6.3", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", RejectReason.LengthAndChunked)]
    [InlineData("9112 6.3", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", RejectReason.DuplicateLength)]
    [InlineData("9112 6.3", "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n", RejectReason.DuplicateLength)]
    [InlineData("9112 6.3", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", RejectReason.InvalidLength)]
    [InlineData("9112 6.3", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n", RejectReason.InvalidTransferEncoding)]
    [InlineData("9112 6.1", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", RejectReason.UnsupportedTransferCoding)]
    [InlineData("9112 6.1", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", RejectReason.TransferEncodingInHttp10)]
    [InlineData("9112 6.1", "HTTP/1.1 204 OK\r\nTransfer-Encoding: chunked\r\n\r\n", RejectReason.ForbiddenFraming)]
    [InlineData("9110 8.6", "HTTP/1.1 204 OK\r\nContent-Length: 3\r\n\r\n", RejectReason.ForbiddenFraming)]
    [InlineData("9110 8.6", "HTTP/1.1 103 OK\r\nContent-Length: 3\r\n\r\n", RejectReason.ForbiddenFraming)]
    public void TryParse_RefusedResponse_NamesTheCauseWhereverItIsCut(string rule, string text, RejectReason expected)
    {
        for (int cut = 1; cut <= text.Length; cut++)
            Assert.Equal((rule, cut, expected), (rule, cut, Parse(text, RequestMethod.Get, upgrade: false, cut)));
    }

    [Fact]
    public void TryParse_HeadOverTheLimit_IsRefusedBeforeItEnds()
    {
        var scanner = new HeadScanner();
        byte[] endless = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nA: " + new string('a', 40_000));
        Assert.False(scanner.TryFindResponseEnd(endless, s_limits, out _, out RejectReason reason));
        Assert.Equal(RejectReason.HeadTooLarge, reason);
    }

    private RejectReason Parse(string text, RequestMethod method, bool upgrade, int cut = int.MaxValue)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        var scanner = new HeadScanner();
        bool found = scanner.TryFindResponseEnd(bytes.AsSpan(0, Math.Min(cut, bytes.Length)), s_limits, out int length, out RejectReason reason);
        if (!found && reason == RejectReason.None) found = scanner.TryFindResponseEnd(bytes, s_limits, out length, out reason);
        if (!found) return reason;
        _head.TryParse(bytes.AsSpan(0, length), method, upgrade, s_limits, out reason);
        return reason;
    }
}
