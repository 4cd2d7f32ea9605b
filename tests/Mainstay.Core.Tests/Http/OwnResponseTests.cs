using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Rules;

namespace Mainstay.Core.Tests.Http;

public class OwnResponseTests
{
    private static readonly byte[] s_date = "Tue, 02 Jan 2024 00:00:00 GMT"u8.ToArray();

    [Fact]
    public void Write_EveryStatusThatWeSend_IsACompleteResponseThatOurParserAccepts()
    {
        int[] statuses = [.. Enum.GetValues<RejectReason>().Skip(1).Select(reason => reason.Status()),
            .. Enum.GetValues<OutcomeCause>().Select(cause => new Outcome(default, cause).Status).Where(status => status > 0)];
        foreach (int status in statuses.Distinct())
        {
            byte[] buffer = new byte[ErrorResponses.MaxLength];
            byte[] written = buffer[..ErrorResponses.Write(buffer, status, s_date)];
            int headLength = written.AsSpan().IndexOf("\r\n\r\n"u8) + 4;
            var head = new ResponseHead();
            Assert.True(head.TryParse(written.AsSpan(0, headLength), RequestMethod.Get, false, new HttpLimits(), out _));
            Assert.Equal(status, head.Status);
            Assert.False(head.KeepAlive);
            Assert.Equal(written.Length - headLength, head.Body.Length);
            Assert.True(head.TryGet(FieldName.Date, out _));
        }
    }

    [Fact]
    public void Write_ErrorForHead_HasNoBody()
    {
        byte[] buffer = new byte[ErrorResponses.MaxLength];
        string text = Encoding.ASCII.GetString(buffer, 0, ErrorResponses.Write(buffer, 404, s_date, isHead: true));
        Assert.EndsWith("\r\n\r\n", text);
        Assert.Contains("Content-Length: 14\r\n", text);
    }

    [Fact]
    public void Write_FixedResponse_SaysWhatBecomesOfTheConnection()
    {
        var response = new FixedResponse(new RouteAction.Respond(200, "ok\n", "text/plain"));
        Assert.Equal(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nDate: Tue, 02 Jan 2024 00:00:00 GMT\r\n\r\nok\n",
            Write(response, new OwnResponse(true, false, false)));
        Assert.Contains("\r\nConnection: keep-alive\r\n", Write(response, new OwnResponse(true, true, false)));
        Assert.Contains("\r\nConnection: close\r\n", Write(response, new OwnResponse(false, false, false)));
        Assert.DoesNotContain("ok\n", Write(response, new OwnResponse(true, false, true)));
        Assert.Equal(-1, response.Write(new byte[20], s_date, default));
    }

    [Fact]
    public void Write_FixedResponseWithoutContent_HasNoContentLength() =>
        Assert.DoesNotContain("Content-Length", Write(new FixedResponse(204, "ignored", "text/plain"), default));

    [Theory]
    [InlineData("https://{host}{uri}", "/a/b?c=d", "https://h/a/b?c=d")]
    [InlineData("https://{host}{uri}", "/a", "https://h/a")]
    [InlineData("https://{host}:8443{path}?{query}&x", "/a?b", "https://h:8443/a?b&x")]
    [InlineData("/new{path}", "//evil.example/", "/new//evil.example/")]
    [InlineData("{path}", "//evil.example/", "/evil.example/")]
    [InlineData("/{path}", "/evil.example/", "/evil.example/")]
    [InlineData("{uri}", "///evil.example?x", "/evil.example?x")]
    [InlineData("https://{host}{uri}", "http://h?q", "https://h/?q")]
    [InlineData("/{{unknown}}/{", "/", "/{unknown}/{")]
    public void Write_Redirect_FillsTheTemplateAndStaysOnItsHost(string template, string target, string location)
    {
        byte[] head = Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: h:80\r\n\r\n");
        var request = new RequestHead();
        Assert.True(request.TryParse(head, new HttpLimits(), out _));
        var action = new RouteAction.Redirect(308, template);
        HttpSnapshot service = RouteTableTests.Service(new RouteSnapshot("r", new RouteMatch(), action));
        var rules = new ServiceRules(service);
        Assert.True(new RouteTable(service, rules, new RuleTables()).TryMatch(request, head, new StatedOrigin(), out _, out RuleInput input, out _));
        byte[] buffer = new byte[1024];
        int length = new RedirectResponse(action, rules.Routes[0].Redirect!).Write(buffer, input, s_date, new OwnResponse(true, false, false));
        string text = Encoding.ASCII.GetString(buffer, 0, length);
        Assert.StartsWith("HTTP/1.1 308 Permanent Redirect\r\nContent-Length: 0\r\n", text);
        Assert.Contains($"\r\nLocation: {location}\r\nDate:", text);
    }

    [Theory]
    [InlineData(784111777, "Sun, 06 Nov 1994 08:49:37 GMT")]
    [InlineData(0, "Thu, 01 Jan 1970 00:00:00 GMT")]
    public void Format_HttpDate_Rfc9110Section5_6_7(long seconds, string expected)
    {
        byte[] text = new byte[HttpDate.Length];
        HttpDate.Format(seconds, text);
        Assert.Equal(expected, Encoding.ASCII.GetString(text));
    }

    private static string Write(FixedResponse response, OwnResponse how)
    {
        byte[] buffer = new byte[response.MaxLength];
        return Encoding.ASCII.GetString(buffer, 0, response.Write(buffer, s_date, how));
    }
}
