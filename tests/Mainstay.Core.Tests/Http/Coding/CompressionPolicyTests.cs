using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Http.Coding;

namespace Mainstay.Core.Tests.Http.Coding;

public class CompressionPolicyTests
{
    private static readonly CompressionPolicy s_policy = new(new CompressSnapshot());

    [Theory]
    [InlineData(true, "Content-Type: text/html; charset=utf-8")]
    [InlineData(true, "Content-Type: TEXT/CSS")]
    [InlineData(true, "Content-Type: application/json", "Content-Length: 1024")]
    [InlineData(true, "Content-Type: image/svg+xml", "Content-Encoding: identity")]
    [InlineData(true, "Content-Type: text/html", "Cache-Control: max-age=5, public")]
    [InlineData(false, "Content-Type: application/json", "Content-Length: 1023")]
    [InlineData(false, "Content-Length: 5000")] // nobody knows what it is
    [InlineData(false, "Content-Type: image/png")]
    [InlineData(false, "Content-Type: texthtml")]
    [InlineData(false, "Content-Type: text/event-stream")] // only when it is named
    [InlineData(false, "Content-Type: application/grpc")]
    [InlineData(false, "Content-Type: text/html", "Content-Encoding: gzip")]
    [InlineData(false, "Content-Type: text/html", "Content-Encoding: br")]
    [InlineData(false, "Content-Type: text/html", "Cache-Control: public", "Cache-Control: max-age=5, No-Transform")]
    [InlineData(false, "Content-Type: text/html", "Content-Range: bytes 0-5/10")]
    [InlineData(false, "Content-Type: text/html", "Trailer: X-Sum")]
    public void IsEligible_ByItsFields(bool expected, params string[] fields) => Assert.Equal(expected, IsEligible(200, fields));

    [Theory]
    [InlineData(200, true)]
    [InlineData(404, true)]
    [InlineData(500, true)]
    [InlineData(204, false)]
    [InlineData(205, false)]
    [InlineData(206, false)]
    [InlineData(304, false)]
    public void IsEligible_ByItsStatus(int status, bool expected) => Assert.Equal(expected, IsEligible(status, "Content-Type: text/html"));

    [Fact]
    public void IsListed_NamedEventStream_IsCompressed() =>
        Assert.True(new CompressionPolicy(new CompressSnapshot { Types = ["text/event-stream"] }).IsListed("text/event-stream"u8));

    /// <summary>The conditions of BREACH: credentials that a browser adds by itself, on behalf of another site.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(true, "Sec-Fetch-Site: cross-site")]
    [InlineData(true, "Cookie: a=b", "Sec-Fetch-Site: same-origin")]
    [InlineData(true, "Cookie: a=b", "Sec-Fetch-Site: none")]
    [InlineData(true, "Cookie: a=b", "Referer: https://www.example.com/page")]
    [InlineData(true, "Authorization: Bearer abc", "Sec-Fetch-Site: cross-site")]
    [InlineData(true, "Authorization: Bearer abc")]
    [InlineData(false, "Cookie: a=b")]
    [InlineData(false, "Cookie: a=b", "Sec-Fetch-Site: cross-site")]
    [InlineData(false, "Sec-Fetch-Site: cross-site", "Cookie: a=b")]
    [InlineData(false, "Cookie: a=b", "Sec-Fetch-Site: same-site")] // another host of the same site may be somebody else's
    [InlineData(false, "Cookie: a=b", "Referer: https://www.example.com/", "Sec-Fetch-Site: cross-site")]
    [InlineData(false, "Cookie: a=b", "Referer: https://evil.example/?https://www.example.com/")]
    [InlineData(false, "Cookie: a=b", "Referer: https://www.example.com.evil.example/")]
    [InlineData(false, "Authorization: Basic YTpi")]
    [InlineData(false, "Authorization: Negotiate x", "Sec-Fetch-Site: cross-site")]
    public void Choose_ForAnotherSiteWithCredentials_DoesNotCompress(bool expected, params string[] fields)
    {
        Assert.Equal(expected ? ContentCoding.Gzip : ContentCoding.Identity, Choose(s_policy, false, ["Accept-Encoding: gzip", .. fields]));
        Assert.Equal(ContentCoding.Gzip, Choose(new CompressionPolicy(new CompressSnapshot { CrossSite = true }), false, ["Accept-Encoding: gzip", .. fields]));
        Assert.Equal(ContentCoding.Gzip, Choose(s_policy, true, ["Accept-Encoding: gzip", .. fields]));
    }

