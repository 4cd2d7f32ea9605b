using Mainstay.Core.Http;

namespace Mainstay.Core.Tests.Http;

/// <summary>What must be refused, by the section that says so.</summary>
public static class StrictnessTable
{
    private const string Host = "Host: h\r\n";

    public static TheoryData<string, string, RejectReason, int> Requests()
    {
        var table = new TheoryData<string, string, RejectReason, int>();
        AddRequestLines(table);
        AddLineStructure(table);
        AddFields(table);
        AddHosts(table);
        AddFraming(table);
        AddLimits(table);
        return table;
    }

    private static void AddRequestLines(TheoryData<string, string, RejectReason, int> table)
    {
        table.Add("TLS", "\u0016\u0003\u0001\u0002\0\u0001\0", RejectReason.TlsOnPlainPort, 400);
        table.Add("9110 9.1", "{\"a\": 1}", RejectReason.InvalidMethod, 400);
        table.Add("9110 9.1", "G(T / HTTP/1.1\r\n" + Host + "\r\n", RejectReason.InvalidMethod, 400);
        table.Add("9110 9.1", " GET / HTTP/1.1\r\n" + Host + "\r\n", RejectReason.InvalidMethod, 400);
        table.Add("9112 3.1", new string('A', 33) + " / HTTP/1.1\r\n" + Host + "\r\n", RejectReason.MethodTooLong, 501);
        table.Add("9112 3", "GET\r\n" + Host + "\r\n", RejectReason.InvalidRequestLine, 400);
        table.Add("9112 3", "GET /\r\n" + Host + "\r\n", RejectReason.InvalidRequestLine, 400);
        table.Add("9112 3", "GET  / HTTP/1.1\r\n" + Host + "\r\n", RejectReason.InvalidRequestLine, 400);
        table.Add("9112 3", "GET /  HTTP/1.1\r\n" + Host + "\r\n", RejectReason.InvalidRequestLine, 400);
        table.Add("9112 3", "GET /a b HTTP/1.1\r\n" + Host + "\r\n", RejectReason.InvalidRequestLine, 400);
        table.Add("9112 3", "GET / HTTP/1.1 \r\n" + Host + "\r\n", RejectReason.InvalidRequestLine, 400);
        table.Add("9112 2.2", "\r\n\r\nGET / HTTP/1.1\r\n" + Host + "\r\n", RejectReason.InvalidMethod, 400);
        table.Add("9112 2.3", "GET / http/1.1\r\n" + Host + "\r\n", RejectReason.InvalidRequestLine, 400);
        table.Add("9112 2.3", "GET / HTTP/1.10\r\n" + Host + "\r\n", RejectReason.InvalidVersion, 400);
        table.Add("9112 2.3", "GET / HTTP/1,1\r\n" + Host + "\r\n", RejectReason.InvalidVersion, 400);
        table.Add("9110 15.6.6", "GET / HTTP/1.2\r\n" + Host + "\r\n", RejectReason.UnsupportedVersion, 505);
        table.Add("9110 15.6.6", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", RejectReason.UnsupportedVersion, 505);
        foreach (string target in (string[])
            ["a", "*", "/a\"b", "/a<b", "/a#b", "/\u00e9", "/a\\b", "http://", "http:///p", "http://u@h/", "http://h:x/", "ftp://h/",
             "http://h:65536/", "//\\", "http://a,b/"])
            table.Add("9112 3.2", $"GET {target} HTTP/1.1\r\n{Host}\r\n", RejectReason.InvalidTarget, 400);
        table.Add("9112 3.2.3", "CONNECT / HTTP/1.1\r\n" + Host + "\r\n", RejectReason.InvalidTarget, 400);
        table.Add("9110 9.3.6", "CONNECT h HTTP/1.1\r\n" + Host + "\r\n", RejectReason.InvalidTarget, 400);
    }

    private static void AddLineStructure(TheoryData<string, string, RejectReason, int> table)
    {
        table.Add("9112 2.2", "\nGET / HTTP/1.1\r\n" + Host + "\r\n", RejectReason.BareLf, 400);
        table.Add("9112 2.2", "\rGET / HTTP/1.1\r\n" + Host + "\r\n", RejectReason.BareCr, 400);
        table.Add("9112 2.2", "GET / HTTP/1.1\nHost: h\n\n", RejectReason.BareLf, 400);
        table.Add("9112 2.2", "GET / HTTP/1.1\r\nHost: h\n\r\n", RejectReason.BareLf, 400);
        table.Add("9112 2.2", "GET / HTTP/1.1\r\nHost: h\r\n\n", RejectReason.BareLf, 400);
        table.Add("9112 2.2", "GET / HTTP/1.1\r\nHost: h\r\nA: b\rC: d\r\n\r\n", RejectReason.BareCr, 400);
        table.Add("9112 2.2", "GET / HTTP/1.1\r\nHost: h\r\r\n\r\n", RejectReason.BareCr, 400);
        table.Add("9110 5.5", "GET / HTTP/1.1\r\nHost: h\r\nA: b\0c\r\n\r\n", RejectReason.ControlByte, 400);
        table.Add("9110 5.5", "GET / HTTP/1.1\r\nHost: h\r\nA: b\u007fc\r\n\r\n", RejectReason.ControlByte, 400);
        table.Add("9110 5.5", "GET / HTTP/1.1\r\nHost: h\r\nA: b\u001fc\r\n\r\n", RejectReason.ControlByte, 400);
        table.Add("9112 3", "GET /\0 HTTP/1.1\r\n" + Host + "\r\n", RejectReason.ControlByte, 400);
        table.Add("9112 3", "GET\t/ HTTP/1.1\r\n" + Host + "\r\n", RejectReason.InvalidMethod, 400);
        table.Add("9112 3", "GET /\tHTTP/1.1\r\n" + Host + "\r\n", RejectReason.InvalidRequestLine, 400);
    }

    private static void AddFields(TheoryData<string, string, RejectReason, int> table)
    {
        const string line = "GET / HTTP/1.1\r\n" + Host;
        table.Add("9112 5.2", line + "A: b\r\n c\r\n\r\n", RejectReason.FoldedLine, 400);
        table.Add("9112 5.2", line + "A: b\r\n\tc: d\r\n\r\n", RejectReason.FoldedLine, 400);
        table.Add("9112 2.2", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", RejectReason.FoldedLine, 400);
        table.Add("9112 5", line + "A b\r\n\r\n", RejectReason.MissingColon, 400);
        table.Add("9110 5.1", line + ": b\r\n\r\n", RejectReason.EmptyFieldName, 400);
        table.Add("9112 5.1", line + "A : b\r\n\r\n", RejectReason.SpaceBeforeColon, 400);
        table.Add("9112 5.1", line + "Content-Length\t: 3\r\n\r\n", RejectReason.SpaceBeforeColon, 400);
        table.Add("9110 5.1", line + "A b: c\r\n\r\n", RejectReason.InvalidFieldName, 400);
        table.Add("9110 5.1", line + "A(: c\r\n\r\n", RejectReason.InvalidFieldName, 400);
        table.Add("9110 5.1", line + "X-Forwarded-For;: c\r\n\r\n", RejectReason.InvalidFieldName, 400);
        table.Add("9110 5.1", line + "\u00e9: c\r\n\r\n", RejectReason.InvalidFieldName, 400);
        table.Add("9110 7.6.1", line + "Connection: a b\r\n\r\n", RejectReason.InvalidConnection, 400);
        table.Add("9110 7.6.1", line + $"Connection: {string.Join(',', Enumerable.Repeat("a", 33))}\r\n\r\n",
            RejectReason.InvalidConnection, 400);
        table.Add("9110 10.1.1", line + "Expect: 200-ok\r\n\r\n", RejectReason.UnknownExpectation, 417);
    }

    private static void AddHosts(TheoryData<string, string, RejectReason, int> table)
    {
        table.Add("9112 3.2", "GET / HTTP/1.1\r\nA: b\r\n\r\n", RejectReason.MissingHost, 400);
        table.Add("9112 3.2", "GET / HTTP/1.1\r\n\r\n", RejectReason.MissingHost, 400);
        table.Add("9112 3.2", "GET http://h/ HTTP/1.1\r\n\r\n", RejectReason.MissingHost, 400);
        table.Add("9112 3.2", "GET / HTTP/1.1\r\nHost: h\r\nhost: h\r\n\r\n", RejectReason.DuplicateHost, 400);
        table.Add("9112 3.2", "GET / HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n", RejectReason.DuplicateHost, 400);
        foreach (string host in (string[])
            ["", "a b", "a,b", "u@h", "a/b", "h:x", "h:99999", "h:-1", "[::1", "[1.2.3.4]", "::1", "[::1]x", "a%41", "\u00e9", "h:1:2", ":80"])
            table.Add("9112 3.2", $"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n", RejectReason.InvalidHost, 400);
        table.Add("9112 3.2.2", "GET http://h/ HTTP/1.1\r\nHost: a b\r\n\r\n", RejectReason.InvalidHost, 400);
    }

    private static void AddFraming(TheoryData<string, string, RejectReason, int> table)
    {
        const string line = "POST / HTTP/1.1\r\n" + Host;
        const string chunked = "Transfer-Encoding: chunked\r\n";
        table.Add("9112 6.1", line + "Content-Length: 3\r\n" + chunked + "\r\n", RejectReason.LengthAndChunked, 400);
        table.Add("9112 6.1", line + chunked + "Content-Length: 3\r\n\r\n", RejectReason.LengthAndChunked, 400);
        table.Add("9112 6.3", line + "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", RejectReason.DuplicateLength, 400);
        table.Add("9110 8.6", line + "Content-Length: 3\r\nContent-Length: 3\r\n\r\n", RejectReason.DuplicateLength, 400);
        table.Add("9110 8.6", line + "Content-Length: 3, 3\r\n\r\n", RejectReason.DuplicateLength, 400);
        foreach (string length in (string[])["", "-1", "+1", "1 2", "0x1", "1.0", "a", "9223372036854775808", new string('9', 40), "\u00b2"])
            table.Add("9112 6.3", $"{line}Content-Length: {length}\r\n\r\n", RejectReason.InvalidLength, 400);
        foreach (string coding in (string[])
            ["", "identity", "gzip", "chunked, gzip", "chunked, chunked", "xchunked", "chunked;a=b", "\"chunked\"", ",chunked", "chunked,",
             "gzip;q=1, chunked"])
            table.Add("9112 6.3", $"{line}Transfer-Encoding: {coding}\r\n\r\n", RejectReason.InvalidTransferEncoding, 400);
        table.Add("9112 6.3", line + chunked + chunked + "\r\n", RejectReason.InvalidTransferEncoding, 400);
        table.Add("9112 6.1", line + "Transfer-Encoding: gzip, chunked\r\n\r\n", RejectReason.UnsupportedTransferCoding, 501);
        table.Add("9112 6.1", "POST / HTTP/1.0\r\n" + chunked + "\r\n", RejectReason.TransferEncodingInHttp10, 400);
    }

    private static void AddLimits(TheoryData<string, string, RejectReason, int> table)
    {
        string Get(string target, string fields) => $"GET {target} HTTP/1.1\r\n{Host}{fields}\r\n";
        table.Add("9112 3", Get("/" + new string('a', 8192), ""), RejectReason.RequestLineTooLong, 414);
        table.Add("6585 5", Get("/", "A: " + new string('a', 32768) + "\r\n"), RejectReason.HeadTooLarge, 431);
        table.Add("6585 5", Get("/", string.Concat(Enumerable.Repeat("A: b\r\n", 100))), RejectReason.TooManyFields, 431);
    }
}
