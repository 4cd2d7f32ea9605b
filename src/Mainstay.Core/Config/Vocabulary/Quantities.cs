using System.Globalization;
using System.Text.Json.Nodes;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary><c>500ms 1s 5m 1h 14d</c>, or <c>0</c> where zero means something.</summary>
internal sealed class DurationType(TimeSpan min, TimeSpan max) : ScalarType<TimeSpan>
{
    private static readonly (string Unit, long Milliseconds)[] Units =
        [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

    /// <summary>A year: beyond it a timer is a slip of the unit.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromDays(365);

    public static readonly DurationType Positive = new(TimeSpan.FromMilliseconds(1), Longest);
    public static readonly DurationType OrZero = new(TimeSpan.Zero, Longest);

    public override string Label => "duration";

    public override string Expected => min <= TimeSpan.FromMilliseconds(1) && max == Longest
        ? "a duration such as 500ms, 1s, 5m or 1h"
        : $"a duration from {Text(min)} to {Text(max)}";

    public override ConfigNode Write(TimeSpan value, WriteOptions options) => new ScalarNode(Text(value));

    public override JsonObject Schema()
    {
        var text = new JsonObject { ["type"] = "string", ["pattern"] = "^[0-9]+(ms|s|m|h|d)$" };
        return min > TimeSpan.Zero ? text : new JsonObject { ["anyOf"] = new JsonArray(text, new JsonObject { ["const"] = 0 }) };
    }

    public static string Text(TimeSpan value)
    {
        long milliseconds = value.Ticks / TimeSpan.TicksPerMillisecond;
        if (milliseconds == 0) return "0";
        (string unit, long size) = Units.Last(u => milliseconds % u.Milliseconds == 0);
        return string.Create(CultureInfo.InvariantCulture, $"{milliseconds / size}{unit}");
    }

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out TimeSpan value)
    {
        value = TimeSpan.Zero;
        ReadOnlySpan<char> text = scalar.Text;
        int digits = text.IndexOfAnyExceptInRange('0', '9');
        if (digits < 0) digits = text.Length;
        ReadOnlySpan<char> unit = text[digits..];
        if (digits == 0 || (unit.Length == 0 && !text.SequenceEqual("0")))
            return $"{Compilation.Show(scalar.Text)} is not {Expected} (a whole number and ms, s, m, h or d)";
        long size = UnitSize(unit);
        if (size == 0 && unit.Length > 0)
            return $"{Compilation.Show(scalar.Text)} is not {Expected} (a whole number and ms, s, m, h or d)";

        // 18 digits times a day's milliseconds would overflow; 11 digits are more than a year of them.
        long count = digits > 11 ? long.MaxValue : long.Parse(text[..digits], CultureInfo.InvariantCulture);
        bool inRange = count <= max.TotalMilliseconds && count * size >= min.TotalMilliseconds && count * size <= max.TotalMilliseconds;
        if (!inRange) return $"{Compilation.Show(scalar.Text)} is out of range (from {Text(min)} to {Text(max)})";
        value = TimeSpan.FromMilliseconds(count * size);
        return null;
    }

    private static long UnitSize(ReadOnlySpan<char> unit)
    {
        foreach ((string name, long milliseconds) in Units)
        {
            if (unit.SequenceEqual(name)) return milliseconds;
        }

        return 0;
    }
}

/// <summary>Bytes: <c>64KiB 10MiB 1GiB</c>, or a plain number.</summary>
internal sealed class SizeType(long min, long max) : ScalarType<long>
{
    private static readonly (string Unit, long Bytes)[] Units = [("B", 1), ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40)];

    public override string Label => "size";
    public override string Expected => $"a size from {Text(min)} to {Text(max)}, such as 64KiB or 10MiB";

    public override ConfigNode Write(long value, WriteOptions options) => new ScalarNode(Text(value));

    public override JsonObject Schema() => new()
    {
        ["anyOf"] = new JsonArray(
            new JsonObject { ["type"] = "integer", ["minimum"] = min, ["maximum"] = max },
            new JsonObject { ["type"] = "string", ["pattern"] = "^[0-9]+(B|KiB|MiB|GiB|TiB)$" }),
    };

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out long value)
    {
        value = 0;
        ReadOnlySpan<char> text = scalar.Text;
        int digits = text.IndexOfAnyExceptInRange('0', '9');
        if (digits < 0) digits = text.Length;
        long unit = UnitSize(text[digits..]);
        if (digits is 0 or > 18 || unit == 0) return NotExpected(scalar);
        long count = long.Parse(text[..digits], CultureInfo.InvariantCulture);
        if (count > max / unit || count * unit < min) return NotExpected(scalar);
        value = count * unit;
        return null;
    }

    private static long UnitSize(ReadOnlySpan<char> unit)
    {
        if (unit.IsEmpty) return 1;
        foreach ((string name, long bytes) in Units)
        {
            if (unit.SequenceEqual(name)) return bytes;
        }

        return 0;
    }

    private static string Text(long value)
    {
        if (value == 0) return "0";
        (string unit, long bytes) = Units.Last(u => value % u.Bytes == 0);
        return string.Create(CultureInfo.InvariantCulture, $"{value / bytes}{(bytes == 1 ? "" : unit)}");
    }
}

/// <summary>A <see cref="SizeType"/> that fits into an int.</summary>
internal sealed class SmallSizeType(int min, int max) : ConfigType<int>
{
    private readonly SizeType _size = new(min, max);

    public override string Label => _size.Label;
    public override string Expected => _size.Expected;

    public override bool TryRead(ConfigNode node, Compilation compilation, out int value)
    {
        bool read = _size.TryRead(node, compilation, out long bytes);
        value = (int)bytes;
        return read;
    }

    public override ConfigNode Write(int value, WriteOptions options) => _size.Write(value, options);

    public override JsonObject Schema() => _size.Schema();
}
