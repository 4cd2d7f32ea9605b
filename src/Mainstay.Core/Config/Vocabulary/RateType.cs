using System.Globalization;
using System.Text.Json.Nodes;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary><c>100/s</c>, <c>5/10s</c>, <c>1000/h</c>; of bytes <c>1MiB/s</c>.</summary>
internal sealed class RateType : ScalarType<(long Count, TimeSpan Per)>
{
    public static readonly RateType Counts = new(bytes: false);
    public static readonly RateType Bytes = new(bytes: true);

    /// <summary>Above a rate of one a nanosecond there is nothing to measure.</summary>
    private const long Most = 1_000_000;

    /// <summary>10 Gbit/s a thousand times over.</summary>
    private const long MostBytes = 1L << 40;

    private readonly bool _bytes;

    private RateType(bool bytes) => _bytes = bytes;

    public override string Label => "rate";
    public override string Expected => _bytes ? "a rate such as 64KiB/s or 1GiB/h" : "a rate such as 100/s, 5/10s or 1000/h";

    public override ConfigNode Write((long Count, TimeSpan Per) value, WriteOptions options) => new ScalarNode(Text(value, options));

    public override JsonObject Schema() => new()
    {
        ["type"] = "string",
        ["pattern"] = _bytes ? "^[0-9]+(B|KiB|MiB|GiB|TiB)?/[0-9]*(ms|s|m|h|d)$" : "^[0-9]+/[0-9]*(ms|s|m|h|d)$",
    };

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out (long Count, TimeSpan Per) value)
    {
        value = default;
        int slash = scalar.Text.IndexOf('/');
        if (slash <= 0) return NotExpected(scalar);
        string count = scalar.Text[..slash], per = scalar.Text[(slash + 1)..];

        // A unit alone is one of it.
        if (per.Length > 0 && !char.IsAsciiDigit(per[0])) per = "1" + per;
        var trial = new Compilation(compilation.Environment);
        bool read = DurationType.Positive.TryRead(new ScalarNode(per), trial, out TimeSpan time);
        read &= _bytes
            ? new SizeType(1, MostBytes).TryRead(new ScalarNode(count), trial, out long number)
            : long.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number > 0;
        if (!read) return NotExpected(scalar);
        if (!_bytes && number / time.TotalSeconds > Most) return $"{Compilation.Show(scalar.Text)} is more than {Most} a second, which is no limit";
        if (!_bytes && number > int.MaxValue) return NotExpected(scalar);
        value = (number, time);
        return null;
    }

    private string Text((long Count, TimeSpan Per) value, WriteOptions options)
    {
        string count = _bytes ? ((ScalarNode)new SizeType(1, MostBytes).Write(value.Count, options)).Text : value.Count.ToString(CultureInfo.InvariantCulture);
        string per = DurationType.Text(value.Per);
        return $"{count}/{(per is "1s" or "1m" or "1h" or "1d" ? per[1..] : per)}";
    }
}
