using System.Text;
using Mainstay.Core.Http.Files;

namespace Mainstay.Core.Tests.Http.Files;

public class RangeSetTests
{
    [Theory]
    [InlineData("bytes=0-0", 10, "0-0")]
    [InlineData("bytes=0-", 10, "0-9")]
    [InlineData("bytes=3-5", 10, "3-5")]
    [InlineData("bytes=3-500", 10, "3-9")]
    [InlineData("bytes=-3", 10, "7-9")]
    [InlineData("bytes=-300", 10, "0-9")]
    [InlineData("BYTES=1-2", 10, "1-2")]
    [InlineData("bytes=1-2, 2-4 ,\t900-", 1000, "1-4,900-999")]
    [InlineData("bytes=500-600,0-10", 1000, "500-600,0-10")]
    [InlineData("bytes=0-10,50-60", 1000, "0-60")] // a gap smaller than a part's head
    [InlineData("bytes=0-10,20-", 1000, "0-999")]
    [InlineData("bytes=2000-,5-6", 1000, "5-6")]
    [InlineData("bytes=0-99999999999999999999", 10, "0-9")]
    [InlineData("bytes=500-510,0-10,600-610,90-590", 1000, "0-610")] // one joins three others, at the place of the first of them
    [InlineData("bytes=900-950,0-10,400-410", 1000, "900-950,0-10,400-410")]
    [InlineData("bytes=0-4,200-999,5-300", 1000, "0-999")]
    public void Parse_Satisfiable_GivesTheParts(string value, long size, string expected)
    {
        Assert.Equal(RangeResult.Satisfiable, RangeSet.Parse(Encoding.ASCII.GetBytes(value), size, out RangeSet ranges));
        Assert.Equal(expected, Text(ranges));
    }

    [Theory]
    [InlineData("bytes=10-", 10)]
    [InlineData("bytes=10-20,11-", 10)]
    [InlineData("bytes=-0", 10)]
    [InlineData("bytes=0-", 0)]
    [InlineData("bytes=-5", 0)]
    [InlineData("bytes=99999999999999999999-", 10)]
    public void Parse_NothingOfItIsThere_IsUnsatisfiable(string value, long size) =>
        Assert.Equal(RangeResult.Unsatisfiable, RangeSet.Parse(Encoding.ASCII.GetBytes(value), size, out _));

    [Theory]
    [InlineData("")]
    [InlineData("bytes")]
    [InlineData("bytes=")]
    [InlineData("bytes=,")]
    [InlineData("bytes=-")]
    [InlineData("bytes=a-b")]
    [InlineData("bytes=1")]
    [InlineData("bytes=5-4")]
    [InlineData("bytes=1-2-3")]
    [InlineData("bytes=+1-2")]
    [InlineData("bytes=1-2;3-4")]
    [InlineData("bytes =1-2")]
    [InlineData("items=0-5")]
    [InlineData("bytes=0-1,x")]
    [InlineData("bytes=0-1,900-901,200-201,300-301,400-401,500-501,600-601,700-701,800-801,1000-,-1,1-1,2-2,3-3,4-4,5-5,6-6")] // 17 of them
    public void Parse_NotUnderstoodOrTooMany_IsIgnored(string value)
    {
        Assert.Equal(RangeResult.Ignored, RangeSet.Parse(Encoding.ASCII.GetBytes(value), 1000, out RangeSet ranges));
        Assert.Equal(0, ranges.Count);
    }

    /// <summary>The parts cover every byte that was asked for, nothing that is far from it, and no byte twice.</summary>
    [Fact]
    public void Parse_RandomRanges_CoversWhatASetOfBytesCovers()
    {
        var random = new Random(11);
        for (int i = 0; i < 20_000; i++)
        {
            int size = random.Next(1, 2000);
            var wanted = new HashSet<long>();
            var specs = new List<string>();
            for (int count = random.Next(1, 6); count > 0; count--)
            {
                int first = random.Next(0, 2200), last = first + random.Next(0, 300);
                (string spec, long from, long to) = random.Next(4) switch
                {
                    0 => ($"{first}-", first, long.MaxValue),
                    1 => ($"-{last}", Math.Max(0, size - last), size - 1),
                    _ => ($"{first}-{last}", (long)first, (long)last),
                };
                specs.Add(spec);
                for (long at = from; at <= Math.Min(to, size - 1); at++) wanted.Add(at);
            }

            string value = "bytes=" + string.Join(random.Next(2) == 0 ? "," : " , ", specs);
            RangeResult result = RangeSet.Parse(Encoding.ASCII.GetBytes(value), size, out RangeSet ranges);
            Assert.True(wanted.Count > 0 == (result != RangeResult.Unsatisfiable), value);
            if (result != RangeResult.Satisfiable) continue;
            var covered = new HashSet<long>();
            for (int part = 0; part < ranges.Count; part++)
            {
                Assert.InRange(ranges[part].First, 0, ranges[part].Last);
                Assert.InRange(ranges[part].Last, ranges[part].First, size - 1);
                for (long at = ranges[part].First; at <= ranges[part].Last; at++) Assert.True(covered.Add(at), $"{value}: {at} twice");
            }

            Assert.True(wanted.IsSubsetOf(covered), value);
            Assert.All(covered.Except(wanted), at => Assert.True(wanted.Any(near => Math.Abs(near - at) <= 80), $"{value}: {at}"));
        }
    }

    private static string Text(RangeSet ranges) =>
        string.Join(",", Enumerable.Range(0, ranges.Count).Select(i => $"{ranges[i].First}-{ranges[i].Last}"));
}
