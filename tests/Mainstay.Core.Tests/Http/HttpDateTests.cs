using System.Globalization;
using System.Text;
using Mainstay.Core.Http;

namespace Mainstay.Core.Tests.Http;

public class HttpDateTests
{
    [Theory]
    [InlineData("Sun, 06 Nov 1994 08:49:37 GMT", 784111777)]
    [InlineData("Sunday, 06-Nov-94 08:49:37 GMT", 784111777)]
    [InlineData("Sun Nov  6 08:49:37 1994", 784111777)]
    [InlineData("Thu, 01 Jan 1970 00:00:00 GMT", 0)]
    [InlineData("Wed, 31 Dec 1969 23:59:59 GMT", -1)]
    [InlineData("Thu, 29 Feb 2024 12:00:60 GMT", 1709208060)]
    [InlineData("Friday, 01-Jan-27 00:00:00 GMT", 1798761600)]
    [InlineData("Saturday, 01-Jan-77 00:00:00 GMT", 220924800)]
    public void TryParse_AllThreeForms_GiveTheSecond(string text, long expected)
    {
        Assert.True(HttpDate.TryParse(Encoding.ASCII.GetBytes(text), 2026, out long seconds), text);
        Assert.Equal(expected, seconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Sun, 06 Nov 1994 08:49:37")]
    [InlineData("Sun, 06 Nov 1994 08:49:37 CET")]
    [InlineData("Sun, 6 Nov 1994 08:49:37 GMT")]
    [InlineData("Sun, 31 Feb 1994 08:49:37 GMT")]
    [InlineData("Sun, 29 Feb 2023 08:49:37 GMT")]
    [InlineData("Sun, 06 Nob 1994 08:49:37 GMT")]
    [InlineData("Sun, 06 nov 1994 08:49:37 GMT")]
    [InlineData("Xxx, 06 Nov 1994 08:49:37 GMT")]
    [InlineData("Sun, 06 Nov 1994 24:49:37 GMT")]
    [InlineData("Sun, 06 Nov 1994 08:60:37 GMT")]
    [InlineData("Sun, 06 Nov 0000 08:49:37 GMT")]
    [InlineData("Sun, 06 Nov +994 08:49:37 GMT")]
    [InlineData("1699999999")]
    [InlineData("Sunday, 06-Nov-94 08:49:37")]
    [InlineData("Sun Nov 06 08:49:37 94")]
    public void TryParse_AnythingElse_IsNoDate(string text) =>
        Assert.False(HttpDate.TryParse(Encoding.ASCII.GetBytes(text), 2026, out _), text);

    [Fact]
    public void TryParse_WhatWasWritten_IsReadBack()
    {
        var random = new Random(5);
        byte[] text = new byte[HttpDate.Length];
        for (int i = 0; i < 2000; i++)
        {
            long second = random.NextInt64(0, 253402300799);
            HttpDate.Format(second, text);
            Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(second).ToString("r", CultureInfo.InvariantCulture), Encoding.ASCII.GetString(text));
            if (second / 31_556_952 > 8027) continue;
            Assert.True(HttpDate.TryParse(text, 2026, out long read));
            Assert.Equal(second, read);
        }
    }
}
