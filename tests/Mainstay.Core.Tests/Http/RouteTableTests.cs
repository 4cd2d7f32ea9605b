using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Net;
using Mainstay.Core.Rules;

namespace Mainstay.Core.Tests.Http;

public class RouteTableTests
{
    [Theory]
    [InlineData("example.com", "example.com", true)]
    [InlineData("example.com", "EXAMPLE.com:8080", true)]
    [InlineData("example.com", "example.com.", true)]
    [InlineData("example.com", "www.example.com", false)]
    [InlineData("example.com", "example.org", false)]
    [InlineData("*.example.com", "www.example.com", true)]
    [InlineData("*.example.com", "a.b.Example.com:1", true)]
    [InlineData("*.example.com", "example.com", false)]
    [InlineData("*.example.com", "badexample.com", false)]
    [InlineData("[2001:db8::1]", "[2001:DB8::1]:80", true)]
    public void TryMatch_Host_ComparesNamesWithoutCaseAndPort(string pattern, string host, bool expected)
    {
        bool wildcard = pattern.StartsWith('*');
        var match = new RouteMatch { Host = [new HostPattern(wildcard ? pattern[2..] : pattern, wildcard)] };
        Assert.Equal(expected, Matches(match, $"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    }

    [Theory]
    [InlineData(PatternKind.SegmentPrefix, "/a", "/a", true)]
    [InlineData(PatternKind.SegmentPrefix, "/a", "/a/b", true)]
    [InlineData(PatternKind.SegmentPrefix, "/a", "/ab", false)]
    [InlineData(PatternKind.SegmentPrefix, "/a/", "/a/b", true)]
    [InlineData(PatternKind.SegmentPrefix, "/a/", "/a", false)]
    [InlineData(PatternKind.SegmentPrefix, "/", "/anything", true)]
    [InlineData(PatternKind.SegmentPrefix, "/a", "/a?/b", true)]
    [InlineData(PatternKind.Prefix, "/a", "/ab", true)]
    [InlineData(PatternKind.Exact, "/a", "/a", true)]
    [InlineData(PatternKind.Exact, "/a", "/a/", false)]
    [InlineData(PatternKind.Exact, "/a", "/A", false)]
    [InlineData(PatternKind.Regex, @"\.(gif|png)$", "/x/y.png", true)]
    [InlineData(PatternKind.Regex, @"\.(gif|png)$", "/x/y.PNG", false)]
    [InlineData(PatternKind.RegexIgnoreCase, @"\.(gif|png)$", "/x/y.PNG", true)]
    [InlineData(PatternKind.Regex, "^/é$", "/%C3%A9", true)]
    [InlineData(PatternKind.Regex, "^/a.b$", "/a%0Ab", true)]
    public void TryMatch_Path_FollowsThePatternKind(PatternKind kind, string pattern, string target, bool expected) =>
        Assert.Equal(expected, Matches(new RouteMatch { Path = [new PathPattern(kind, pattern)] }, Get(target)));

    [Theory]
    [InlineData("/%61dmin")]
    [InlineData("/a/../admin")]
    [InlineData("/./admin")]
    [InlineData("//admin")]
    [InlineData("/a/%2e%2E/admin/x")]
    [InlineData("/a/b/../../admin/")]
    [InlineData("http://h/%61dmin")]
    public void TryMatch_PathInDisguise_MeetsTheRule(string target) =>
        Assert.True(Matches(new RouteMatch { Path = [new PathPattern(PatternKind.SegmentPrefix, "/admin")] }, Get(target)));

    [Theory]
    [InlineData("/%zz", RejectReason.InvalidPathEncoding)]
    [InlineData("/%4", RejectReason.InvalidPathEncoding)]
    [InlineData("/a%00b", RejectReason.InvalidPathEncoding)]
    [InlineData("/../admin", RejectReason.AmbiguousPath)]
    [InlineData("/a/../../admin", RejectReason.AmbiguousPath)]
    [InlineData("/a/..%2fadmin", RejectReason.AmbiguousPath)]
    [InlineData("/a%2f..", RejectReason.AmbiguousPath)]
    [InlineData("/a/..%5cadmin", RejectReason.AmbiguousPath)]
    [InlineData("/a/..;x=y/admin", RejectReason.AmbiguousPath)]
    [InlineData("/a/%2e%2e;/admin", RejectReason.AmbiguousPath)]
    public void TryMatch_PathThatServersReadDifferently_IsRefused(string target, RejectReason expected)
    {
        byte[] head = Encoding.ASCII.GetBytes(Get(target));
        Assert.False(Table(new RouteMatch()).TryMatch(Parse(head), head, new StatedOrigin(), out _, out _, out RejectReason reason));
        Assert.Equal(expected, reason);
    }

    [Theory]
    [InlineData("/a%2Fb", "/a%2Fb")]
    [InlineData("/a%252e%252e/b", "/a%252e%252e/b")]
    [InlineData("/a/b/", "/a/b/")]
    [InlineData("/a/.", "/a/")]
    [InlineData("/a/..", "/")]
    [InlineData("/a//", "/a/")]
    [InlineData("/.hidden/..a/a..", "/.hidden/..a/a..")]
    [InlineData("/", "/")]
    [InlineData("", "/")]
    [InlineData("*", "*")]
    public void TryNormalize_Path_GivesWhatRulesSee(string path, string expected)
    {
        Assert.True(PathNormalizer.TryNormalize(Encoding.ASCII.GetBytes(path), new byte[path.Length + 1], out ReadOnlySpan<byte> seen, out _));
        Assert.Equal(expected, Encoding.ASCII.GetString(seen));
    }

    [Theory]
    [InlineData("GET", "GET", true)]
    [InlineData("GET", "HEAD", false)]
    [InlineData("PURGE", "PURGE", true)]
    [InlineData("PURGE", "purge", false)]
    public void TryMatch_Method_IsCaseSensitive(string pattern, string method, bool expected) =>
        Assert.Equal(expected, Matches(new RouteMatch { Method = [pattern] }, $"{method} / HTTP/1.1\r\nHost: h\r\n\r\n"));

    [Theory]
    [InlineData("X-A: b", PatternKind.Exact, "b", true)]
    [InlineData("x-a: c\r\nX-A: b", PatternKind.Exact, "b", true)]
    [InlineData("X-A: c", PatternKind.Exact, "b", false)]
    [InlineData("X-B: b", PatternKind.Exact, "b", false)]
    [InlineData("X-A: Googlebot/2", PatternKind.RegexIgnoreCase, "bot|crawler", true)]
    [InlineData("X-A: bcd", PatternKind.Prefix, "bc", true)]
    public void TryMatch_Header_ComparesEveryFieldOfThatName(string fields, PatternKind kind, string pattern, bool expected) =>
        Assert.Equal(expected, Matches(
            new RouteMatch { Header = [new NamedMatch("X-A", [new ValuePattern(kind, pattern)])] },
            $"GET / HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\n"));

    [Theory]
    [InlineData("/?a=b", true)]
    [InlineData("/?x=1&a=b&y", true)]
    [InlineData("/?%61=%62", true)]
    [InlineData("/?a=B", false)]
    [InlineData("/?aa=b", false)]
    [InlineData("/?a=b%", false)]
    [InlineData("/", false)]
    public void TryMatch_Query_ComparesDecoded(string target, bool expected) =>
        Assert.Equal(expected, Matches(
            new RouteMatch { Query = [new NamedMatch("a", [new ValuePattern(PatternKind.Exact, "b")])] }, Get(target)));

    [Theory]
    [InlineData("Cookie: s=1", true)]
    [InlineData("Cookie: a=b; s=1; c=d", true)]
    [InlineData("Cookie: a=b\r\nCookie: s=1", true)]
    [InlineData("Cookie: ss=1", false)]
    [InlineData("Cookie: a=s=1", false)]
    public void TryMatch_Cookie_ComparesByName(string fields, bool expected) =>
        Assert.Equal(expected, Matches(
            new RouteMatch { Cookie = [new NamedMatch("s", [new ValuePattern(PatternKind.Exact, "1")])] },
            $"GET / HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\n"));

    [Fact]
    public void TryMatch_WithoutPatterns_AsksForPresence()
    {
        var match = new RouteMatch { Query = [new NamedMatch("debug", [])] };
        Assert.True(Matches(match, Get("/?debug")));
        Assert.False(Matches(match, Get("/?other")));
    }

    [Fact]
    public void TryMatch_Source_IsComparedWithTheRanges()
    {
        Assert.True(AddressRange.TryParse("192.0.2.0/24", out AddressRange range));
        RouteTable table = Table(new RouteMatch { Source = [range] });
        byte[] head = Encoding.ASCII.GetBytes(Get("/"));
        NetAddress.TryParse("192.0.2.9", out NetAddress inside);
        NetAddress.TryParse("198.51.100.9", out NetAddress outside);
        Assert.True(table.TryMatch(Parse(head), head, new StatedOrigin(inside), out _, out _, out _));
        Assert.False(table.TryMatch(Parse(head), head, new StatedOrigin(outside), out _, out _, out RejectReason reason));
        Assert.Equal(RejectReason.None, reason);
    }

    [Fact]
    public void TryMatch_SeveralRoutes_FirstInOrderWins()
    {
        RouteTable table = Table(
            new RouteMatch { Host = [new HostPattern("a.example", false)], Path = [new PathPattern(PatternKind.SegmentPrefix, "/x")] },
            new RouteMatch { Path = [new PathPattern(PatternKind.SegmentPrefix, "/y")] },
            new RouteMatch { Host = [new HostPattern("a.example", false), new HostPattern("example", true)] },
            new RouteMatch());
        Assert.Equal(0, Route(table, "a.example", "/x"));
        Assert.Equal(1, Route(table, "a.example", "/y"));
        Assert.Equal(2, Route(table, "a.example", "/z"));
        Assert.Equal(2, Route(table, "b.example", "/z"));
        Assert.Equal(3, Route(table, "c.test", "/x"));
    }

    [Fact]
    public void TryMatch_ManyHosts_EachFindsItsOwn()
    {
        RouteTable table = Table([.. Enumerable.Range(0, 500).Select(
            i => new RouteMatch { Host = [new HostPattern($"h{i}.example", false)] })]);
        for (int i = 0; i < 500; i++) Assert.Equal(i, Route(table, $"H{i}.example", "/"));
        Assert.Equal(-1, Route(table, "h500.example", "/"));
    }

    [Fact]
    public void TryMatch_LongTargets_DoNotMixUpPathAndParameters()
    {
        string path = "/" + string.Concat(Enumerable.Repeat("%61", 2000));
        var match = new RouteMatch
        {
            Path = [new PathPattern(PatternKind.Exact, "/" + new string('a', 2000))],
            Query = [new NamedMatch("q", [new ValuePattern(PatternKind.Exact, new string('b', 200))])],
        };
        match = match with { Header = [new NamedMatch("X", [new ValuePattern(PatternKind.Regex, "^é+$")])] };
        string head = $"GET {path}?q={string.Concat(Enumerable.Repeat("%62", 200))} HTTP/1.1\r\nHost: h\r\n"
            + $"X: {Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(new string('é', 400)))}\r\n\r\n";
        Assert.True(Matches(match, head));
    }

    [Theory]
    [InlineData(HashSource.Header, "x-user", "alice")]
    [InlineData(HashSource.Cookie, "sid", "42")]
    [InlineData(HashSource.Query, "q", "v%20w")]
    [InlineData(HashSource.Path, "", "/p")]
    [InlineData(HashSource.Address, "", "\u00c0\u0000\u0002\u0007")]
    [InlineData(HashSource.Cookie, "missing", "\u00c0\u0000\u0002\u0007")]
    public void Input_OfEachSource_IsWhatTheRequestHas(HashSource source, string name, string expected)
    {
        byte[] head = "GET /p?a=b&q=v%20w HTTP/1.1\r\nHost: h\r\nX-User: alice\r\nCookie: a=b; sid=42\r\n\r\n"u8.ToArray();
        NetAddress.TryParse("192.0.2.7", out NetAddress client);
        var hash = new PickHash(new BalanceSnapshot(Algorithm.Hash, source, name));
        Assert.Equal(expected, Encoding.Latin1.GetString(hash.Input(Parse(head), head, client, new byte[PickHash.ScratchLength])));
    }

    internal static RouteTable Table(params RouteMatch[] matches) =>
        new(Service([.. matches.Select((match, i) => new RouteSnapshot($"web.{i + 1}", match, new RouteAction.ToPool("app")))]));

    internal static HttpSnapshot Service(params RouteSnapshot[] routes) => new()
    {
        Name = "web",
        Listen = [],
        Routes = [.. routes],
        Limits = new HttpLimits(),
        Timeouts = new HttpTimeouts(TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero),
        Forwarded = new ForwardedSnapshot([]),
    };

    private static string Get(string target) => $"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n";

    private static int Route(RouteTable table, string host, string path)
    {
        byte[] head = Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        table.TryMatch(Parse(head), head, new StatedOrigin(), out int route, out _, out _);
        return route;
    }

    private static bool Matches(RouteMatch match, string text)
    {
        byte[] head = Encoding.Latin1.GetBytes(text);
        return Table(match).TryMatch(Parse(head), head, new StatedOrigin(), out _, out _, out _);
    }

    private static RequestHead Parse(byte[] head)
    {
        var request = new RequestHead();
        Assert.True(request.TryParse(head, new HttpLimits(), out RejectReason reason), reason.ToString());
        return request;
    }
}
