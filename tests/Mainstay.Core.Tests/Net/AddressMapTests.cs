using System.Collections.Immutable;
using Mainstay.Core.Net;

namespace Mainstay.Core.Tests.Net;

public class AddressMapTests
{
    [Fact]
    public void Find_RandomNestedRanges_AgreesWithAWalkOverAllOfThem()
    {
        var random = new Random(11);
        for (int round = 0; round < 300; round++)
        {
            var ranges = new List<(AddressRange Range, int Value)>();
            for (int i = random.Next(40); i > 0; i--)
            {
                AddressRange range = RandomRange(random);
                if (ranges.All(r => r.Range != range)) ranges.Add((range, random.Next(4)));
            }

            var map = new AddressMap(ranges);
            for (int i = 0; i < 300; i++)
            {
                NetAddress address = RandomAddress(random, random.Next(2) == 0 && ranges.Count > 0 ? ranges[random.Next(ranges.Count)].Range : null);
                int expected = ranges.Where(r => r.Range.Contains(address)).OrderByDescending(r => r.Range.PrefixLength)
                    .Select(r => r.Value).FirstOrDefault(AddressMap.None);
                Assert.Equal(expected, map.Find(address));
            }
        }
    }

    [Fact]
    public void Find_WholeSpacesAndTheirEnds_AreFound()
    {
        var map = new AddressMap([(Range("0.0.0.0/0"), 1), (Range("::/0"), 2), (Range("255.255.255.255"), 3), (Range("ffff::/16"), 4)]);
        Assert.Equal(1, map.Find(Address("0.0.0.0")));
        Assert.Equal(3, map.Find(Address("255.255.255.255")));
        Assert.Equal(2, map.Find(Address("::")));
        Assert.Equal(4, map.Find(Address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")));
        Assert.Equal(AddressMap.None, map.Find(default));
    }

    [Fact]
    public void Find_SameRangeTwice_TheLaterOneCounts() =>
        Assert.Equal(2, new AddressMap([(Range("10.0.0.0/8"), 1), (Range("10.0.0.0/8"), 2)]).Find(Address("10.1.2.3")));

    [Theory]
    [InlineData("10.1.2.3", "", true, true)]
    [InlineData("10.1.2.3", "10.0.0.0/8", true, true)]
    [InlineData("", "10.0.0.0/8", true, false)]
    [InlineData("10.0.0.0/8", "10.1.0.0/16", false, false)]
    [InlineData("10.1.2.3", "10.1.2.3", true, false)]
    [InlineData("192.0.2.0/24", "", false, false)]
    public void Admits_TheMostSpecificRange_Decides(string allow, string deny, bool others, bool expected)
    {
        ImmutableArray<AddressRange> allowed = allow.Length > 0 ? [Range(allow)] : [];
        ImmutableArray<AddressRange> denied = deny.Length > 0 ? [Range(deny)] : [];
        Assert.Equal(expected, new AddressAccess(allowed, denied, others).Admits(Address("10.1.2.3")));
    }

    private static AddressRange RandomRange(Random random)
    {
        bool v4 = random.Next(2) == 0;
        int length = random.Next((v4 ? 32 : 128) + 1);
        NetAddress address = RandomAddress(random, null, v4);
        return new AddressRange(address.Truncate(length), length);
    }

    /// <summary>Few different high bits, so that ranges meet; near a range's ends when one is given.</summary>
    private static NetAddress RandomAddress(Random random, AddressRange? near, bool? v4 = null)
    {
        byte[] bytes = new byte[near is { } range ? range.Address.Bits / 8 : v4 ?? random.Next(2) == 0 ? 4 : 16];
        random.NextBytes(bytes);
        for (int i = 0; i < bytes.Length; i++) bytes[i] &= (byte)(i < 2 ? 0x81 : random.Next(2) * 255);
        if (near is { } close && random.Next(2) == 0) close.Address.WriteBytes(bytes);
        if (near is not null && random.Next(3) == 0) bytes[^1]--;
        return NetAddress.FromBytes(bytes);
    }

    private static NetAddress Address(string text) => NetAddress.TryParse(text, out NetAddress address) ? address : throw new FormatException();

    private static AddressRange Range(string text) => AddressRange.TryParse(text, out AddressRange range) ? range : throw new FormatException();
}
