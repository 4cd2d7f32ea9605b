using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Core.Rules;

namespace Mainstay.Core.Tests.Rules;

/// <summary>Maps and address lists against twins that look at every entry.</summary>
public class TableTests
{
    [Theory]
    [InlineData(MapKind.Exact)]
    [InlineData(MapKind.Prefix)]
    [InlineData(MapKind.Host)]
    public void TryFind_RandomMaps_AgreeWithTheTwin(MapKind kind)
    {
        var random = new Random(3);
        string Text(int labels) => string.Join('.', Enumerable.Range(0, random.Next(1, labels)).Select(_ => "ab"[random.Next(2)].ToString()));
        for (int i = 0; i < 2000; i++)
        {
            var entries = new Dictionary<string, string>();
            for (int n = random.Next(8); n > 0; n--) entries[(kind == MapKind.Host && random.Next(2) == 0 ? "*." : "") + Text(4)] = $"v{n}";
            MapContent map = Map(kind, entries);
            Assert.Equal(entries.Count, map.Count);
            Assert.Equal(entries.Select(e => (e.Key, e.Value)).Order(), map.Entries().Order());
            string text = Text(6);
            Assert.Equal(Twin(kind, entries, text), Find(map, text));
        }
    }

    [Fact]
    public void TryFind_HundredThousandEntries_AllFoundInLittleMemoryAndWithoutAllocation()
    {
        var entries = Enumerable.Range(0, 100_000).ToDictionary(i => $"/articles/{i}/some-title-of-the-article", i => $"/a/{i}");
        MapContent map = Map(MapKind.Exact, entries);
        Assert.All(entries.Take(1000), entry => Assert.Equal(entry.Value, Find(map, entry.Key)));
        Assert.InRange(map.Size, 0, 8_000_000);
        byte[] key = Encoding.UTF8.GetBytes("/articles/77777/some-title-of-the-article");
        map.TryFind(key, out _, out _);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) map.TryFind(key, out _, out _);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void TryRead_MapFile_HasItsEntriesAndNamesBrokenLines()
    {
        byte[] good = "\ufeff# hosts\n\nWww.Example.com.\tapp\r\n*.example.com   some value # not a comment\n"u8.ToArray();
        Assert.True(MapFile.TryRead(good, MapKind.Host, out var entries, out _));
        Assert.Equal(
            ["www.example.com=app", "*.example.com=some value # not a comment"],
            entries.Select(e => $"{Encoding.UTF8.GetString(e.Key)}={Encoding.UTF8.GetString(e.Value)}"));
        Assert.False(MapFile.TryRead("a b\nlonely\n\x01 x\n"u8, MapKind.Exact, out _, out IReadOnlyList<TableError> errors));
        Assert.Equal([2, 3], errors.Select(error => error.Line));
    }

    [Fact]
    public void TryRead_ListFile_LongestRangeDecides()
    {
        Assert.True(AddressListFile.TryRead("10.0.0.0/8 office\n!10.9.0.0/16\n10.9.9.9\n2001:db8::/32\n"u8, out var entries, out _));
        var list = new AddressListContent(entries);
        Assert.Equal(
            [true, false, true, false, true, false],
            new[] { "10.1.1.1", "10.9.1.1", "10.9.9.9", "11.0.0.1", "2001:db8::7", "2001:db9::" }.Select(text => list.Contains(Address(text))));
        Assert.False(list.Contains(default));
        Assert.False(AddressListFile.TryRead("10.0.0.1/8\nx\n"u8, out _, out IReadOnlyList<TableError> errors));
        Assert.Equal([1, 2], errors.Select(error => error.Line));
    }

    [Fact]
    public void Contains_RandomLists_AgreeWithTheTwin()
    {
        var random = new Random(9);
        for (int i = 0; i < 2000; i++)
        {
            List<AddressListEntry> entries =
            [
                .. Enumerable.Range(0, random.Next(8)).Select(_ => Range(random)).DistinctBy(r => r).Select(r => new AddressListEntry(r, random.Next(3) > 0)),
            ];
            var list = new AddressListContent(entries);
            for (uint address = 0; address < 64; address++)
            {
                NetAddress asked = NetAddress.V4(address << 26);
                bool expected = entries.Where(e => e.Range.Contains(asked)).OrderBy(e => e.Range.PrefixLength).LastOrDefault().IsListed;
                Assert.Equal(expected, list.Contains(asked));
            }
        }
    }

    [Fact]
    public void TryRead_RandomBytes_EntriesOrErrorsWithLines()
    {
        var random = new Random(13);
        string[] pieces = ["a", " ", "\t", "\n", "\r\n", "#", "*.", "10.0.0.0/8", "!", "::1", "\0", "\u00e9", "\ufeff", "/", "=", "999.1.1.1"];
        for (int i = 0; i < 20_000; i++)
        {
            byte[] file = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, random.Next(20)).Select(_ => pieces[random.Next(pieces.Length)])));
            if (random.Next(2) == 0 && file.Length > 0) file[random.Next(file.Length)] = (byte)random.Next(256);
            int lines = file.Count(b => b == '\n') + 1;
            MapKind kind = (MapKind)random.Next(3);
            bool read = MapFile.TryRead(file, kind, out var entries, out IReadOnlyList<TableError> errors);
            Assert.Equal(read, errors.Count == 0);
            Assert.All(errors, error => Assert.InRange(error.Line, 1, lines));
            if (read) Assert.InRange(MapContent.Build(kind, entries).Count, 0, entries.Count);
            bool listed = AddressListFile.TryRead(file, out var ranges, out errors);
            Assert.Equal(listed, errors.Count == 0);
            if (listed) _ = new AddressListContent(ranges);
        }
    }

    private static AddressRange Range(Random random)
    {
        int length = random.Next(0, 7);
        uint bits = length == 0 ? 0 : (uint)random.Next(1 << length) << (32 - length);
        return new AddressRange(NetAddress.V4(bits), length);
    }

    private static NetAddress Address(string text)
    {
        Assert.True(NetAddress.TryParse(text, out NetAddress address));
        return address;
    }

    private static MapContent Map(MapKind kind, IEnumerable<KeyValuePair<string, string>> entries) =>
        MapContent.Build(kind, [.. entries.Select(e => KeyValuePair.Create(Encoding.UTF8.GetBytes(e.Key), Encoding.UTF8.GetBytes(e.Value)))]);

    private static string? Find(MapContent map, string text) =>
        map.TryFind(Encoding.UTF8.GetBytes(text), out int start, out int length) ? Encoding.UTF8.GetString(map.Memory, start, length) : null;

    private static string? Twin(MapKind kind, Dictionary<string, string> entries, string text)
    {
        if (kind == MapKind.Exact || (kind == MapKind.Host && entries.ContainsKey(text))) return entries.GetValueOrDefault(text);
        IEnumerable<string> fitting = kind == MapKind.Prefix
            ? entries.Keys.Where(text.StartsWith)
            : entries.Keys.Where(key => key.StartsWith("*.") && text.EndsWith(key[1..]) && text.Length > key.Length - 1);
        return fitting.MaxBy(key => key.Length) is { } best ? entries[best] : null;
    }
}
