using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Net;

namespace Mainstay.Core.Tests.Http;

public class HeadWriterTests
{
    private static readonly HttpLimits s_limits = new();

    [Fact]
    public void Write_RequestHeads_MatchTheTranscript() => Transcript.Check("request-heads.txt", RewriteRequest);

    [Fact]
    public void Write_ResponseHeads_MatchTheTranscript() => Transcript.Check("response-heads.txt", RewriteResponse);

    [Fact]
    public void Write_RequestDestinationTooSmall_SaysSoAtEveryLength()
    {
        byte[] head = "POST http://h/ HTTP/1.1\r\nHost: h\r\nConnection: x\r\nX: y\r\nContent-Length: 1\r\n\r\n"u8.ToArray();
        int whole = Rewrite(head, new byte[4096], ["client=192.0.2.1", "forwarded"]);
        for (int size = 0; size < whole; size++) Assert.Equal(-1, Rewrite(head, new byte[size], ["client=192.0.2.1", "forwarded"]));
        Assert.Equal(whole, Rewrite(head, new byte[whole], ["client=192.0.2.1", "forwarded"]));
    }

    [Fact]
    public void Write_LargestAdditions_FitIntoTheStatedOverhead()
    {
        string host = new string('h', 249) + ":12345";
        byte[] head = Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        string[] words = ["client=2001:db8:1111:2222:3333:4444:5555:6666", "forwarded", "tls", "close"];
        Assert.InRange(Rewrite(head, new byte[8192], words), head.Length, head.Length + RequestHeadWriter.Overhead - 128);
    }

    [Theory]
    [InlineData("X-Request-Id: 0af7651916cd43dd8448eb211c80319c", true)]
    [InlineData("x-request-id: a b", false)]
    [InlineData("X-Request-Id: a\"b", false)]
    [InlineData("X-Request-Id:", false)]
    [InlineData("X-Other: a", false)]
    public void TryFindRequestId_OfTrustedPeer_IsTakenOnlyWhenHarmless(string field, bool taken)
    {
        byte[] head = Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: h\r\n{field}\r\n\r\n");
        var request = new RequestHead();
        Assert.True(request.TryParse(head, s_limits, out _));
        var policy = new ForwardedPolicy(new ForwardedSnapshot([]));
        Assert.Equal(taken, policy.TryFindRequestId(request, head, trustedPeer: true, out _));
        Assert.False(policy.TryFindRequestId(request, head, trustedPeer: false, out _));
    }

    [Fact]
    public void IsTrusted_MappedAddress_IsItsIpv4Address()
    {
        Assert.True(AddressRange.TryParse("10.0.0.0/8", out AddressRange range));
        Assert.True(NetAddress.TryParse("::ffff:10.1.2.3", out NetAddress peer));
        Assert.True(new ForwardedPolicy(new ForwardedSnapshot([range])).IsTrusted(peer));
        Assert.False(new ForwardedPolicy(new ForwardedSnapshot([])).IsTrusted(peer));
    }

    private static byte[] RewriteRequest(string[] words, byte[] head)
    {
        byte[] output = new byte[4096];
        int length = Rewrite(head, output, words);
        Assert.True(length > 0);
        return output[..length];
    }

    private static int Rewrite(byte[] head, byte[] output, string[] words)
    {
        var request = new RequestHead();
        Assert.True(request.TryParse(head, s_limits, out RejectReason reason), reason.ToString());
        bool standard = words.Contains("forwarded");
        var context = new ForwardingContext
        {
            Policy = new ForwardedPolicy(new ForwardedSnapshot([], Standard: standard)),
            ClientAddress = Encoding.ASCII.GetBytes(words[0]["client=".Length..]),
            TrustedPeer = words.Contains("trusted"),
            Tls = words.Contains("tls"),
            RequestId = "0123456789abcdef"u8,
            DefaultHost = "10.1.1.1:8080"u8,
            Close = words.Contains("close"),
        };
        return RequestHeadWriter.Write(output, request, head, context);
    }

    private static byte[] RewriteResponse(string[] words, byte[] head)
    {
        var response = new ResponseHead();
        bool parsed = response.TryParse(head, RequestMethods.Parse(Encoding.ASCII.GetBytes(words[0])), words.Contains("upgrade"), s_limits,
            out RejectReason reason);
        Assert.True(parsed, reason.ToString());
        byte[] output = new byte[4096];
        var context = new ResponseContext
        {
            ClientIsHttp10 = words.Contains("http10"),
            KeepAlive = !words.Contains("close"),
            Via = true,
            Date = "Tue, 02 Jan 2024 00:00:00 GMT"u8,
        };
        int length = ResponseHeadWriter.Write(output, response, head, context);
        Assert.Equal(-1, ResponseHeadWriter.Write(new byte[length - 1], response, head, context));
        return output[..length];
    }
}
