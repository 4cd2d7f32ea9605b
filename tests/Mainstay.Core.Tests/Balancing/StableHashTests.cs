using System.Text;
using Mainstay.Core.Balancing;
using Mainstay.Core.Net;

namespace Mainstay.Core.Tests.Balancing;

public class StableHashTests
{
    // Written down once: a change here sends every client of every mh and hash pool to another server at the next upgrade.
    [Theory]
    [InlineData("", 0UL)]
    [InlineData("a", 10006972898179694580UL)]
    [InlineData("12345678", 17152512073655546069UL)]
    [InlineData("10.0.0.11:8080", 15795847278425968912UL)]
    public void Of_Text_NeverChanges(string text, ulong expected) => Assert.Equal(expected, StableHash.Of(text));

    [Fact]
    public void Of_Address_IsThatOfItsBytes()
    {
        Assert.True(NetAddress.TryParse("192.0.2.1", out NetAddress v4));
        Assert.True(NetAddress.TryParse("2001:db8::1", out NetAddress v6));
        Assert.Equal(StableHash.Of([192, 0, 2, 1]), StableHash.Of(v4));
        Assert.Equal(StableHash.Of([192, 0, 2, 1, 0x1F, 0x90]), StableHash.Of(v4, 8080));
        Assert.Equal(StableHash.Of([0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), StableHash.Of(v6));
        Assert.NotEqual(StableHash.Of(v6, 80), StableHash.Of(v6, 81));
    }

    [Fact]
    public void Of_ManySimilarTexts_AllDifferAndSpreadEvenly()
    {
        var seen = new HashSet<ulong>();
        int[] buckets = new int[256], low = new int[256];
        for (int i = 0; i < 256_000; i++)
        {
            ulong hash = StableHash.Of(Encoding.ASCII.GetBytes($"user-{i}"));
            Assert.True(seen.Add(hash));
            buckets[StableHash.Reduce(hash, 256)]++;
            low[hash & 255]++;
        }

        // 1,000 expected, standard deviation 32.
        Assert.All(buckets, count => Assert.InRange(count, 840, 1160));
        Assert.All(low, count => Assert.InRange(count, 840, 1160));
    }

    [Fact]
    public void Of_TrailingZeros_CountAsLength() =>
        Assert.Equal(18, Enumerable.Range(0, 18).Select(length => StableHash.Of(new byte[length])).Distinct().Count());
}
