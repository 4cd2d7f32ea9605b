using System.Text;
using Mainstay.Core.Http;
using Mainstay.Core.Logging;

namespace Mainstay.Core.Tests.Logging;

public class LogTemplateTests
{
    [Fact]
    public void Write_AllThatIsKnown_StandsInItsPlace()
    {
        Assert.Equal(
            "192.0.2.7:4711 [31/Jan/2026:12:34:56 +0000] \"GET /a?b=1 HTTP/1.1\" /a b=1 www.example.com 502 123 456 10/-/20/30 "
            + "web route-1 app s1 2 server connect connect-refused - ECONNREFUSED 5000 id-1 {x}\n",
            Write("{client.address}:{client.port} [{time.clf}] \"{method} {uri} {protocol}\" {path} {query} {host} {status} {bytes_in} {bytes_out} "
                + "{head_us}/{connect_us}/{first_byte_us}/{total_us} {service} {route} {pool} {server} {attempts} {ended_by} {phase} {cause} "
                + "{reject} {error} {connection_age_us} {request.id} {{x}}"));
    }

    [Theory]
    [InlineData("{header.x-tenant}", "blue")]
    [InlineData("{header.X-Empty}", "-")]
    [InlineData("{header.x-ten}", "-")]
    [InlineData("{header.x-quoted}", "a\\\"b\\\\c")]
    [InlineData("{time}", "1769862896")]
    [InlineData("{time.iso}", "2026-01-31T12:34:56.123456Z")]
    public void Write_OneVariable_IsItsValue(string template, string expected) => Assert.Equal(expected + "\n", Write(template));

    [Fact]
    public void Write_RequestThatNeverBecameOne_IsDashes()
    {
        var template = new LogTemplate("{client.address} {method} {uri} {protocol} {status} {server} {header.host} {connect_us}");
        byte[] buffer = new byte[1024];
        var record = new AccessRecord { UnixMicroseconds = 0, Client = default, Timings = new AccessTimings(-1, -1, -1, -1) };
        Assert.Equal("- - - - - - - -\n", Encoding.ASCII.GetString(buffer, 0, template.Write(buffer, record)));
    }

    [Fact]
    public void Write_HostileText_StaysOneLineAndCannotEndItsQuotes()
    {
        var random = new Random(7);
        byte[] buffer = new byte[AccessLogWriter.MaxLength];
        for (int i = 0; i < 2000; i++)
        {
            byte[] hostile = new byte[random.Next(0, 60)];
            random.NextBytes(hostile);
            var record = new AccessRecord { UnixMicroseconds = 0, Client = hostile, Method = hostile, Target = hostile, Host = hostile };
            string line = Encoding.Latin1.GetString(buffer, 0, new LogTemplate("\"{host}\" {uri}").Write(buffer, record));
            Assert.Equal(line.Length - 1, line.IndexOf('\n'));
            Assert.DoesNotContain(line[..^1], c => c is < ' ' or > '~');
        }
    }

    [Fact]
    public void Write_NoRoom_SaysSo() => Assert.Equal(-1, Write("{client.address} {uri}", 5).Length);

    private static string Write(string template)
    {
        byte[] buffer = new byte[4096];
        return Encoding.ASCII.GetString(buffer, 0, Write(template, buffer.Length, buffer).Length);
    }

    private static (int Length, byte[] Buffer) Write(string template, int room, byte[]? buffer = null)
    {
        buffer ??= new byte[room];
        var record = new AccessRecord
        {
            UnixMicroseconds = 1_769_862_896_123_456,
            Client = "192.0.2.7"u8,
            ClientPort = 4711,
            Head = "GET /a?b=1 HTTP/1.1\r\nHost: www.example.com\r\nX-Tenant:  blue \r\nx-empty:\r\nX-Quoted: a\"b\\c\r\n\r\n"u8,
            Method = "GET"u8,
            Target = "/a?b=1"u8,
            Host = "www.example.com"u8,
            Version = 11,
            Status = 502,
            BytesIn = 123,
            BytesOut = 456,
            Timings = new AccessTimings(10_000, -1, 20_000, 30_000),
            Service = "web"u8,
            Route = "route-1"u8,
            Pool = "app"u8,
            Server = "s1"u8,
            Attempts = 2,
            Outcome = new Outcome(OutcomePhase.Connect, OutcomeCause.ConnectRefused),
            Error = "ECONNREFUSED"u8,
            ConnectionAge = 5_000_000,
            RequestId = "id-1"u8,
        };
        return (new LogTemplate(template).Write(buffer.AsSpan(0, room), record), buffer);
    }
}