    [Fact]
    public void Choose_WhatIsSwitchedOff_IsNotChosen()
    {
        var policy = new CompressionPolicy(new CompressSnapshot { Brotli = 0 });
        Assert.Equal(ContentCoding.Gzip, Choose(policy, false, "Accept-Encoding: br, gzip;q=0.1"));
        Assert.Equal(ContentCoding.Identity, Choose(policy, false, "Accept-Encoding: br, zstd"));
        Assert.Equal(ContentCoding.Identity, Choose(policy, false));
    }

    [Fact]
    public void Head_OfACodedResponse_IsThatOfAServerWhichCodes()
    {
        string[] fields =
        [
            "Content-Type: text/html", "Content-Length: 5000", "ETag: \"abc\"", "Accept-Ranges: bytes", "Vary: Cookie", "Content-MD5: x", "X-Other: 1",
        ];
        Assert.Equal(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nETag: W/\"abc\"\r\nVary: Cookie\r\nX-Other: 1\r\nVary: Accept-Encoding\r\n"
            + "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
            Coded(ContentCoding.Gzip, "HTTP/1.0 200 OK", fields));

        // For a client that takes it as it is: the same, and caches are told.
        Assert.Equal(
            $"HTTP/1.1 200 OK\r\n{string.Concat(fields.Select(field => field + "\r\n"))}Vary: Accept-Encoding\r\n\r\n",
            Coded(ContentCoding.Identity, "HTTP/1.1 200 OK", fields));
    }

    [Theory]
    [InlineData("Vary: *")]
    [InlineData("Vary: Cookie, accept-encoding")]
    public void Head_ThatVariesAlready_IsNotSaidTwice(string vary)
    {
        string coded = Coded(ContentCoding.Brotli, "HTTP/1.1 200 OK", "Content-Type: text/html", vary, "ETag: W/\"abc\"", "Transfer-Encoding: chunked");
        Assert.Equal($"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{vary}\r\nETag: W/\"abc\"\r\nContent-Encoding: br\r\nTransfer-Encoding: chunked\r\n\r\n", coded);
    }

    private static ResponseHead Parse(string line, string[] fields, out byte[] bytes)
    {
        bytes = Encoding.ASCII.GetBytes($"{line}\r\n{string.Concat(fields.Select(field => field + "\r\n"))}\r\n");
        var response = new ResponseHead();
        Assert.True(response.TryParse(bytes, RequestMethod.Get, false, new HttpLimits(), out RejectReason reason), $"{reason}");
        return response;
    }

    private static bool IsEligible(int status, params string[] fields)
    {
        ResponseHead response = Parse($"HTTP/1.1 {status} x", fields, out byte[] bytes);
        return s_policy.IsEligible(response, bytes);
    }

    private static ContentCoding Choose(CompressionPolicy policy, bool fromHere, params string[] fields)
    {
        byte[] bytes = Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: www.example.com\r\n{string.Concat(fields.Select(field => field + "\r\n"))}\r\n");
        var request = new RequestHead();
        Assert.True(request.TryParse(bytes, new HttpLimits(), out _));
        return policy.Choose(request, bytes, fromHere);
    }

    private static string Coded(ContentCoding coding, string line, params string[] fields)
    {
        ResponseHead response = Parse(line, fields, out byte[] bytes);
        byte[] output = new byte[bytes.Length + CodedHead.Overhead];
        int length = CodedHead.Write(output, response, bytes, coding);
        Assert.True(new ResponseHead().TryParse(output.AsSpan(0, length), RequestMethod.Get, false, new HttpLimits(), out _));
        return Encoding.ASCII.GetString(output, 0, length);
    }
}
