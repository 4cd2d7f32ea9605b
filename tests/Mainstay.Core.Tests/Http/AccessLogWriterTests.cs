using System.Text;
using System.Text.Json;
using Mainstay.Core.Config;
using Mainstay.Core.Http;

namespace Mainstay.Core.Tests.Http;

public class AccessLogWriterTests
{
    private const long Time = 1_769_862_896_123_456; // 2026-01-31T12:34:56.123456Z

    [Fact]
    public void Write_Json_HasEveryField()
    {
        string line = Write(AccessLogFormat.Json, Record("/a?b"u8, "curl/8"u8));
        Assert.Equal(
            """
            {"time":"2026-01-31T12:34:56.123456Z","client":"192.0.2.7","method":"GET","host":"example.com","target":"/a?b","status":502,"bytes_in":120,"bytes_out":3000,"head_us":10,"connect_us":250,"total_us":1500,"route":"web.1","pool":"app","server":"b","attempts":2,"ended_by":"server","phase":"response-head","cause":"rejected","reject":"bare-lf","request_id":"00ff","user_agent":"curl/8","referer":"http://r/"}

            """, line);
    }

    [Fact]
    public void Write_Combined_IsWhatLogToolsRead() => Assert.Equal(
        "192.0.2.7 - - [31/Jan/2026:12:34:56 +0000] \"GET /a?b HTTP/1.1\" 502 3000 \"http://r/\" \"curl/8\"\n",
        Write(AccessLogFormat.Combined, Record("/a?b"u8, "curl/8"u8)));

    [Fact]
    public void Write_RequestThatNeverGotAHead_StaysReadable()
    {
        var record = new AccessRecord
        {
            UnixMicroseconds = Time,
            Client = default,
            Timings = new AccessTimings(-1, -1, -1, 5000),
            Outcome = new Outcome(OutcomePhase.RequestHead, OutcomeCause.ClientHeadTimeout),
        };
        Assert.Equal("- - - [31/Jan/2026:12:34:56 +0000] \"-\" - 0 \"-\" \"-\"\n", Write(AccessLogFormat.Combined, record));
        JsonElement json = JsonDocument.Parse(Write(AccessLogFormat.Json, record)).RootElement;
        Assert.Equal("head-timeout", json.GetProperty("cause").GetString());
        Assert.False(json.TryGetProperty("method", out _));
    }

    [Fact]
    public void Write_EveryByteAndInvalidUtf8_StaysOneLineOfPrintableAscii()
    {
        byte[] hostile = [.. Enumerable.Range(0, 256).Select(i => (byte)i), .. "é\u202e\u009b\U0001F600"u8, 0xC3, 0xED, 0xA0, 0x80];
        foreach (AccessLogFormat format in (AccessLogFormat[])[AccessLogFormat.Json, AccessLogFormat.Combined])
        {
            string line = Write(format, Record(hostile, hostile));
            Assert.Equal('\n', line[^1]);
            Assert.All(line[..^1], c => Assert.InRange(c, ' ', '~'));
        }

        JsonElement json = JsonDocument.Parse(Write(AccessLogFormat.Json, Record("/"u8, hostile))).RootElement;
        Assert.Equal(Encoding.UTF8.GetString(hostile), json.GetProperty("user_agent").GetString());
    }

    [Fact]
    public void Write_CombinedWithQuotes_CannotForgeFields() =>
        Assert.Contains("\"a\\\" \\\\ \\x0d\\x0a\\xff\"", Write(AccessLogFormat.Combined, Record("/"u8, "a\" \\ \r\n"u8.ToArray().Append((byte)0xFF).ToArray())));

    [Fact]
    public void Write_LongestTexts_FitTheStatedLength()
    {
        byte[] endless = new byte[100_000];
        byte[] buffer = new byte[AccessLogWriter.MaxLength];
        var record = new AccessRecord
        {
            UnixMicroseconds = Time,
            Client = endless,
            Method = endless,
            Target = endless,
            Host = endless,
            BytesIn = long.MinValue,
            BytesOut = long.MinValue,
            Timings = new AccessTimings(long.MaxValue, long.MaxValue, long.MaxValue, long.MaxValue),
            Route = endless,
            Pool = endless,
            Server = endless,
            RequestId = endless,
            UserAgent = endless,
            Referer = endless,
        };
        Assert.InRange(AccessLogWriter.Write(buffer, AccessLogFormat.Json, record), 20_000, AccessLogWriter.MaxLength);
        Assert.InRange(AccessLogWriter.Write(buffer, AccessLogFormat.Combined, record), 10_000, AccessLogWriter.MaxLength);
        Assert.Equal(-1, AccessLogWriter.Write(buffer.AsSpan(0, 10_000), AccessLogFormat.Json, record));
    }

    [Fact]
    public void Write_RequestIds_FollowSipHashAndDiffer()
    {
        // The eight-byte message of the reference vectors (vectors_sip128, key 00..0f).
        var id = new RequestId(new UInt128(0x0f0e0d0c0b0a0908, 0x0706050403020100), 0x0706050403020100);
        byte[] text = new byte[RequestId.Length];
        id.Write(text);
        Assert.Equal("3b62a9ba6258f5610f83e264f31497b4", Encoding.ASCII.GetString(text));
        var seen = new HashSet<string>();
        for (int i = 0; i < 10_000; i++)
        {
            id.Write(text);
            Assert.True(seen.Add(Encoding.ASCII.GetString(text)));
        }
    }

    private static AccessRecord Record(ReadOnlySpan<byte> target, ReadOnlySpan<byte> agent) => new()
    {
        UnixMicroseconds = Time,
        Client = "192.0.2.7"u8,
        Method = "GET"u8,
        Target = target,
        Host = "example.com"u8,
        Version = 11,
        Status = 502,
        BytesIn = 120,
        BytesOut = 3000,
        Timings = new AccessTimings(10_999, 250_000, -1, 1_500_000),
        Route = "web.1"u8,
        Pool = "app"u8,
        Server = "b"u8,
        Attempts = 2,
        Outcome = new Outcome(OutcomePhase.ResponseHead, OutcomeCause.ServerRejected, RejectReason.BareLf),
        RequestId = "00ff"u8,
        UserAgent = agent,
        Referer = "http://r/"u8,
    };

    private static string Write(AccessLogFormat format, in AccessRecord record)
    {
        byte[] buffer = new byte[AccessLogWriter.MaxLength];
        int length = AccessLogWriter.Write(buffer, format, record);
        return Encoding.Latin1.GetString(buffer, 0, length);
    }
}
