using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Core.Rules;

namespace Mainstay.Core.Tests.Rules;

public class TemplateTests
{
    [Theory]
    [InlineData("^/old/(.*)$", "/new/{1}", "/old/a/b?x", "/new/a/b")]
    [InlineData("^/old/(.*)$", "/new/{1}?{query}", "/old/a?x=1&y", "/new/a?x=1&y")]
    [InlineData("^/(?<lang>de|en)/(.*)$", "https://{lang}.example.com/{1}", "/de/a", "https://de.example.com/a")]
    [InlineData("^/x(.*)$", "/{1}", "/x//evil.example/", "/evil.example/")]
    [InlineData("^/x(.*)$", "{1}", "/x//evil.example/", "/evil.example/")]
    [InlineData("^/(.*)$", "/n/{1}", "/a%20b%3fc%23d%25e%2ff", "/n/a%20b%3Fc%23d%25e%2Ff")]
    [InlineData("^/(.*)$", "/n/{1}", "/%0d%0aSet-Cookie:x", "/n/%0D%0ASet-Cookie:x")]
    [InlineData("^/(.*)$", "/login?next={uri}&q={1}", "/a?b=c&d", "/login?next=%2Fa%3Fb%3Dc%26d&q=a")]
    [InlineData("^/(.*)$", "/{query.page}", "/?page=a%2Fb&page=c", "/a%2Fb")]
    [InlineData("^/é(.)$", "/{1}", "/%C3%A9%C3%A4", "/%C3%A4")]
    [InlineData("^/(.)(.)$", "/{2}", "/%FF%C3%A4", "/%C3%A4")]
    [InlineData("^/(a)?b$", "/x{1}y", "/b", "/xy")]
    public void Redirect_WithCaptures_IsEncodedForItsPlace(string expression, string location, string target, string expected) =>
        Assert.Equal(expected, RuleBench.Redirect(RuleBench.Path(expression), location, RuleBench.Head(target)));

    [Theory]
    [InlineData("{method}-{scheme}-{host}-{port}", "GET-https-www.example.com-8443")]
    [InlineData("{client.address}-{client.port}", "192.0.2.7-4711")]
    [InlineData("{tls.version}-{tls.sni}", "TLSv1.3-www.example.com")]
    [InlineData("{header.x-a}-{header.none}", "one-")]
    [InlineData("{cookie.b}", "2")]
    [InlineData("{query.q}", "v%20w")]
    [InlineData("{path}?{query}", "/p?q=v+w")]
    public void Redirect_WithVariables_HasTheirValues(string template, string expected)
    {
        Assert.True(NetAddress.TryParse("192.0.2.7", out NetAddress address));
        var origin = new StatedOrigin(address, 4711, 8443, isTls: true);
        origin.State(TlsFact.Version, "TLSv1.3");
        origin.State(TlsFact.Sni, "www.example.com");
        byte[] head = RuleBench.Head("/p?q=v+w", "X-A: one\r\nX-A: two\r\nCookie: a=1; b=2\r\n");
        Assert.Equal("/" + expected.TrimStart('/'), RuleBench.Redirect(new RouteMatch(), "/" + template, head, origin));
    }

    [Fact]
    public void Redirect_CapturesOfEveryField_AreThere()
    {
        var match = new RouteMatch
        {
            Host = [new HostPattern("^(?<site>[^.]+)\\.example\\.com$", false, IsRegex: true)],
            Path = [new PathPattern(PatternKind.Regex, "^/(.*)$")],
            Header = [new NamedMatch("Accept-Language", [new ValuePattern(PatternKind.Regex, "^(..)")])],
            All = [new RouteMatch { Cookie = [new NamedMatch("id", [new ValuePattern(PatternKind.Regex, "-(?<tail>.*)")])] }],
        };
        byte[] head = RuleBench.Head("/a", "Accept-Language: de-AT\r\nCookie: x=y; id=7-end\r\n", host: "Shop.Example.com");
        Assert.Equal("/shop/shop/a/a/de/end", RuleBench.Redirect(match, "/{site}/{host.1}/{1}/{path.1}/{header.accept-language.1}/{tail}", head));
    }

    [Fact]
    public void Redirect_SecondRouteTried_HasNoCaptureOfTheFirst()
    {
        var match = new RouteMatch
        {
            Any = [new RouteMatch { Path = [new PathPattern(PatternKind.Regex, "^/a/(.*)$")] }, new RouteMatch { Method = ["GET"] }],
        };
        Assert.Equal("/x/1", RuleBench.Redirect(match, "/x/{1}", RuleBench.Head("/a/1")));
        Assert.Equal("/x/", RuleBench.Redirect(match, "/x/{1}", RuleBench.Head("/b/1")));
    }

    [Theory]
    [InlineData("{hots}", "{host}")]
    [InlineData("{client.adress}", "{client.address}")]
    [InlineData("{cokie.id}", "{cookie.id}")]
    [InlineData("{lagn}", "{lang}")]
    public void Hint_Slip_NamesWhatWasMeant(string slip, string meant) =>
        Assert.Equal($"did you mean {meant}?", TemplateText.Hint(slip.Trim('{', '}'), ["lang"]));
}
