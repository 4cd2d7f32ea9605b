using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Core.Tcp;
using Mainstay.Core.Tls;

namespace Mainstay.Core.Tests.Tcp;

public class FlowTests
{
    private static TcpRouteSnapshot Route(TcpMatch match) => new("r", match, "p");

    private static ImmutableArray<byte> Bytes(string text) => [.. Encoding.ASCII.GetBytes(text)];

    private static FirstBytes Say(string text) => new(Encoding.ASCII.GetBytes(text), ClientHelloResult.NeedMore, default);

    [Fact]
    public void Tables_HaveARowForEveryMember()
    {
        Assert.Equal(Enum.GetValues<FlowCause>().Length, FlowCauses.Count);
        Assert.Equal(Enum.GetValues<Mainstay.Core.Proxy.ProxyReject>().Length, Mainstay.Core.Proxy.ProxyRejects.Count);
        Assert.Equal(FlowCauses.Count, Enum.GetValues<FlowCause>().Select(cause => (cause.PartyLabel(), cause.Label())).Distinct().Count());
        Assert.All(Enum.GetValues<FlowPhase>(), phase => Assert.NotEmpty(phase.Label()));
    }

    [Fact]
    public void Routes_WaitForWhatTheyNeed_InOrder()
    {
        var routes = new FlowRoutes(
        [
            Route(new TcpMatch { Prefix = [Bytes("SSH-"), Bytes("S9")] }),
            Route(new TcpMatch { Source = [Range("10.0.0.0/8")] }),
            Route(new TcpMatch { Prefix = [Bytes("GET ")] }),
        ]);
        NetAddress inside = NetAddress.V4(0x0A000001), outside = NetAddress.V4(0xC0000201);

        Assert.Equal(0, routes.Find(outside, Say("SSH-2.0"), false));
        Assert.Equal(FlowRoutes.NeedMore, routes.Find(inside, Say("SS"), false));
        Assert.Equal(FlowRoutes.NeedMore, routes.Find(inside, Say(""), false));
        Assert.Equal(1, routes.Find(inside, Say("X"), false));
        Assert.Equal(1, routes.Find(inside, Say("SS"), isFinal: true));
        Assert.Equal(2, routes.Find(outside, Say("GET /"), false));
        Assert.Equal(FlowRoutes.None, routes.Find(outside, Say("PUT"), false));
        Assert.Equal(FlowRoutes.None, routes.Find(outside, Say("GE"), isFinal: true));
    }

    [Fact]
    public void Routes_ByHello_DoNotMatchWithoutOne()
    {
        var routes = new FlowRoutes([Route(new TcpMatch { Sni = [new HostPattern("example.com", true)] }), Route(new TcpMatch())]);
        Assert.Equal(FlowRoutes.NeedMore, routes.Find(default, Say(""), false));
        Assert.Equal(1, routes.Find(default, new FirstBytes("no tls"u8), false));
    }

    [Fact]
    public void Access_DenyWins()
    {
        var access = new TcpAccess([Range("10.0.0.0/8")], [Range("10.1.0.0/16")]);
        Assert.True(access.Admits(NetAddress.V4(0x0A000001)));
        Assert.False(access.Admits(NetAddress.V4(0x0A010001)));
        Assert.False(access.Admits(NetAddress.V4(0xC0000201)));
        Assert.False(access.Admits(default));
    }

    [Fact]
    public void LogLine_IsJson_WhateverTheClientSays()
    {
        byte[] buffer = new byte[FlowLogWriter.MaxLength];
        byte[] evil = Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat("\"\n\u00ff\\", 64)));
        var record = new FlowRecord
        {
            UnixMicroseconds = 1_700_000_000_000_000,
            Client = "192.0.2.1"u8,
            ClientPort = 40000,
            Protocol = TransportProtocol.Tcp,
            Service = evil,
            Route = evil,
            Pool = evil,
            Server = evil,
            Sni = evil,
            Detail = evil,
            BytesIn = 1,
            BytesOut = 2,
            Connect = 3_000,
            Total = 4_000,
            Attempts = 1,
            Phase = FlowPhase.Stream,
            Cause = FlowCause.ServerReset,
        };
        int length = FlowLogWriter.Write(buffer, AccessLogFormat.Json, record);
        Assert.InRange(length, 100, FlowLogWriter.MaxLength);
        JsonElement line = JsonDocument.Parse(buffer.AsMemory(0, length)).RootElement;
        Assert.Equal("server", line.GetProperty("ended_by").GetString());
        Assert.Equal("reset", line.GetProperty("cause").GetString());
        Assert.Equal(3, line.GetProperty("connect_us").GetInt64());

        length = FlowLogWriter.Write(buffer, AccessLogFormat.Combined, record);
        string combined = Encoding.ASCII.GetString(buffer, 0, length);
        Assert.StartsWith("192.0.2.1 - - [14/Nov/2023:22:13:20 +0000] \"TCP ", combined, StringComparison.Ordinal);
        Assert.EndsWith(" - 2 \"-\" \"server/reset\"\n", combined, StringComparison.Ordinal);
    }

    private static AddressRange Range(string text)
    {
        Assert.True(AddressRange.TryParse(text, out AddressRange range));
        return range;
    }
}
