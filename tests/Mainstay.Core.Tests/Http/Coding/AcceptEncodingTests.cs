using System.Text;
using Mainstay.Core.Http.Coding;

namespace Mainstay.Core.Tests.Http.Coding;

public class AcceptEncodingTests
{
    private const CodingSet All = CodingSet.Identity | CodingSet.Brotli | CodingSet.Zstandard | CodingSet.Gzip;

    [Theory]
    [InlineData("gzip, deflate, br, zstd", ContentCoding.Brotli)]
    [InlineData("gzip", ContentCoding.Gzip)]
    [InlineData("GZip", ContentCoding.Gzip)]
    [InlineData("x-gzip", ContentCoding.Gzip)]
    [InlineData("deflate", ContentCoding.Identity)]
    [InlineData("", ContentCoding.Identity)]
    [InlineData("br;q=0.5, gzip;q=0.8", ContentCoding.Gzip)]
    [InlineData("br;q=0.5,zstd;q=0.501", ContentCoding.Zstandard)]
    [InlineData("br;q=0, gzip;q=0.001", ContentCoding.Gzip)]
    [InlineData("gzip;q=0", ContentCoding.Identity)]
    [InlineData("gzip;q=1.0, identity;q=1.0", ContentCoding.Gzip)]
    [InlineData("gzip;q=0.5, identity", ContentCoding.Identity)]
    [InlineData("*", ContentCoding.Brotli)]
    [InlineData("*;q=0, gzip", ContentCoding.Gzip)]
    [InlineData("br;q=0, *", ContentCoding.Zstandard)]
    [InlineData("gzip;q=0.3, *;q=0.5, br;q=0, zstd;q=0", ContentCoding.Identity)]
    [InlineData("identity;q=0, gzip;q=0.1", ContentCoding.Gzip)]
    [InlineData("gzip;q=2", ContentCoding.Identity)]
    [InlineData("gzip;q=abc", ContentCoding.Identity)]
    [InlineData("gzip;level=9", ContentCoding.Identity)]
    [InlineData("gzip ; q=0.9 , br ; Q=0.8", ContentCoding.Gzip)]
    [InlineData("brotli, gzipped", ContentCoding.Identity)]
    public void TryChoose_ByWeightThenByOurPreference(string value, ContentCoding expected)
    {
        Assert.True(Parse(value).TryChoose(All, out ContentCoding chosen));
        Assert.Equal(expected, chosen);
    }

    [Theory]
    [InlineData("identity;q=0", CodingSet.Identity)]
    [InlineData("*;q=0", CodingSet.Identity)]
    [InlineData("br, identity;q=0", CodingSet.Identity | CodingSet.Gzip)]
    [InlineData("gzip;q=0, *;q=0", All)]
    public void TryChoose_AllOfItRefused_SaysSo(string value, CodingSet available) => Assert.False(Parse(value).TryChoose(available, out _));

    [Fact]
    public void TryChoose_WithoutTheField_IsIdentity()
    {
        Assert.True(AcceptEncoding.Nothing.TryChoose(All, out ContentCoding chosen));
        Assert.Equal(ContentCoding.Identity, chosen);
    }

    [Fact]
    public void TryChoose_OnlyWhatThereIs()
    {
        AcceptEncoding accept = Parse("br, gzip;q=0.2");
        Assert.True(accept.TryChoose(CodingSet.Identity | CodingSet.Gzip, out ContentCoding chosen));
        Assert.Equal(ContentCoding.Gzip, chosen);
        Assert.True(accept.TryChoose(CodingSet.Identity, out chosen));
        Assert.Equal(ContentCoding.Identity, chosen);
    }

    [Fact]
    public void Add_SeveralFields_AreOneList()
    {
        AcceptEncoding accept = AcceptEncoding.Nothing;
        accept.Add("gzip;q=0.5"u8);
        accept.Add("br;q=0.4"u8);
        Assert.True(accept.TryChoose(All, out ContentCoding chosen));
        Assert.Equal(ContentCoding.Gzip, chosen);
    }

    private static AcceptEncoding Parse(string value)
    {
        AcceptEncoding accept = AcceptEncoding.Nothing;
        accept.Add(Encoding.ASCII.GetBytes(value));
        return accept;
    }
}
