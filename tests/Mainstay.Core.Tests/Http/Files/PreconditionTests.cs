using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Http.Files;

namespace Mainstay.Core.Tests.Http.Files;

/// <summary>RFC 9110 section 13, one row a rule. The representation has the tag "a" and was modified on Sun, 06 Nov 1994 08:49:37 GMT.</summary>
public class PreconditionTests
{
    private const long Modified = 784111777;
    private const string Same = "Sun, 06 Nov 1994 08:49:37 GMT", Before = "Sun, 06 Nov 1994 08:49:36 GMT", After = "Sun, 06 Nov 1994 08:49:38 GMT";

    [Theory]
    [InlineData(PreconditionResult.Proceed)]
    [InlineData(PreconditionResult.Proceed, "If-Match: \"a\"")]
    [InlineData(PreconditionResult.Proceed, "If-Match: *")]
    [InlineData(PreconditionResult.Proceed, "If-Match: \"x\", \"a\"")]
    [InlineData(PreconditionResult.Proceed, "If-Match: \"x\"", "If-Match: \"a\"")]
    [InlineData(PreconditionResult.Failed, "If-Match: \"x\"")]
    [InlineData(PreconditionResult.Failed, "If-Match: W/\"a\"")] // 13.1.1: strongly
    [InlineData(PreconditionResult.Failed, "If-Match: a")]
    [InlineData(PreconditionResult.Failed, "If-Match: \"x\"", "If-None-Match: \"a\"")]
    [InlineData(PreconditionResult.Proceed, "If-Unmodified-Since: " + Same)]
    [InlineData(PreconditionResult.Proceed, "If-Unmodified-Since: " + After)]
    [InlineData(PreconditionResult.Failed, "If-Unmodified-Since: " + Before)]
    [InlineData(PreconditionResult.Proceed, "If-Unmodified-Since: yesterday")] // 13.1.4: ignored when it is no date
    [InlineData(PreconditionResult.Proceed, "If-Unmodified-Since: " + Before, "If-Match: \"a\"")] // 13.2.2: If-Match goes before it
    [InlineData(PreconditionResult.NotModified, "If-None-Match: \"a\"")]
    [InlineData(PreconditionResult.NotModified, "If-None-Match: W/\"a\"")] // 13.1.2: weakly
    [InlineData(PreconditionResult.NotModified, "If-None-Match: *")]
    [InlineData(PreconditionResult.NotModified, "if-none-match: \"x\",,\"y\" , W/\"a\"")]
    [InlineData(PreconditionResult.NotModified, "If-None-Match: \"x,\"", "If-None-Match: \"a\"")]
    [InlineData(PreconditionResult.Proceed, "If-None-Match: \"x\"")]
    [InlineData(PreconditionResult.Proceed, "If-None-Match: \"A\"")]
    [InlineData(PreconditionResult.Proceed, "If-None-Match: \"x\" \"a")]
    [InlineData(PreconditionResult.Proceed, "If-None-Match: \"x\"", "If-Modified-Since: " + After)] // 13.1.3: ignored beside If-None-Match
    [InlineData(PreconditionResult.NotModified, "If-Modified-Since: " + Same)]
    [InlineData(PreconditionResult.NotModified, "If-Modified-Since: " + After)]
    [InlineData(PreconditionResult.NotModified, "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT")]
    [InlineData(PreconditionResult.Proceed, "If-Modified-Since: " + Before)]
    [InlineData(PreconditionResult.Proceed, "If-Modified-Since: now")]
    [InlineData(PreconditionResult.NotModified, "If-Match: \"a\"", "If-None-Match: \"a\"")]
    public void Evaluate_InTheOrderOfTheStandard(PreconditionResult expected, params string[] fields) =>
        Assert.Equal(expected, Judge(strong: true, fields).Result);

    [Theory]
    [InlineData(PreconditionResult.Failed, "If-Match: \"a\"")]
    [InlineData(PreconditionResult.NotModified, "If-None-Match: \"a\"")]
    public void Evaluate_FileChangedJustNow_IsComparedWeaklyOnly(PreconditionResult expected, string field) =>
        Assert.Equal(expected, Judge(strong: false, field).Result);

    [Theory]
    [InlineData("bytes=0-1", true, "Range: bytes=0-1")]
    [InlineData("bytes=0-1", true, "Range: bytes=0-1", "If-Range: \"a\"")]
    [InlineData("", true, "Range: bytes=0-1", "If-Range: \"x\"")]
    [InlineData("", true, "Range: bytes=0-1", "If-Range: W/\"a\"")] // 13.1.5: strongly
    [InlineData("", false, "Range: bytes=0-1", "If-Range: \"a\"")]
    [InlineData("bytes=0-1", true, "Range: bytes=0-1", "If-Range: " + Same)]
    [InlineData("", true, "Range: bytes=0-1", "If-Range: " + After)] // exactly that date
    [InlineData("", true, "Range: bytes=0-1", "If-Range: " + Before)]
    [InlineData("", false, "Range: bytes=0-1", "If-Range: " + Same)]
    [InlineData("", true, "If-Range: \"a\"")]
    public void RangeFor_HeedsIfRange(string expected, bool strong, params string[] fields) =>
        Assert.Equal(expected, Judge(strong, fields).Range);

    private static (PreconditionResult Result, string Range) Judge(bool strong, params string[] fields)
    {
        byte[] bytes = Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: a\r\n{string.Concat(fields.Select(field => field + "\r\n"))}\r\n");
        var head = new RequestHead();
        Assert.True(head.TryParse(bytes, new HttpLimits(), out _));
        SelectionFields asked = SelectionFields.Find(head.Fields, bytes);
        var current = new Validators { EntityTag = "\"a\""u8, AreStrong = strong, ModifiedSeconds = Modified };
        return (asked.Evaluate(head.Fields, bytes, current, 2026), Encoding.ASCII.GetString(asked.RangeFor(head.Fields, bytes, current, 2026)));
    }
}
