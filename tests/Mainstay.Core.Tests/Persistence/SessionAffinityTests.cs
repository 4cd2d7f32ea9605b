using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Net;
using Mainstay.Core.Persistence;

namespace Mainstay.Core.Tests.Persistence;

public class SessionAffinityTests
{
    private static readonly Instant s_now = new(1_000_000_000_000);
    private static readonly string[] s_servers = ["a", "b", "c"];

    [Fact]
    public void Insert_FirstRequest_GetsACookieThatLeadsBack()
    {
        SessionAffinity affinity = Cookie(CookieMode.Insert);
        string setCookie = Answer(affinity, Find(affinity, ""), server: 1);
        Assert.Matches("^Set-Cookie: SRV=[0-9a-f]{16}; Path=/; HttpOnly; SameSite=Lax\r\n$", setCookie);
        Session next = Find(affinity, $"Cookie: SRV={Token(setCookie)}\r\n");
        Assert.Equal(1, next.Server);
        Assert.Equal("", Answer(affinity, next, server: 1));
    }

    [Fact]
    public void Insert_ServerGone_TellsTheClientItsNewOne()
    {
        SessionAffinity affinity = Cookie(CookieMode.Insert);
        string first = Token(Answer(affinity, Find(affinity, ""), server: 1));
        Session session = Find(affinity, $"Cookie: SRV={first}\r\n");
        Assert.NotEqual(first, Token(Answer(affinity, session, server: 2)));
    }

    [Theory]
    [InlineData("Cookie: SRV=TOKEN\r\n", "")]
    [InlineData("Cookie: SRV=TOKEN; a=1\r\n", "Cookie: a=1\r\n")]
    [InlineData("Cookie: a=1; SRV=TOKEN\r\n", "Cookie: a=1\r\n")]
    [InlineData("Cookie: a=1; SRV=TOKEN; b=2\r\n", "Cookie: a=1; b=2\r\n")]
    [InlineData("Cookie: a=1;SRV=TOKEN;b=2\r\n", "Cookie: a=1;b=2\r\n")]
    [InlineData("Cookie: a=1;  SRV=TOKEN ;  \r\n", "Cookie: a=1  \r\n")]
    [InlineData("Cookie: XSRV=TOKEN; srv=TOKEN\r\n", "Cookie: XSRV=TOKEN; srv=TOKEN\r\n")]
    [InlineData("X: 1\r\nCookie: SRV=TOKEN\r\nY: 2\r\n", "X: 1\r\nY: 2\r\n")]
    public void Insert_Hidden_TheServerSeesTheOtherCookiesOnly(string fields, string seen)
    {
        SessionAffinity affinity = Cookie(CookieMode.Insert);
        fields = fields.Replace("TOKEN", Token(Answer(affinity, Session.None, server: 0)), StringComparison.Ordinal);
        seen = seen.Replace("TOKEN", Token(Answer(affinity, Session.None, server: 0)), StringComparison.Ordinal);
        Assert.Equal(seen, Forwarded(affinity, fields));
    }

    [Fact]
    public void Prefix_ApplicationsCookie_CarriesTheTokenThereAndNotBack()
    {
        SessionAffinity affinity = Cookie(CookieMode.Prefix);
        string toClient = Answer(affinity, Find(affinity, ""), 2, "Set-Cookie: SRV=session42; Path=/app; Secure\r\n");
        Assert.Matches("^Set-Cookie: SRV=[0-9a-f]{16}~session42; Path=/app; Secure\r\n$", toClient);
        string back = $"Cookie: lang=ko; {toClient["Set-Cookie: ".Length..toClient.IndexOf(';')]}\r\n";
        Assert.Equal(2, Find(affinity, back).Server);
        Assert.Equal("Cookie: lang=ko; SRV=session42\r\n", Forwarded(affinity, back));
    }

    [Fact]
    public void Prefix_CookieWithoutAToken_GoesOnAsItIs()
    {
        SessionAffinity affinity = Cookie(CookieMode.Prefix);
        Assert.Equal("Cookie: SRV=old~value\r\n", Forwarded(affinity, "Cookie: SRV=old~value\r\n"));
        Assert.Equal(-1, Find(affinity, "Cookie: SRV=old~value\r\n").Server);
    }

    [Fact]
    public void Rewrite_ApplicationsCookie_IsTheToken()
    {
        SessionAffinity affinity = Cookie(CookieMode.Rewrite);
        string toClient = Answer(affinity, Find(affinity, ""), 1, "Set-Cookie: SRV=x; Path=/\r\n");
        Assert.Matches("^Set-Cookie: SRV=[0-9a-f]{16}; Path=/\r\n$", toClient);
        Assert.Equal(1, Find(affinity, $"Cookie: SRV={Token(toClient)}\r\n").Server);
        Assert.Equal("", Answer(affinity, Find(affinity, ""), 1, "Set-Cookie: other=x\r\n"));
    }

    [Fact]
    public void Learn_SessionCookie_LeadsBackUntouchedUntilItWasUnusedTooLong()
    {
        SessionAffinity affinity = Cookie(CookieMode.Learn);
        Assert.Equal("", Answer(affinity, Find(affinity, ""), 2, "Set-Cookie: SRV=4711; Path=/\r\n"));
        Assert.Equal(2, Find(affinity, "Cookie: SRV=4711\r\n").Server);
        Assert.Equal(-1, Find(affinity, "Cookie: SRV=4712\r\n").Server);
        Assert.Equal(2, Find(affinity, "Cookie: SRV=4711\r\n", s_now + TimeSpan.FromMinutes(29)).Server);
        Assert.Equal(2, Find(affinity, "Cookie: SRV=4711\r\n", s_now + TimeSpan.FromMinutes(58)).Server);
        Assert.Equal(-1, Find(affinity, "Cookie: SRV=4711\r\n", s_now + TimeSpan.FromMinutes(89)).Server);
    }

