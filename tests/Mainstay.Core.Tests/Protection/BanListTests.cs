using Mainstay.Core.Net;
using Mainstay.Core.Protection;

namespace Mainstay.Core.Tests.Protection;

public class BanListTests
{
    private static readonly BanTerms s_terms = new(
        TimeSpan.FromMinutes(1), 2, TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(10), BanAction.Reset);

    private readonly BanList _bans = new(new KeyHash(9), 100);

    [Fact]
    public void Add_AgainAndAgain_LastsLongerEachTimeUpToTheLongest()
    {
        NetAddress address = Address("192.0.2.7");
        long now = 1000;
        var lengths = new List<long>();
        for (int i = 0; i < 5; i++)
        {
            Ban ban = _bans.Add(address, s_terms, "d", "", now)!;
            lengths.Add(ban.Until - ban.Since);
            now = ban.Until;
        }

        Assert.Equal([60, 120, 240, 300, 300], lengths);
    }

    [Fact]
    public void Add_LongAfterTheLastBan_IsTheFirstStrikeAgain()
    {
        NetAddress address = Address("192.0.2.7");
        Assert.Equal(1, _bans.Add(address, s_terms, "d", "", 0)!.Strikes);
        Assert.Equal(2, _bans.Add(address, s_terms, "d", "", 60 + 599)!.Strikes);
        Assert.Equal(1, _bans.Add(address, s_terms, "d", "", 60 + 599 + 120 + 600)!.Strikes);
    }

    [Fact]
    public void Add_WhileBanned_ChangesNothing()
    {
        Assert.NotNull(_bans.Add(Address("192.0.2.7"), s_terms, "d", "", 0));
        Assert.Null(_bans.Add(Address("192.0.2.7"), s_terms, "d", "", 59));
        Assert.NotNull(_bans.Add(Address("192.0.2.7"), s_terms, "d", "", 60));
    }

    [Fact]
    public void TryFind_BannedV6Address_FindsItsNeighboursInTheNetworkOnly()
    {
        _bans.Add(Address("2001:db8:1:2::99"), s_terms, "d", "", 0);
        Assert.True(_bans.TryFind(Address("2001:db8:1:2:ffff::1"), 1, out Ban? ban));
        Assert.Equal("2001:db8:1:2::/64", ban.Range.ToString());
        Assert.False(_bans.TryFind(Address("2001:db8:1:3::99"), 1, out _));
        Assert.False(_bans.TryFind(Address("2001:db8:1:2::99"), 60, out _));
    }

    [Fact]
    public void AddManual_RangeWithoutEnd_HoldsUntilRemoved()
    {
        _bans.AddManual(Range("198.51.100.0/24"), BanAction.Forbidden, null, "abuse", 0);
        Assert.True(_bans.TryFind(Address("198.51.100.200"), long.MaxValue - 1, out Ban? ban));
        Assert.Equal(BanAction.Forbidden, ban.Action);
        Assert.Equal(1, _bans.Remove(Range("198.51.100.0/24"), 5));
        Assert.False(_bans.TryFind(Address("198.51.100.200"), 6, out _));
        Assert.True(_bans.IsEmpty);
    }

    [Fact]
    public void Remove_LargerRange_LetsGoOfEverythingInside()
    {
        _bans.Add(Address("192.0.2.7"), s_terms, "d", "", 0);
        _bans.Add(Address("192.0.3.7"), s_terms, "d", "", 0);
        _bans.AddManual(Range("192.0.2.128/25"), BanAction.Reset, null, "", 0);
        Assert.Equal(2, _bans.Remove(Range("192.0.2.0/24"), 1));
        Assert.Equal("192.0.3.7", Assert.Single(_bans.All()).Range.ToString());
    }

    [Fact]
    public void Add_MoreThanFit_TheOnesThatEndFirstMakePlace()
    {
        for (int i = 0; i < 1000; i++) _bans.Add(NetAddress.V4((uint)(0x0A000000 + i)), s_terms, "d", "", i / 100);
        Assert.True(_bans.All().Length <= 100);
        Assert.True(_bans.TryFind(NetAddress.V4(0x0A000000 + 999), 10, out _));
        Assert.True(_bans.Displaced >= 900);
    }

    [Fact]
    public void Sweep_AfterTheEndOfMemory_ForgetsEverything()
    {
        _bans.Add(Address("192.0.2.7"), s_terms, "d", "", 0);
        _bans.AddManual(Range("192.0.2.128/25"), BanAction.Reset, TimeSpan.FromSeconds(5), "", 0);
        _bans.Sweep(100);
        Assert.Equal(1, Assert.Single(_bans.All()).Strikes);
        _bans.Sweep(660);
        Assert.True(_bans.IsEmpty);
    }

    [Fact]
    public void File_WrittenAndRead_IsTheSame()
    {
        _bans.Add(Address("2001:db8::1"), s_terms, "api", "101 requests", 50);
        _bans.Add(Address("192.0.2.7"), s_terms with { Action = BanAction.Tarpit }, "api", "", 50);
        _bans.AddManual(Range("10.0.0.0/8"), BanAction.TooManyRequests, null, "tab\there\nand line", 50);
        string text = BanFile.Write(_bans.All());
        var copy = new BanList(new KeyHash(1), 100);
        copy.Restore(BanFile.Read(text, 60, out int skipped));
        Assert.Equal(0, skipped);
        Assert.Equal(text, BanFile.Write(copy.All().OrderBy(b => text.IndexOf(b.Range.ToString(), StringComparison.Ordinal))));
        Assert.True(copy.TryFind(Address("2001:db8::2"), 60, out _));
    }

    [Fact]
    public void File_BrokenLines_AreCountedAndLeftOut()
    {
        var random = new Random(1);
        _bans.Add(Address("192.0.2.7"), s_terms, "d", "x", 0);
        string sound = BanFile.Write(_bans.All());
        for (int i = 0; i < 2000; i++)
        {
            char[] text = sound.ToCharArray();
            text[random.Next(text.Length)] = (char)random.Next(1, 300);
            BanFile.Read(new string(text), 0, out _);
        }

        Assert.Empty(BanFile.Read("something else\n1.2.3.4", 0, out int skipped));
        Assert.Equal(2, skipped);
        Assert.Single(BanFile.Read(sound + "nonsense\n10.0.0.0/33\treset\t1\t2\t3\t4\td\t\n", 0, out skipped));
        Assert.Equal(2, skipped);
    }

    private static NetAddress Address(string text) => NetAddress.TryParse(text, out NetAddress address) ? address : throw new FormatException();

    private static AddressRange Range(string text) => AddressRange.TryParse(text, out AddressRange range) ? range : throw new FormatException();
}