    [Theory]
    [InlineData("X-Tenant: blue\r\n", "x-tenant:  blue\r\n", true)]
    [InlineData("X-Tenant: blue\r\n", "X-Tenant: red\r\n", false)]
    [InlineData("", "", false)]
    public void Header_SameValue_StaysWithItsServer(string first, string second, bool stays)
    {
        SessionAffinity affinity = Of(new PersistenceSnapshot { Header = "x-tenant", Timeout = TimeSpan.FromMinutes(30), Entries = 1000 });
        affinity.OnChosen(Find(affinity, first), 1, s_now);
        Assert.Equal(stays ? 1 : -1, Find(affinity, second).Server);
    }

    [Fact]
    public void Source_AfterAReloadThatChangesTheServers_StaysWithTheServerOfThatName()
    {
        var snapshot = new PersistenceSnapshot { Source = true, Timeout = TimeSpan.FromMinutes(30), Entries = 1000 };
        SessionAffinity before = Of(snapshot);
        before.OnChosen(Find(before, ""), server: 2, s_now);
        var after = new SessionAffinity(snapshot, "app", ["c", "d", "a"], 99, before);
        Assert.Equal(0, Find(after, "").Server);
        var without = new SessionAffinity(snapshot, "app", ["a", "d"], 99, after);
        Assert.Equal(-1, Find(without, "").Server);
    }

    [Fact]
    public void Tokens_OtherSecretPoolOrServer_AreOthers()
    {
        string[] tokens =
        [
            .. from secret in (string[])["", "s1", "s2"]
               from pool in (string[])["app", "ap"]
               from server in (int[])[0, 1, 2]
               select Token(Answer(Cookie(CookieMode.Insert, secret, pool), Session.None, server)),
        ];
        Assert.Equal(tokens.Length, tokens.Distinct().Count());
    }

    [Fact]
    public void Find_HostileCookies_LeaveASoundHead()
    {
        var random = new Random(3);
        string token = Token(Answer(Cookie(CookieMode.Insert), Session.None, server: 0));
        string[] pieces = ["SRV=", token, "~", ";", " ", "a=1", "=", "SRV", "; SRV=x", "\t", "\""];
        foreach (CookieMode mode in Enum.GetValues<CookieMode>())
        {
            SessionAffinity affinity = Cookie(mode);
            for (int i = 0; i < 3000; i++)
            {
                string value = string.Concat(Enumerable.Range(0, random.Next(1, 8)).Select(_ => pieces[random.Next(pieces.Length)]));
                string forwarded = Forwarded(affinity, $"Cookie: {value}\r\nX: 1\r\n");
                Assert.EndsWith("X: 1\r\n", forwarded);
                if (mode == CookieMode.Insert) Assert.DoesNotContain($"Cookie: SRV={token}", forwarded);
            }
        }
    }

    private static SessionAffinity Cookie(CookieMode mode, string secret = "s3cret", string pool = "app") => new(
        new PersistenceSnapshot
        {
            Cookie = new CookieSnapshot("SRV", mode, "/", "", Secure: false, HttpOnly: true, SameSite.Lax, TimeSpan.Zero, Hide: true),
            Timeout = TimeSpan.FromMinutes(30),
            Entries = 1000,
            Secret = secret,
        },
        pool, s_servers, 42);

    private static SessionAffinity Of(PersistenceSnapshot snapshot) => new(snapshot, "app", s_servers, 42);

    private static string Token(string setCookie) => setCookie["Set-Cookie: SRV=".Length..][..16];

    private static Session Find(SessionAffinity affinity, string fields, Instant? now = null)
    {
        (RequestHead request, byte[] head) = Parse(fields);
        Assert.True(NetAddress.TryParse("192.0.2.7", out NetAddress client));
        return affinity.Find(request, head, client, now ?? s_now);
    }

    private static string Forwarded(SessionAffinity affinity, string fields)
    {
        (RequestHead request, byte[] head) = Parse(fields);
        Session session = affinity.Find(request, head, default, s_now);
        byte[] buffer = new byte[4096];
        int length = RequestHeadWriter.Write(buffer, request, head, new ForwardingContext
        {
            Policy = new ForwardedPolicy(new ForwardedSnapshot([], XForwarded: false, Via: false, RequestIdHeader: "")),
            ClientAddress = "192.0.2.7"u8,
            TrustedPeer = false,
            Tls = false,
            RequestId = default,
            DefaultHost = "s"u8,
            Cut = session.Cut,
        });
        string text = Encoding.ASCII.GetString(buffer, 0, length);
        const string line = "GET / HTTP/1.1\r\nHost: x\r\n";
        Assert.StartsWith(line, text);
        return text[line.Length..^2];
    }

    private static (RequestHead Request, byte[] Head) Parse(string fields)
    {
        byte[] head = Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
        var request = new RequestHead();
        Assert.True(request.TryParse(head, new HttpLimits(), out RejectReason reason), reason.ToString());
        return (request, head);
    }

    private static string Answer(SessionAffinity affinity, in Session session, int server, string fields = "")
    {
        byte[] head = Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n");
        var response = new ResponseHead();
        Assert.True(response.TryParse(head, RequestMethod.Get, false, new HttpLimits(), out RejectReason reason), reason.ToString());
        byte[] lines = new byte[affinity.AnswerRoom + head.Length];
        int length = affinity.Answer(session, server, response, head, s_now, lines, out ByteRange replaced);
        Assert.True(replaced.IsEmpty || Encoding.ASCII.GetString(replaced.Of(head)) == fields);
        return Encoding.ASCII.GetString(lines, 0, length);
    }
}
